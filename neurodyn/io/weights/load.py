"""Load the weights of a recurrent network that was trained with another library."""

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np

from neurodyn.io.weights.arrays import named_arrays
from neurodyn.io.weights.fitting import Arrays, check_update
from neurodyn.io.weights.layouts import check_layout
from neurodyn.io.weights.roles import find_roles, listed
from neurodyn.params import AbstractDistribution, Fixed
from neurodyn.params.base import changed, held, value_of
from neurodyn.params.held import CannotHold

Model = TypeVar("Model")
#: Dims of what a model holds, for errors.
_DIMS = {
    "W": ("from unit", "to unit"),
    "U": ("from input", "to unit"),
    "W_out": ("from unit", "to output"),
    "b_out": ("output",),
}


def from_weights(
    source: str | os.PathLike | Mapping[str, Any] | Any,
    model: Model,
    *,
    layout: str | None = None,
    names: Mapping[str, str | Sequence[str] | None] | None = None,
    ignore: Sequence[str] = (),
    dt: float | None = None,
) -> Model:
    """Give a rate network the weights of one that was trained with PyTorch, Keras or by hand.

    Arrays are found by their names and shapes, and each has one place; what is missing, left over
    or ambiguous is an error that lists it. Matrices are turned and gates reordered as the
    convention of the library demands, and biases that the model has once are added up.

    Parameters
    ----------
    source
        A file (``.safetensors``, ``.npz``, ``.h5``, ``.weights.h5``, ``.keras``; ``.pt`` where
        PyTorch is installed, and then without running any code in it), a mapping of names to
        arrays or tensors, such as a ``state_dict``, or a model of PyTorch or Keras.
    model
        A network of the same kind and sizes: `CTRNN`, `LeakyRNN`, `GRU`, `LSTM` or `EchoState`.
        Its equations, time constants, constraints and initial state are kept where the checkpoint
        has no value for them. A network without readout has ``n_outputs=0``.
    layout
        ``"torch"``: matrices are ``(post, pre)`` and used as ``x @ W.T``; gates r, z, n.
        ``"keras"``: ``(pre, post)``, used as ``x @ W``; gates z, r, h.
        ``"neurodyn"``: ``(pre, post)``; gates as in the model.
        None: recognised where all matrices have names that only one of these libraries gives
        (``.weight``, ``weight_hh_l0``, ``kernel``).
    names
        Names of arrays that are not found by themselves, by what they are: ``"W"`` (recurrent
        weights), ``"U"`` (input weights), ``"W_out"``, their biases ``"b"``, ``"b_in"``,
        ``"b_out"``, ``"tau"`` (in the units of the model), ``"alpha"`` (dt / tau), ``"initial"``. A
        list of biases is summed. None keeps the value of the model.
    ignore
        Patterns of names of arrays that are no part of the model, such as ``"optimizer.*"``.
    dt
        Step [ms] of the network that was trained; needed where a `CTRNN` gets an ``alpha``.

    Returns
    -------
    The model with these weights, of the same class, constraints and precision.

    Raises
    ------
    ValueError
        If an array is missing, left over, ambiguous, of another shape or not finite; if the layout
        cannot be told; or if a parameter cannot have a value (a time constant outside of its
        bounds, a weight against its sign or outside of a mask). Values are never clipped.
    FileFormatError
        If a file is damaged, of an unknown kind, or a pickle that only running code can read.
    TypeError
        If the model is no rate network.

    Notes
    -----
    A missing bias is 0, which is how these libraries store a layer without bias. In the network of
    ``torch.nn.RNN`` and Keras' ``SimpleRNN``, which has no leak, `LeakyRNN` has ``tau=1`` and
    ``initial="zeros"``. Activations are not part of checkpoints: they are those of the model.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import io, models
    >>> rng = np.random.default_rng(0)
    >>> state = {"rnn.weight_ih_l0": rng.normal(size=(12, 3)),
    ...          "rnn.weight_hh_l0": rng.normal(size=(12, 4)),
    ...          "fc.weight": rng.normal(size=(2, 4)), "fc.bias": np.zeros(2)}
    >>> model = io.from_weights(state, models.GRU(3, 4, 2, key=0))
    >>> bool(np.allclose(model.W_out, state["fc.weight"].T))
    True
    """
    check_model(model)
    everything = named_arrays(source)
    arrays = {
        name: x for name, x in everything.items() if not any(fnmatch(name, p) for p in ignore)
    }
    names = dict(names or {})
    told = layout is not None
    layout = _recognised(arrays) if layout is None else layout
    check_layout(layout)
    checkpoint = Arrays(arrays, model, layout)
    found = find_roles(arrays, checkpoint.shapes, names)
    _refuse_missing(found, arrays, checkpoint.shapes, model, layout)
    if not told:
        _require_oriented(found, arrays, layout)
    check_update(model, found, arrays, dt)
    values = checkpoint.values(found, dt)
    return changed(model, **{name: _held(model, name, value) for name, value in values.items()})


