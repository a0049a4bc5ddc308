"""One-two-three-go: flashes beat an interval twice, and it is produced once."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx

from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.timeline import Duration, steps_of
from neurodyn.tasks.timing.production import AbstractProductionTask, intervals_in_steps

DURATIONS: dict[str, Duration] = {"fixation": 400.0}
INTERVALS, FLASH = (600.0, 700.0, 800.0, 900.0, 1000.0), 100.0


class OneTwoThreeGo(AbstractProductionTask):
    """The 1-2-3-Go task of Egger et al. (2019): go on with a beat.

    Three flashes on one channel are ``interval`` apart (onset to onset). The output must reach 1
    when another interval is over; its target is 0 until the third flash and rises in proportion to
    time, a fifth beyond the threshold. Time 0 is the onset of the first flash.

    Parameters
    ----------
    dt
        Step [ms].
    interval
        Intervals [ms], all equally likely. Default, to the nearest step: 600 to 1000 ms in steps
        of 100, the published range.
    fixation, flash
        Time before the first flash and of each flash [ms]. Defaults, to the nearest step: 400 and
        100 ms, as in neurogym, where the first varies.
    tolerance
        Largest error of a correct interval, as a part of the right one. With 0.1 no single interval
        passes for more than two of the five default ones, as `chance` and `shortcuts` say.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On durations that are not a whole number of steps, intervals no longer than a flash,
        negative noise or a tolerance that is not positive.

    References
    ----------
    Egger et al., Nat. Neurosci. 2019.

    Examples
    --------
    >>> task = OneTwoThreeGo(dt=20.0)
    >>> task.timeline.names
    ('fixation', 'first', 'second', 'production')
    """

    flash: int = eqx.field(static=True, metadata={"unit": "steps"})
    chance: ClassVar[float] = 0.4
    shortcuts: ClassVar[Mapping[str, float]] = {"always the middle interval": 0.2}
    align_event: ClassVar[str] = "first flash"
    reference: ClassVar[tuple[str, ...]] = ("egger2019",)

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        interval: Any = None,
        fixation: float | int | None = None,
        flash: float | int | None = None,
        tolerance: Any = 0.1,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
    ):
        self.flash = steps_of("flash", flash, FLASH, dt)
        steps = intervals_in_steps(dt, interval, INTERVALS, self.flash)
        epochs = {"fixation": fixation, "first": None, "second": None}
        self._set_design(dt, epochs, DURATIONS, "first", steps, tolerance, noise_std, noise_tau)

    def cues(self) -> dict[str, AbstractTerm]:
        """Three flashes."""
        return {"flash": during("first", "second", "production", first=self.flash * self.dt)}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Intervals between those of the task can be given, and go to the nearest step."""
        return {**super().limits(), "interval": self.span("first")}
