"""N-parity: tell whether the number of ones among the last N bits is odd."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Int

from neurodyn.tasks.memory.bits import AbstractBitTask


class NParity(AbstractBitTask):
    """N-parity as in Khajehabdollahi, Zeraati et al. (2024).

    The system receives bits, one per step, and at the end each head tells the parity of the last N
    of them (class 1: odd). All sequences of a batch have one length, drawn uniformly from
    ``[N + 2, 4 N + 1]`` with the largest N in use; each has its own probability of a 1, drawn from
    U(0, 1). So chance is not quite one half: P(odd) is ``N / (2 (N + 1))`` for even N.

    Sequences lie at the start of a padded buffer: steps ``0 .. length - 1`` count.

    Parameters
    ----------
    ns
        N, or one N per head, at least 1.
    n_heads
        Number of heads, to leave room for more; default: as many as ``ns``.
    capacity
        Largest N to leave room for in the buffer; default: the largest of ``ns``.
    p
        Probability of a 1, or ``(low, high)`` to draw one per sequence; default (0, 1).
    length
        Length of all sequences [bits]; default: drawn for every batch.
    burn_in
        Bits at the start that are not scored (``scored="every"``).
    scored
        ``"last"``: answers after the last bit, as published for training; ``"every"``: after every
        bit, for lesion analyses (published: ``p=0.5, length=1100, burn_in=100``).
    hold
        Steps that each bit lasts, for the continuous-time variant.
    levels
        Inputs that stand for 0 and 1. Default (0, 1); the published LSTMs received (-1, 1).
    dt
        Step [ms]; the paper counts steps.

    Raises
    ------
    ValueError
        On N below 1, too few heads, a probability outside [0, 1], or a length that N does not fit
        into.

    References
    ----------
    Khajehabdollahi, Zeraati et al., "Emergent mechanisms for long timescales depend on training
    curriculum and affect performance in memory tasks", ICLR 2024.

    Examples
    --------
    >>> task = NParity([2, 3], n_heads=100)
    >>> trials = task.batch(0, 256)
    >>> trials.inputs.shape, trials.targets.shape, 5 <= int(trials.length) <= 13
    ((256, 16, 1), (256, 1, 100), True)
    >>> int(task.with_ns([2, 3, 4]).n_max)
    4
    """

    least: ClassVar[int] = 1
    default_p: ClassVar[Any] = (0.0, 1.0)
    reference: ClassVar[tuple[str, ...]] = ("khajehabdollahi2024",)

    def answers(
        self, bits: Int[Array, " bit"], stop: Int[Array, " stop"]
    ) -> Int[Array, "stop head"]:
        """Parity of the last N bits before each ``stop``."""
        ones = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(bits, dtype=jnp.int32)])
        start = jnp.maximum(stop[:, None] - self.ns[None, :], 0)
        return (ones[stop][:, None] - ones[start]) % 2