def check_model(model: Any) -> None:
    """Refuse what is no rate network."""
    fields = ("n_inputs", "n_units", "n_outputs", "W", "U", "b", "W_out", "b_out", "initial")
    if isinstance(model, type) or not all(hasattr(model, name) for name in fields):
        what = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(
            "`model` is a network with the sizes of the checkpoint, such as models.GRU(3, 64, 2, "
            f"key=0): a CTRNN, LeakyRNN, GRU, LSTM or EchoState, got {what}."
        )


def _recognised(arrays: Mapping[str, np.ndarray]) -> str:
    """The layout that names tell."""
    torch = [name for name in arrays if _of_torch(name)]
    keras = [name for name in arrays if name.endswith("kernel")]
    if bool(torch) == bool(keras):
        raise ValueError(
            f"The arrays are {listed(arrays, arrays)}, whose names do not tell whether matrices "
            "are (post, pre) or (pre, post). Say layout='torch' if they are used as x @ W.T or "
            "W @ x, layout='neurodyn' if as x @ W."
        )
    return "torch" if torch else "keras"


def _of_torch(name: str) -> bool:
    return name.endswith(".weight") or name.rpartition(".")[2].startswith(
        ("weight_hh", "weight_ih")
    )


def _require_oriented(found, arrays: Mapping[str, np.ndarray], layout: str) -> None:
    for role in ("W", "U", "W_out"):
        for name in found.names.get(role, ()):
            known = _of_torch(name) if layout == "torch" else name.endswith("kernel")
            if not known and arrays[name].ndim == 2:
                raise ValueError(
                    f"The name {name!r} does not tell whether this matrix is (post, pre), as the "
                    "layers of PyTorch are, or (pre, post). Pass layout='torch' if all matrices "
                    "are (post, pre), and turn those that are not."
                )


def _refuse_missing(found, arrays, shapes, model, layout: str) -> None:
    """Refuse a checkpoint unless every array and every weight of the model has its place."""
    missing = [r for r, s in shapes.items() if r not in {*found.names, *found.kept} and 0 not in s]
    if not missing and not found.left:
        return
    lines = [f"The arrays of this checkpoint do not fit this {type(model).__name__}."]
    for role in missing:
        lines.append(f"None was found for {role!r} {shapes[role]} (layout {layout!r}).")
    lines.append(f"Left over: {listed(found.left, arrays)}.")
    taken = {role: chosen[0] for role, chosen in found.names.items()}
    lines.append(
        f"Found: {', '.join(f'{r} = {name!r}' for r, name in taken.items()) or 'nothing'}."
    )
    if missing:
        example = found.left[0] if found.left else "rnn.h2h.weight"
        lines.append(
            f"Name what was not found with names={{{missing[0]!r}: {example!r}}}; "
            f"{{{missing[0]!r}: None}} keeps the model's."
        )
    if found.left:
        lines.append(
            f"Leave out what is no part of the model with ignore=[{found.left[0]!r}], but multiply "
            "masks, signs and scales into the weights first. Models have one layer and one "
            "direction."
        )
    raise ValueError("\n".join(lines))


def _held(model: Any, name: str, value: np.ndarray) -> Any:
    """A parameter of the model with this value."""
    before = getattr(model, name)
    if name == "initial" and (before is None or isinstance(before, AbstractDistribution)):
        return Fixed(raw=jnp.asarray(value, value_of(model.b).dtype))
    shape = before.shape
    if value.shape != shape:
        raise ValueError(f"`{name}` of the model is {shape}, and the checkpoint has {value.shape}.")
    try:
        return held(before, value)
    except CannotHold as error:
        dims = _DIMS.get(name, ("unit",))
        gates = getattr(model, "n_gates", 1)
        place = " ".join(
            f"{dim} {i % model.n_units if dim.endswith('unit') and gates > 1 else i}"
            for dim, i in zip(dims, error.index, strict=True)
        )
        raise ValueError(
            f"`{name}`, {place}: {error.kind} cannot hold the value {error.entry:g} of the "
            f"checkpoint: {error.why} Give the model a parameter that can, such as params.Free()."
        ) from error
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from error
