"""The gated recurrent unit."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.models.rate.connections import cut_units, split_drive
from neurodyn.params import AbstractDistribution, AbstractParameter
from neurodyn.params import bind as base
from neurodyn.system import AbstractMap, State, Variable

__all__ = ["GRU"]


class GRU(AbstractMap):
    r"""A gated recurrent unit network, the baseline of trained networks without time constants.

    .. math::
        r &= \sigma(x U_r + b^\mathrm{in}_r + h W_r + b_r) \\
        z &= \sigma(x U_z + b^\mathrm{in}_z + h W_z + b_z) \\
        n &= \tanh(x U_n + b^\mathrm{in}_n + r (h W_n + b_n)) \\
        h' &= (1 - z) n + z h

    Gates are blocks of columns in the order r, z, n. The defaults are the usual ones of deep
    learning libraries: everything U(-k, k) with ``k = 1 / sqrt(n_units)``.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        Sizes.
    W, b
        Recurrent weights ``(unit, 3 unit)`` and bias ``(3 unit,)``: a number, an array, an
        initializer or a spec of :mod:`neurodyn.params`.
    U, b_in
        Input weights ``(input, 3 unit)`` and bias ``(3 unit,)``.
    W_out, b_out
        Readout.
    initial
        As for :class:`CTRNN`.
    areas
        As for :class:`CTRNN`.
    key
        Seed or key of the initial weights.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP 2014.
    """

    n_inputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    areas: tuple[str, ...] | None = eqx.field(static=True)
    W: Float[Array, "unit gates"] | AbstractParameter
    U: Float[Array, "input gates"] | AbstractParameter
    b: Float[Array, " gates"] | AbstractParameter
    b_in: Float[Array, " gates"] | AbstractParameter
    W_out: Float[Array, "unit output"] | AbstractParameter
    b_out: Float[Array, " output"] | AbstractParameter
    initial: Float[Array, " unit"] | AbstractParameter | AbstractDistribution | None

    reference: ClassVar[tuple[str, ...]] = ("cho2014",)

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        W: Any = None,
        U: Any = None,
        b: Any = None,
        b_in: Any = None,
        W_out: Any = None,
        b_out: Any = None,
        initial: Any = "zeros",
        areas: Any = None,
        key: Any,
    ):
        sizes = base.check_sizes(n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs)
        keys = base.split_key(key, 7, name="a GRU")
        n, law = n_units, base.fan_in_uniform(n_units)
        self.n_inputs, self.n_units, self.n_outputs = sizes
        self.W = base.bind(W, (n, 3 * n), keys[0], name="W", default=law)
        self.U = base.bind(U, (n_inputs, 3 * n), keys[1], name="U", default=law)
        self.b = base.bind(b, (3 * n,), keys[2], name="b", default=law)
        self.b_in = base.bind(b_in, (3 * n,), keys[3], name="b_in", default=law)
        self.W_out = base.bind(W_out, (n, n_outputs), keys[4], name="W_out", default=law)
        self.b_out = base.bind(b_out, (n_outputs,), keys[5], name="b_out", default=law)
        self.initial = base.bind_initial(initial, (n,), keys[6])
        self.areas = base.unit_areas(areas, None, n)

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        h = base.start(self.initial, self.n_units, self.b.dtype, key, name="this GRU")
        return State(h, memory={"update_gate": jnp.zeros_like(h)})

    def update(self, state, u, *, key):
        del key
        h = state.x
        hr, hz, hn = jnp.split(h @ self.W + self.b, 3)
        xr, xz, xn = split_drive(u, self.U, self.b_in, gates=3, current_into=2)
        r, z = jax.nn.sigmoid(xr + hr), jax.nn.sigmoid(xz + hz)
        n = jnp.tanh(xn + r * hn)
        return State((1 - z) * n + z * h, memory={"update_gate": z})

    def readout(self, state):
        return state.x @ self.W_out + self.b_out

    def observe(self, state):
        return {"hidden": state.x, "update_gate": state.memory["update_gate"]}

    def variables(self):
        return {
            "hidden": Variable(("unit",), "1", "hidden state", "hidden"),
            "update_gate": Variable(("unit",), "1", "update gate (1 keeps the state)", "hidden"),
        }

    def unit_coords(self):
        return base.label_units(self.areas, None)

    def cut(
        self,
        units: Any,
        *,
        incoming: bool = True,
        outgoing: bool = True,
    ) -> "GRU":
        """Disconnect some units, as :meth:`CTRNN.cut` does."""
        return cut_units(self, units, incoming=incoming, outgoing=outgoing)
