"""Measure-wait-go: measure an interval, keep it, and produce it when told."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.timeline import Duration, steps_of
from neurodyn.tasks.timing.production import AbstractProductionTask, intervals_in_steps

DURATIONS: dict[str, Duration] = {"fixation": (100.0, 190.0), "wait": 150.0}
INTERVALS, PULSE = (120.0, 140.0, 160.0, 180.0), 10.0


class MeasureWaitGo(AbstractProductionTask):
    """Measure-wait-go (Beiran et al. 2023): an interval is kept in mind before it is produced.

    Pulses on three channels, ``measure``, ``wait`` and ``go``; the first two are ``interval`` apart
    (onset to onset), and ``go`` follows after a delay. The output must reach 0.5 when the interval
    after the onset of ``go`` is over; its target is -0.5 until then and rises in proportion to
    time, a fifth beyond the threshold. Time 0 is the start of the trial.

    Parameters
    ----------
    dt
        Step [ms]; default 10, as published.
    interval
        Intervals [ms], all equally likely. Default, to the nearest step: 120, 140, 160 and 180 ms,
        as of Costacurta et al.; monkeys get intervals some five times as long.
    fixation, wait, pulse
        Time before the first pulse, from the second pulse to ``go``, and of each pulse [ms];
        ``fixation`` and ``wait`` may be ``(low, high)`` to draw them for every trial. Defaults, to
        the nearest step: 100 to 190, 150 and 10 ms, as of Costacurta et al.
    level
        Input during a pulse; default 10, as of Costacurta et al., because pulses are short.
    tolerance
        Largest error of a correct interval, as a part of the right one. With 0.1 no single interval
        passes for more than two of the four default ones, as `chance` and `shortcuts` say.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On durations that are not a whole number of steps, intervals no longer than a pulse,
        negative noise or a tolerance that is not positive.

    References
    ----------
    Beiran et al., Neuron 2023; Costacurta et al., NeurIPS 2024 (durations; targets stay at 0.5
    there once they have reached it).

    Examples
    --------
    >>> task = MeasureWaitGo()
    >>> task.input_names, task.rise
    (('measure', 'wait', 'go'), (-0.5, 0.5))
    """

    level: Float[Array, ""]
    pulse: int = eqx.field(static=True, metadata={"unit": "steps"})
    rise: ClassVar[tuple[float, float]] = (-0.5, 0.5)
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"produces the waiting time": 0.5}
    align_event: ClassVar[str] = "trial start"
    reference: ClassVar[tuple[str, ...]] = ("beiran2023", "costacurta2024")

    def __init__(
        self,
        dt: float | int = 10.0,
        *,
        interval: Any = None,
        fixation: Duration | None = None,
        wait: Duration | None = None,
        pulse: float | int | None = None,
        level: Any = 10.0,
        tolerance: Any = 0.1,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
    ):
        self.pulse = steps_of("pulse", pulse, PULSE, dt)
        steps = intervals_in_steps(dt, interval, INTERVALS, self.pulse)
        self.level = number("level", level)
        epochs = {"fixation": fixation, "measure": None, "wait": wait}
        self._set_design(dt, epochs, DURATIONS, "fixation", steps, tolerance, noise_std, noise_tau)

    def cues(self) -> dict[str, AbstractTerm]:
        """Three pulses."""
        first = self.pulse * self.dt
        starts = {"measure": "measure", "wait": "wait", "go": "production"}
        return {
            name: during(epoch, value=self.level, first=first) for name, epoch in starts.items()
        }

    def limits(self) -> dict[str, tuple[float, float]]:
        """Intervals between those of the task can be given, and go to the nearest step."""
        return {**super().limits(), "interval": self.span("measure")}
