"""Intervals that are produced: the base of tasks in which an output rises to a threshold."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import number, numbers
from neurodyn.tasks.base import check_noise
from neurodyn.tasks.laws import FromCondition
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.crossings import interval
from neurodyn.tasks.parts.terms import AbstractTerm, during, ramp
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Duration, Timeline, check_step, whole_steps

__all__ = ["OVERSHOOT", "AbstractProductionTask", "intervals_in_steps"]

#: The ramp goes on beyond the threshold by this fraction, so that the crossing is well defined.
OVERSHOOT = 0.2


class AbstractProductionTask(AbstractEpochTask):
    """An output rises after the last cue and crosses a threshold when the interval is over.

    A task of this kind says what its cues show and which epochs come before ``production``. Its
    target rises in proportion to time and goes on for a fifth of the interval; what comes later is
    not scored. `_set_design` fills the fields.

    Attributes
    ----------
    interval
        Intervals [ms].
    tolerance
        Largest error of a correct interval, as a part of the right one.
    noise_std, noise_tau
        Noise of all inputs (:mod:`neurodyn.tasks.base`); None: none is drawn.
    rise
        Output before the last cue, and the threshold.
    """

    interval: Float[Array, " interval"]
    tolerance: Float[Array, ""]
    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    timeline: Timeline = eqx.field(static=True)
    rise: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @abc.abstractmethod
    def cues(self) -> dict[str, AbstractTerm]:
        """What each group of inputs shows."""

    def wanted(self, conditions: TrialConditions) -> Float[Array, ""]:
        """The interval of a trial, in whole steps [ms]."""
        return jnp.round(conditions["interval"] / self.dt) * self.dt

    def parts(self) -> Parts:
        """The cues, and a ramp after the last of them."""
        low, high = self.rise
        rises: AbstractTerm = ramp("production", value=high - low, over="interval_correct")
        return Parts(
            inputs=self.cues(),
            outputs={"ramp": rises + during(*self.timeline.names, value=low) if low else rises},
            score=interval("interval_correct", tolerance=self.tolerance, threshold=high),
            drawn={
                "interval_correct": lambda c, key: self.wanted(c),
                "_production": lambda c, key: (1 + OVERSHOOT) * c["interval_correct"],
            },
            noise=self.noise_std,
            noise_tau=self.noise_tau,
        )

    def condition_table(self) -> dict[str, Array]:
        """The intervals."""
        return {"interval": self.interval}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return super().units() | dict.fromkeys(("interval", "interval_correct"), "ms")

    def span(self, epoch: str) -> tuple[float, float]:
        """Shortest and longest duration of an epoch [ms]."""
        i, line = self.timeline.names.index(epoch), self.timeline
        return line.shortest[i] * self.dt, line.longest[i] * self.dt

    def _set_design(
        self,
        dt: float | int,
        epochs: Mapping[str, Duration | None],
        defaults: Mapping[str, Duration],
        align: str,
        intervals: Int[np.ndarray, " interval"],
        tolerance: Any,
        noise_std: Any,
        noise_tau: Any,
    ) -> None:
        """Check and set the fields of tasks of this kind; for use in ``__init__`` only.

        Epochs without a default last as long as the interval.
        """
        self.interval = jnp.asarray(intervals * float(dt), jnp.result_type(float))
        low, high = (float(steps) * dt for steps in (intervals.min(), intervals.max()))
        measured = FromCondition("interval", low, high)
        ramps = FromCondition("_production", *((1 + OVERSHOOT) * ms for ms in (low, high)))
        laws = {name: defaults.get(name, measured) for name in epochs} | {"production": ramps}
        self.timeline = Timeline.build(dt, align, {**epochs, "production": None}, laws)
        self.tolerance = number("tolerance", tolerance, above=0)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)


def intervals_in_steps(
    dt: float | int, given: Any, default: Sequence[float], least: int
) -> Int[np.ndarray, " interval"]:
    """Intervals [ms] in whole steps; the default goes to the nearest.

    Raises
    ------
    ValueError
        If one that is given is not a whole number of steps, or has not more than ``least``, those
        of a cue.
    """
    check_step(dt)
    if given is None:
        return np.unique([max(round(ms / dt), least + 1) for ms in default])
    numbers("interval", given, above=0)
    steps = np.array([whole_steps("interval", float(ms), dt) for ms in np.asarray(given)])
    if steps.min() <= least:
        raise ValueError(
            f"Every `interval` must be longer than a cue ({least * dt:g} ms), got "
            f"{steps.min() * dt:g} ms."
        )
    return steps
