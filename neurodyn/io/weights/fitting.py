"""Values of the parameters of a model from the arrays of a checkpoint."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.common.checks import plain_number
from neurodyn.io.weights.layouts import LAYOUTS, OURS, blocks
from neurodyn.io.weights.roles import Found
from neurodyn.params import AbstractDistribution
from neurodyn.params.base import numbers_of


class Arrays:
    """The arrays of a checkpoint, read by the convention of its library.

    Parameters
    ----------
    arrays
        The arrays by name.
    model
        The network that gets them.
    layout
        Name of the convention.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], model: Any, layout: str):
        self.arrays, self.model = arrays, model
        self.layout, self.keras = LAYOUTS[layout], layout == "keras"
        self.gates = getattr(model, "n_gates", 1)
        n, wide = model.n_units, self.gates * model.n_units
        shapes = {"W": (n, wide), "U": (model.n_inputs, wide), "W_out": (n, model.n_outputs)}
        turn = -1 if self.layout.turned else 1
        #: Shapes of the matrices in the checkpoint.
        self.shapes = {role: shape[::turn] for role, shape in shapes.items()}

    def values(self, found: Found, dt: float | None) -> dict[str, np.ndarray]:
        """Value of each field of the model."""
        values: dict[str, np.ndarray] = {}
        for role in ("W", "U", "W_out"):
            if role in found.names:
                values[role] = self._matrix(role, found.names[role])
        values |= self._biases(found)
        for role in ("tau", "alpha", "initial"):
            if role in found.names:
                x = self._sum(role, found.names[role])
                while x.ndim > 1 and len(x) == 1:  # axes of layers, directions and trials
                    x = x[0]
                x = np.broadcast_to(x, (self.model.n_units,)) if x.size == 1 else x
                name, value = _time_constants(self.model, role, x, dt)
                if name in values:
                    raise ValueError(
                        f"The checkpoint has both {found.names['tau']} and {found.names['alpha']}: "
                        "leave one out with `ignore`."
                    )
                values[name] = value
        return values

    def _array(self, role: str, name: str) -> np.ndarray:
        x = np.asarray(self.arrays[name], float)
        if not np.isfinite(x).all():
            index = [int(i) for i in np.argwhere(~np.isfinite(x))[0]]
            raise ValueError(f"{name!r} ({role}) holds {x[tuple(index)]} in entry {index}.")
        return x

    def _matrix(self, role: str, names: tuple[str, ...]) -> np.ndarray:
        (name,) = names[:1]
        x, shape = self._array(role, name), self.shapes[role]
        if len(names) > 1 or x.shape != shape:
            raise ValueError(
                f"{role!r} of this {type(self.model).__name__} is {shape} in this layout, but "
                f"{name!r} is {x.shape}.{self._sizes(role, x)}"
            )
        x = x.T if self.layout.turned else x
        return x if role == "W_out" else self._ordered(x)

    def _ordered(self, x: np.ndarray) -> np.ndarray:
        """Gates in our order."""
        return blocks(x, self.layout.gates[self.gates], OURS[self.gates])

    def _sizes(self, role: str, x: np.ndarray) -> str:
        """What network recurrent weights of another shape belong to."""
        if role != "W" or x.ndim != 2 or not x.size:
            return ""
        wide, n = x.shape if self.layout.turned else x.shape[::-1]
        kinds = {1: "a network without gates", 3: "a GRU", 4: "an LSTM"}
        kind = kinds.get(wide // n) if wide % n == 0 else None
        return f" It belongs to {kind} with n_units={n}." if kind else ""

    def _sum(self, role: str, names: tuple[str, ...]) -> np.ndarray:
        parts = [self._array(role, name) for name in names]
        if len({part.shape for part in parts}) > 1:
            raise ValueError(f"{role!r} is the sum of arrays of different shapes, {names}.")
        return np.sum(parts, axis=0)

    def _biases(self, found: Found) -> dict[str, np.ndarray]:
        model, wide = self.model, self.gates * self.model.n_units
        kept = found.kept
        given: dict[str, np.ndarray] = {
            r: self._sum(r, found.names[r]) for r in ("b", "b_in") if r in found.names
        }
        if self.keras and "b" in given:
            given = _keras_biases(model, given, found.names["b"][0])
        inner, outer = (given.get(r, np.zeros(wide)) for r in ("b", "b_in"))
        for role, x in (("b", inner), ("b_in", outer)):
            if x.shape != (wide,):
                raise ValueError(
                    f"{role!r} of this {type(model).__name__} is {(wide,)}, but "
                    f"{found.names.get(role, found.names.get('b'))} is {x.shape}."
                )
        values = {"b": self._ordered(inner), "b_in": self._ordered(outer)}
        if not hasattr(model, "b_in"):
            if "b" in kept and "b_in" in given:
                raise ValueError(
                    f"A {type(model).__name__} has one bias, 'b', of which {found.names['b_in']} "
                    "is a part: name both in names={'b': [...]}, or leave it out with `ignore`."
                )
            values = {"b": values["b"] + values["b_in"]}
        if "b_out" in found.names:
            values["b_out"] = self._sum("b_out", found.names["b_out"])
        elif "W_out" not in kept:
            values["b_out"] = np.zeros(model.n_outputs)
        return {name: x for name, x in values.items() if name not in kept}


def _keras_biases(model: Any, given: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The one array of Keras as recurrent bias and input bias; the GRU has two kinds of it."""
    x, reset = given["b"], getattr(model, "reset", None)
    after = x.ndim == 2
    if reset is not None and after != (reset == "after"):
        kind = "after" if after else "before"
        raise ValueError(
            f"{name!r} {x.shape} belongs to a GRU with reset_after={after}, another equation: "
            f'build the model with reset="{kind}".'
        )
    if not after:
        return {"b_in": x}
    if len(x) != 2:
        raise ValueError(f"{name!r} is {x.shape}; Keras has (2, {x.shape[1]}).")
    return {"b_in": x[0], "b": x[1]}


def _time_constants(
    model: Any, role: str, x: np.ndarray, dt: float | None
) -> tuple[str, np.ndarray]:
    """Name and value of what a checkpoint calls tau or alpha."""
    if role == "initial":
        return role, x
    wrong = ~(x > 0) if role == "tau" else ~((x > 0) & (x <= 1))
    if wrong.any():
        i = int(np.argwhere(wrong)[0, 0])
        law = "above 0" if role == "tau" else "in (0, 1]"
        raise ValueError(f"{role!r} is {x[i]:g} in unit {i} of the checkpoint; it lies {law}.")
    if hasattr(model, "leak"):
        if role == "tau":
            raise ValueError(
                "An EchoState has a leak (alpha) and no time constants: leave out the array with "
                "`ignore`, or pass alpha = dt / tau."
            )
        return "leak", x
    if not hasattr(model, "tau"):
        raise ValueError(
            f"A {type(model).__name__} has no time constants: leave out the array of {role!r} with "
            "`ignore`."
        )
    if role == "tau":
        return role, _in_steps(model, x)
    if not _continuous(model):
        return "tau", 1 / x
    if dt is None:
        raise ValueError(
            "The checkpoint has alpha = dt / tau, and this model has tau in ms: pass `dt` [ms]."
        )
    return "tau", plain_number("dt", dt, above=0) / x


def _in_steps(model: Any, tau: np.ndarray) -> np.ndarray:
    if not _continuous(model) and (tau < 1).any():
        i = int(np.argmax(tau < 1))
        raise ValueError(
            f"'tau' is {tau[i]:g} in unit {i} of the checkpoint, but this {type(model).__name__} "
            "has time constants in steps, at least 1: divide those of the checkpoint by its dt."
        )
    return tau


def _continuous(model: Any) -> bool:
    return hasattr(model, "drift")


def check_update(model: Any, found: Found, arrays: Mapping[str, np.ndarray], dt: float | None):
    """Refuse a network with another update than that of the layer that wrote the weights."""
    (name,) = found.names.get("W", ("",))[:1]
    layer = name.rpartition(".")[2].rpartition("/")[2]
    of_torch = layer == "weight_hh_l0"
    if not (of_torch or layer == "recurrent_kernel"):
        return
    if of_torch and getattr(model, "reset", "after") != "after":
        raise ValueError(
            'The GRU of PyTorch resets after the product: build the model with reset="after".'
        )
    if hasattr(model, "n_gates") or {"tau", "alpha"} & {*found.names}:
        return
    own = "torch.nn.RNN" if of_torch else "keras.layers.SimpleRNN"
    if _continuous(model):
        step, fix = dt, "pass `dt` [ms], and build the model with tau=dt and form='rate'"
        same = getattr(model, "form", "rate") == "rate"
    else:
        step, fix, same = 1.0, "build the model with tau=1.0", True
    tau = numbers_of(model.tau if hasattr(model, "tau") else model.leak)
    if step is None or not same or tau is None or not np.allclose(tau, step, rtol=1e-6):
        raise ValueError(
            f"{name!r} is that of {own}, which has no leak, and this {type(model).__name__} has: "
            f"{fix}. If another program uses these weights with a leak, pass them under other "
            "names, or with its alpha."
        )
    if isinstance(model.initial, AbstractDistribution):
        raise ValueError(
            f"{own} starts from 0, and this {type(model).__name__} from a random state: build it "
            'with initial="zeros".'
        )
    known = ("tanh", "relu")
    if of_torch and model.activation not in known:
        raise ValueError(
            f"{own} has activation tanh (or relu), and this model {model.activation!r}: pass "
            '`activation="tanh"`.'
        )
