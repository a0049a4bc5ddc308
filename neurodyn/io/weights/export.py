"""Weights of a rate network for other libraries."""

from typing import Any

import numpy as np

from neurodyn.io.weights.layouts import LAYOUTS, OURS, blocks, check_layout
from neurodyn.io.weights.load import check_model
from neurodyn.params import AbstractDistribution, Indexed
from neurodyn.params.base import numbers_of

_KERAS = {"W": "rnn/recurrent_kernel", "U": "rnn/kernel", "W_out": "readout/kernel"}
_HEAD = {"W_out": "readout.weight", "b_out": "readout.bias"}
_GATED = {"W": "weight_hh_l0", "U": "weight_ih_l0", "b": "bias_hh_l0", "b_in": "bias_ih_l0"}
_LEAKY = {"W": "h2h.weight", "U": "i2h.weight", "b": "h2h.bias", "b_in": "i2h.bias"}


def to_weights(model: Any, *, layout: str = "torch") -> dict[str, np.ndarray]:
    """Arrays of a rate network as another library stores them; the inverse of `from_weights`.

    Parameters
    ----------
    model
        A `CTRNN`, `LeakyRNN`, `GRU`, `LSTM` or `EchoState`.
    layout
        ``"torch"``: names and orientation of a module with ``rnn`` (a GRU or LSTM) or ``h2h`` and
        ``i2h`` (linear layers of a network without gates), and ``readout``. ``"keras"``: layers
        ``rnn`` and ``readout``. ``"neurodyn"``: the names of the model.

    Returns
    -------
    dict of str to numpy.ndarray
        Constraints are applied: arrays are the values that the model acts with. Time constants
        (``tau``, in the units of the model), the ``leak`` of an `EchoState` and an initial state
        (``initial``) are added where the model has them. Write it with ``numpy.savez(path,
        **arrays)``; in PyTorch, ``load_state_dict`` takes tensors of it.

    Raises
    ------
    ValueError
        If the layout is unknown, or a parameter has a value for each trial.
    TypeError
        If the model is no rate network.
    """
    check_model(model)
    check_layout(layout)
    fields = ("W", "U", "b", "b_in", "W_out", "b_out", "tau", "leak", "initial")
    values = {}
    for name in fields:
        x = getattr(model, name, None)
        if isinstance(x, Indexed):
            raise ValueError(
                f"`{name}` has a value for each {x.by}: choose one with neurodyn.params.rows."
            )
        if x is not None and not isinstance(x, AbstractDistribution):
            values[name] = np.asarray(numbers_of(x))
    gates = getattr(model, "n_gates", 1)
    for name in ("W", "U", "b", "b_in"):
        if name in values:
            values[name] = blocks(values[name], OURS[gates], LAYOUTS[layout].gates[gates])
    if layout == "neurodyn":
        return values
    return _torch(values, gates) if layout == "torch" else _keras(values, model)


def _torch(values: dict[str, np.ndarray], gates: int) -> dict[str, np.ndarray]:
    prefix, own = ("rnn.", _GATED) if gates > 1 else ("", _LEAKY)
    names = {role: prefix + name for role, name in own.items()} | _HEAD
    turned = {role: np.ascontiguousarray(x.T) if x.ndim == 2 else x for role, x in values.items()}
    return {names.get(role, role): x for role, x in turned.items()}


def _keras(values: dict[str, np.ndarray], model: Any) -> dict[str, np.ndarray]:
    inner, outer = values.pop("b"), values.pop("b_in", None)
    after = getattr(model, "reset", "") == "after"
    total = inner if outer is None else inner + outer
    bias = np.stack([outer, inner]) if after and outer is not None else total
    named = {_KERAS.get(role, role): x for role, x in values.items()}
    named["readout/bias"] = named.pop("b_out")
    return named | {"rnn/bias": bias}
