"""N-delayed match to sample: tell whether the bit is the same as N - 1 steps ago."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Int

from neurodyn.tasks.memory.bits import AbstractBitTask


class NDMS(AbstractBitTask):
    """N-delayed match to sample as in Khajehabdollahi, Zeraati et al. (2024).

    As :class:`~neurodyn.tasks.NParity`, but each head tells whether the last bit equals the first
    of the last N (class 1: they match), which is a lag of N - 1 steps, and ones and zeros are
    equally likely.

    Parameters
    ----------
    ns
        N, or one N per head, at least 2.
    p
        Probability of a 1, or ``(low, high)`` to draw one per sequence; default 0.5.
    n_heads, capacity, length, burn_in, scored, hold, levels, dt
        As of :class:`NParity`; published for lesion analyses: ``length=1100, burn_in=100``.

    Raises
    ------
    ValueError
        On N below 2, too few heads, a probability outside [0, 1], or a length that N does not fit
        into.

    References
    ----------
    Khajehabdollahi, Zeraati et al., "Emergent mechanisms for long timescales depend on training
    curriculum and affect performance in memory tasks", ICLR 2024.

    Examples
    --------
    >>> task = NDMS(5)
    >>> 7 <= int(task.batch(0, 8).length) <= 21
    True
    """

    least: ClassVar[int] = 2
    default_p: ClassVar[Any] = 0.5
    reference: ClassVar[tuple[str, ...]] = ("khajehabdollahi2024",)

    def answers(
        self, bits: Int[Array, " bit"], stop: Int[Array, " stop"]
    ) -> Int[Array, "stop head"]:
        """Whether the bit before each ``stop`` equals the one N - 1 steps earlier."""
        sample = jnp.maximum(stop[:, None] - self.ns[None, :], 0)
        # A head that rests has N = 0, whose sample would lie beyond the buffer.
        sample = jnp.minimum(sample, bits.shape[0] - 1)
        return (bits[sample] == bits[stop - 1][:, None]).astype(jnp.int32)
