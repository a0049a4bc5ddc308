"""The gated recurrent unit."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from neurodyn.models.rate.connections import split_drive
from neurodyn.models.rate.gated import AbstractGated
from neurodyn.params import Free
from neurodyn.system import State, Variable


class GRU(AbstractGated):
    r"""A gated recurrent unit network, the baseline of trained networks without time constants.

    .. math::
        r &= \sigma(x U_r + b^\mathrm{in}_r + h W_r + b_r) \\
        z &= \sigma(x U_z + b^\mathrm{in}_z + h W_z + b_z) \\
        n &= \tanh(x U_n + b^\mathrm{in}_n + r (h W_n + b_n)) \\
        h' &= (1 - z) n + z h

    With ``reset="before"``, as the paper has it, the reset gate acts before the product:
    :math:`n = \tanh(x U_n + b^\mathrm{in}_n + (r h) W_n + b_n)`.

    Gates are blocks of columns in the order r, z, n. The defaults are the usual ones of deep
    learning libraries: everything U(-k, k) with ``k = 1 / sqrt(n_units)``.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        Sizes.
    W, b
        Recurrent weights ``(unit, 3 unit)`` and bias ``(3 unit,)``: a number, an array, an
        initializer or a parameter of :mod:`neurodyn.params`.
    U, b_in
        Input weights ``(input, 3 unit)`` and bias ``(3 unit,)``.
    W_out, b_out
        Readout.
    initial
        Initial state, as for :class:`CTRNN`.
    areas
        As for :class:`CTRNN`.
    reset
        ``"after"``: the reset gate multiplies the recurrent input, as in PyTorch and in Keras with
        ``reset_after=True`` (default, because trained networks usually have it). ``"before"``: it
        multiplies the state.
    key
        Seed or key of the initial weights.

    Raises
    ------
    ValueError
        If `reset` is neither, or a size, shape or initial value does not fit.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP 2014.
    """

    reference: ClassVar[tuple[str, ...]] = ("cho2014",)
    n_gates: ClassVar[int] = 3
    reset: str = eqx.field(static=True, default="after")

    def __init__(
        self, n_inputs: int, n_units: int, n_outputs: int, *, reset: str = "after", **options: Any
    ):
        if reset not in ("after", "before"):
            raise ValueError(f'`reset` must be "after" or "before", got {reset!r}.')
        self.reset = reset
        super().__init__(n_inputs, n_units, n_outputs, **options)

    @classmethod
    def example(cls, key: Any = 0) -> "GRU":
        """A small model, for tests."""
        return cls(3, 8, 2, initial=Free(0.1), key=key)

    def initial_state(self, *, dt, trial=None, key=None):
        h = super().initial_state(dt=dt, trial=trial, key=key).x
        return State(h, memory={"update_gate": jnp.zeros_like(h)})

    def update(self, state, u, *, key):
        del key
        h = state.x
        hr, hz, hn = jnp.split(h @ self.W + self.b, 3)
        xr, xz, xn = split_drive(u, self.U, self.b_in, gates=3, current_into=2)
        r, z = jax.nn.sigmoid(xr + hr), jax.nn.sigmoid(xz + hz)
        if self.reset == "after":
            n = jnp.tanh(xn + r * hn)
        else:
            last = 2 * self.n_units
            n = jnp.tanh(xn + (r * h) @ self.W[:, last:] + self.b[last:])
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
