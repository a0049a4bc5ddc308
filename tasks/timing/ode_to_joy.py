"""The first phrase of the Ode to Joy, one channel per note."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.tasks.timing.pattern import AbstractPattern

NOTES = ("C", "D", "E", "F", "G")
#: The first phrase: note and length in quarters.
MELODY = (
    *((note, 1.0) for note in "EEFGGFEDCCDE"),
    ("E", 1.5),
    ("D", 0.5),
    ("D", 2.0),
)


class OdeToJoy(AbstractPattern):
    """Play the first phrase of Beethoven's Ode to Joy over and over.

    Five channels, C to G. A note is the positive half of a sine in its channel, as long as the
    note.

    Parameters
    ----------
    dt
        Step [ms]; default 1.
    quarter
        Length of a quarter note [ms]; default 250.
    duration
        Of a trial [ms]; default: once through the phrase, 16 quarters, to the nearest step.
    amplitude
        Peak of a note; default 1.
    clock
        Components of a clock given as input; default 0, none.

    Raises
    ------
    ValueError
        On lengths that are not positive, or a duration that is not a whole number of steps.

    Notes
    -----
    Nicola & Clopath (2017) taught this melody to a network; rhythm, tempo and pulse shapes here are
    ours.

    References
    ----------
    Nicola & Clopath, Nat. Commun. 2017.

    Examples
    --------
    >>> OdeToJoy(dt=5.0).batch(0, 2).targets.shape
    (2, 800, 5)
    """

    quarter: Float[Array, ""]
    amplitude: Float[Array, ""]
    reference: ClassVar[tuple[str, ...]] = ("nicola2017",)

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        quarter: Any = 250.0,
        duration: float | int | None = None,
        amplitude: Any = 1.0,
        clock: Any = 0,
    ):
        self.quarter = number("quarter", quarter, above=0)
        phrase = sum(length for _, length in MELODY)
        self._set_steps(dt, duration, phrase * float(self.quarter), clock)
        self.amplitude = number("amplitude", amplitude, above=0)

    def period(self) -> Float[Array, ""]:
        """Of the phrase [ms]."""
        return self.quarter * sum(length for _, length in MELODY)

    def pattern(
        self, start: Float[Array, ""], elapsed: Float[Array, " time"]
    ) -> Float[Array, "time output"]:
        """The notes."""
        lengths = np.array([length for _, length in MELODY])
        which = jnp.asarray([NOTES.index(note) for note, _ in MELODY], jnp.int32)
        t = jnp.mod(start + elapsed, self.period())
        ends, lengths = (jnp.asarray(a, t.dtype) for a in (np.cumsum(lengths), lengths))
        ends, lengths = ends * self.quarter, lengths * self.quarter
        place = jnp.sum(t[:, None] >= ends[None, :-1], axis=1, dtype=jnp.int32)
        left = (ends[place] - t) / lengths[place]
        pulse = self.amplitude * jnp.sin(jnp.pi * left)
        return pulse[:, None] * jax.nn.one_hot(which[place], len(NOTES), dtype=pulse.dtype)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The notes."""
        return NOTES
