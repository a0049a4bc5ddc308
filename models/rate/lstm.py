"""The long short-term memory network."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.models.rate.connections import split_drive
from neurodyn.models.rate.gated import AbstractGated
from neurodyn.system import State, Variable


class Cells(NamedTuple):
    """State of an LSTM."""

    hidden: Float[Array, " unit"]
    cell: Float[Array, " unit"]


class LSTM(AbstractGated):
    r"""A long short-term memory network, a baseline with gated memory cells.

    .. math::
        i, f, o &= \sigma(x U_{i,f,o} + b^\mathrm{in}_{i,f,o} + h W_{i,f,o} + b_{i,f,o}) \\
        g &= \tanh(x U_g + b^\mathrm{in}_g + h W_g + b_g) \\
        c' &= f c + i g, \qquad h' = o \tanh(c')

    Gates are blocks of columns in the order i, f, g, o. The defaults are the usual ones of deep
    learning libraries: everything U(-k, k) with ``k = 1 / sqrt(n_units)``.

    Parameters
    ----------
    n_inputs, n_units, n_outputs, W_out, b_out, areas, key
        As for :class:`GRU`.
    W, b, U, b_in
        As for :class:`GRU`, with four gates.
    initial
        Initial hidden state, as for :class:`CTRNN`. Cells start at 0.

    References
    ----------
    Hochreiter & Schmidhuber, "Long short-term memory", Neural Comput. 1997.
    Gers, Schmidhuber & Cummins, "Learning to forget: continual prediction with LSTM", Neural
    Comput. 2000 (forget gate).
    """

    reference: ClassVar[tuple[str, ...]] = ("hochreiter1997", "gers2000")
    n_gates: ClassVar[int] = 4

    __init__ = AbstractGated.__init__  # type checkers would derive one from the fields

    def initial_state(self, *, dt, trial=None, key=None):
        h = super().initial_state(dt=dt, trial=trial, key=key).x
        blank = jnp.zeros_like(h)
        return State(Cells(h, blank), memory={"forget_gate": blank})

    def update(self, state, u, *, key):
        del key
        hidden, cell = state.x
        hi, hf, hg, ho = jnp.split(hidden @ self.W + self.b, 4)
        xi, xf, xg, xo = split_drive(u, self.U, self.b_in, gates=4, current_into=2)
        i, f, o = jax.nn.sigmoid(xi + hi), jax.nn.sigmoid(xf + hf), jax.nn.sigmoid(xo + ho)
        cell = f * cell + i * jnp.tanh(xg + hg)
        return State(Cells(o * jnp.tanh(cell), cell), memory={"forget_gate": f})

    def readout(self, state):
        return state.x.hidden @ self.W_out + self.b_out

    def observe(self, state):
        return {
            "hidden": state.x.hidden,
            "cell": state.x.cell,
            "forget_gate": state.memory["forget_gate"],
        }

    def variables(self):
        return {
            "hidden": Variable(("unit",), "1", "hidden state", "hidden"),
            "cell": Variable(("unit",), "1", "memory cell", "hidden"),
            "forget_gate": Variable(("unit",), "1", "forget gate (1 keeps the cell)", "hidden"),
        }
