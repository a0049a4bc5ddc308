"""Interval discrimination: tell which of two stimuli lasted longer."""

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import numbers
from neurodyn.tasks.choice.shown import AbstractShownChoice, sign_or_coin
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration

INTERVALS = (200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0)
DURATIONS: dict[str, Duration] = {
    "fixation": 400.0,
    "first": list(INTERVALS),
    "delay": [400.0, 800.0],
    "second": list(INTERVALS),
    "wait": [0.0, 400.0, 800.0],
    "decision": 300.0,
}
COLOURS = ("red", "blue")


class IntervalDiscrimination(AbstractShownChoice):
    """Which of a red and a blue stimulus lasted longer (Genovesio et al. 2009), with a go cue.

    The two appear one after the other, in either order, and never last equally long. Inputs are
    ``fixation`` (1 until the go cue, then 0) and one noisy channel for each colour, 1 while it is
    shown. Outputs are logits of fixation, choice 0 (red lasted longer) and choice 1 (blue). Time 0
    is the onset of the first stimulus. The design crosses all pairs of two durations with the
    order (0: red first, 1: blue first).

    Parameters
    ----------
    dt
        Step [ms].
    intervals
        Durations of the stimuli [ms]. Default: 200 to 1200 in steps of 200 ms, to the nearest
        step; `shortcuts` are those of these.
    fixation, delay, wait, decision
        Durations [ms]; ``(low, high)`` or a list of choices to draw one for every trial (not
        ``fixation``). ``delay`` lies between the stimuli and ``wait`` before the go cue. Defaults,
        to the nearest step: 400 (400 to 800 as published), one of 400 and 800, one of 0, 400 and
        800, and 300 ms.
    noise_std
        Noise of both channels, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1).

    Raises
    ------
    ValueError
        On fewer than two intervals or equal ones, negative noise, or durations that are not a
        whole number of steps.

    References
    ----------
    Genovesio, Tsujimoto & Wise, Neuron 2009; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = IntervalDiscrimination(dt=20.0)
    >>> given = {"first_duration": 600.0, "second_duration": 400.0, "order": 1}
    >>> task.batch(0, 1, **given).conditions["choice_correct"].tolist()
    [1]
    """

    intervals: Float[Array, " level"]
    default_durations: ClassVar[dict[str, Duration]] = DURATIONS
    align: ClassVar[str] = "first"
    choices: ClassVar[tuple[str, ...]] = COLOURS
    evidence: ClassVar[str] = "difference"
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"second stimulus alone": 0.8}
    align_event: ClassVar[str] = "first stimulus onset"
    reference: ClassVar[tuple[str, ...]] = ("genovesio2009", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        intervals: Any = None,
        fixation: Duration | None = None,
        delay: Duration | None = None,
        wait: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = 5.0,
    ):
        if intervals is not None:
            numbers("intervals", intervals, above=0)
            intervals = np.asarray(intervals, float).tolist()
        durations = (fixation, intervals, delay, intervals, wait, decision)
        self._set_design(
            dt, durations, noise_std, noise_tau, grace, response_weight, may_be_zero=("wait",)
        )
        # As the timeline has them: to the nearest step.
        steps = sorted(self.timeline.choices[1])
        if len(steps) < 2 or len(set(steps)) < len(steps):
            raise ValueError(
                f"`intervals` must be two at least, and differ by a step of {dt:g} ms or more, "
                f"got {intervals or INTERVALS}."
            )
        self.intervals = numbers("intervals", [each * self.dt for each in steps], above=0)

    def stimuli(self) -> dict[str, AbstractTerm]:
        """The colour that is on."""
        first = during("first", value=one_hot("order", COLOURS))
        second = during("second", value=one_hot(lambda c: 1 - c["order"], COLOURS))
        return {"stimulus": first + second}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """``difference``: how much longer blue lasted."""
        later = conditions["second_duration"] - conditions["first_duration"]
        difference = jnp.where(conditions["order"] == 0, later, -later)
        return {"difference": difference, "choice_correct": sign_or_coin(difference, key)}

    def condition_table(self) -> dict[str, Array]:
        """Pairs of two different durations, in either order of the colours."""
        n = len(self.intervals)
        pairs = itertools.permutations(range(n), 2)
        rows = [(a, b, order) for a, b in pairs for order in range(2)]
        first, second, order = np.asarray(rows, np.int32).T
        return {
            "first_duration": self.intervals[first],
            "second_duration": self.intervals[second],
            "order": jnp.asarray(order),
        }

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of orders and choices."""
        return {"order": {0: "red first", 1: "blue first"}, **super().labels()}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return {**super().units(), "difference": "ms"}
