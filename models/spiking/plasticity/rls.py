"""Recursive least squares, the learning rule of FORCE."""

from typing import Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import number, numbers
from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.models.spiking.plasticity.base import Clock, gate_of, steps_of

GAINS = ("textbook", "published")


class RLSMemory(NamedTuple):
    """Memory of recursive least squares.

    Attributes
    ----------
    P
        Inverse of the regularised correlation of the rates.
    resets
        Number of resets of ``P`` so far.
    """

    P: Float[Array, "unit unit"]
    resets: Int[Array, ""]


class RLS(AbstractReadoutRule):
    r"""Recursive least squares: the readout is, at any time, a regularised least-squares fit.

    With rates :math:`r`, error :math:`e = z - \hat z` and gate :math:`g` (the weight of a sample),

    .. math:: k = P r, \quad c = 1 / (\lambda + g\, r^\top k), \quad
        W \leftarrow W - g\,c\,k\,e^\top, \quad P \leftarrow (P - g\,c\,k k^\top) / \lambda .

    From :math:`P(0) = \alpha I` and :math:`W(0) = 0` this minimises
    :math:`\sum_i g_i \lambda^{n-i} \lVert z_i - W^\top r_i \rVert^2 + \lambda^n \lVert W \rVert^2 /
    \alpha` at every step. ``gain="published"`` is the step of Nicola & Clopath's code instead,
    :math:`W \leftarrow W - g\,k\,e^\top`, which is larger by :math:`1/c` where the rates are new.

    Parameters
    ----------
    alpha
        Initial ``P`` is ``alpha`` times the identity; default 2, the value of Nicola & Clopath for
        Izhikevich networks with rates in spikes per ms. A larger one learns faster and is less
        regularised.
    every
        Interval of the updates [ms] (steps where the system is a map); None: every step. Updates
        cost ``unit ** 2`` operations, the steps between them none.
    start, stop
        Learning happens in ``[start, stop)`` [ms]; default: always.
    forgetting
        :math:`\lambda` per update, in (0, 1]; default 1: all samples count the same, so the gain
        falls as ``1 / n`` and late changes are hardly learned. 0.999: a memory of about 1000
        updates.
    bound
        Largest mean of the eigenvalues of ``P``. When it is reached, forgetting is reduced so that
        the mean does not grow further. None (default): no bound. Forgetting inflates ``P`` by
        :math:`1/\lambda` at every update in the directions that rates do not visit ("wind-up").
        After some :math:`10/(1 - \lambda)` updates the range of its eigenvalues exceeds single
        precision, ``P`` is no longer positive, and the weights diverge: pass a bound, such as
        ``alpha``, for longer runs.
    resets
        Times [ms] at which ``P`` is reset; the weights are kept.
    gain
        ``"textbook"`` (default) or ``"published"``.

    Raises
    ------
    ValueError
        On numbers out of their ranges or an unknown gain.

    Notes
    -----
    The gate is one number per trial here, because all outputs share ``P``.

    References
    ----------
    Sussillo & Abbott, Neuron 2009; Nicola & Clopath, Nat. Commun. 2017.
    """

    alpha: Float[Array, ""]
    forgetting: Float[Array, ""]
    bound: Float[Array, ""] | None
    resets: Float[Array, " reset"] | None
    clock: Clock
    gain: str = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("sussillo2009", "nicola2017")

    def __init__(
        self,
        alpha: Any = 2.0,
        *,
        every: Any = None,
        start: Any = 0.0,
        stop: Any = None,
        forgetting: Any = 1.0,
        bound: Any = None,
        resets: Any = (),
        gain: Literal["textbook", "published"] | str = "textbook",
    ):
        if gain not in GAINS:
            raise ValueError(f"`gain` must be one of {GAINS}, got {gain!r}.")
        self.alpha = number("alpha", alpha, above=0)
        self.forgetting = number("forgetting", forgetting, above=0, high=1)
        self.bound = None if bound is None else number("bound", bound, above=0)
        self.resets = numbers("resets", resets, low=0) if np.size(resets) else None
        self.clock = Clock(every, start, stop)
        self.gain = gain

    def start(self, W, *, key):
        """``P`` as given, no reset so far."""
        del key
        P = self.alpha.astype(W.dtype) * jnp.eye(W.shape[0], dtype=W.dtype)
        return RLSMemory(P, jnp.zeros((), jnp.int32))

    def update(self, t, dt, memory, W, r, z, u, *, key):
        """One update in the steps of the clock; no computation in other steps."""
        del t, key
        if u.target is None:
            return memory, W
        gate = gate_of(u, W.dtype)
        if gate.size != 1:
            raise ValueError(f"RLS: `gate` must be one number per trial, got shape {gate.shape}.")

        def correct(memory, W):
            memory = self._reset(memory, u.step, dt)
            return self._correct(memory, W, r, z - u.target, gate.reshape(()))

        def rest(memory, W):
            return memory, W

        return jax.lax.cond(self.clock.ticks(u.step, dt), correct, rest, memory, W)

    def _correct(self, memory, W, r, error, gate):
        forgetting = jnp.where(gate > 0, self._kept(memory.P), 1)
        k = memory.P @ r
        scale = gate / (forgetting + gate * (r @ k))
        size = scale if self.gain == "textbook" else gate
        W = W - (size * k)[:, None] * error[None, :]
        if self.bound is None:
            P = (memory.P - (scale * k)[:, None] * k[None, :]) / forgetting
        else:  # exactly symmetric, because forgetting would amplify any asymmetry
            P = (memory.P - scale * (k[:, None] * k[None, :])) / forgetting
        return memory._replace(P=P), W

    def _kept(self, P):
        """The forgetting factor, closer to 1 when ``P`` is at its bound."""
        kept = self.forgetting.astype(P.dtype)
        if self.bound is None:
            return kept
        return jnp.clip(jnp.trace(P) / (len(P) * self.bound.astype(P.dtype)), kept, 1)

    def _reset(self, memory, step, dt):
        if self.resets is None:
            return memory
        passed = jnp.sum(step >= steps_of(self.resets, dt), dtype=jnp.int32)
        fresh = self.alpha.astype(memory.P.dtype) * jnp.eye(len(memory.P), dtype=memory.P.dtype)
        return RLSMemory(jnp.where(passed > memory.resets, fresh, memory.P), passed)
