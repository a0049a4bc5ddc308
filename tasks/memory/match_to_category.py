"""Delayed match to category: tell whether two directions belong to the same category."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, numbers, whole
from neurodyn.tasks.base import factorial
from neurodyn.tasks.choice.shown import AbstractShownChoice
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, ring
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 500.0, "sample": 650.0, "delay": 1000.0, "test": 650.0, "decision": 300.0}
DIRECTIONS = tuple(15.0 + 30.0 * k for k in range(12))


class DelayedMatchToCategory(AbstractShownChoice):
    """Delayed match to category (Freedman & Assad 2006), with a go cue.

    A boundary through the circle of directions divides them into two categories: those up to 180
    degrees counterclockwise of it, and the others. Inputs are ``fixation`` (1 until the go cue,
    then 0) and a noisy ring of units with preferred directions, as in Yang et al. (2019). Outputs
    are logits of fixation, choice 0 (the categories differ) and choice 1 (they match). Time 0 is
    sample onset. The design crosses all samples with all tests; half of them match.

    The monkeys answered during the test, without a go cue: that is ``react=True``.

    Parameters
    ----------
    dt
        Step [ms].
    directions
        Directions [deg]. Default: 12, which are 30 degrees apart and 15, 45 and 75 degrees away
        from the boundary, as published; `chance` and `shortcuts` are those of these.
    boundary
        Direction of the boundary [deg].
    n_units
        Units of the ring.
    fixation, sample, delay, test, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 500, 650, 1000, 650 and 300 ms; all but the decision as in neurogym.
    noise_std
        Noise of the ring, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5, with ``react`` 1.
    react
        Reaction-time mode: there is no go cue, the test lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``decision`` cannot be given, the
        default of ``test`` is as long as both, and ``grace`` counts from its onset.

    Raises
    ------
    ValueError
        On a direction on the boundary or all on one side of it, fewer than three units, negative
        noise, or durations that are not a whole number of steps.

    References
    ----------
    Freedman & Assad, Nature 2006; Yang et al., Nat. Neurosci. 2019 (ring and weights).

    Examples
    --------
    >>> task = DelayedMatchToCategory(dt=20.0)
    >>> trials = task.batch(0, 3, sample_direction=15.0, test_direction=[15.0, 165.0, 195.0])
    >>> trials.conditions["choice_correct"].tolist()
    [1, 1, 0]
    """

    directions: Float[Array, " direction"]
    boundary: Float[Array, ""]
    n_units: int = eqx.field(static=True)
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "sample"
    reacts_to: ClassVar[str] = "test"
    choices: ClassVar[tuple[str, ...]] = ("nonmatch", "match")
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {
        "test alone": 0.5,
        "directions less than 90 degrees apart match": 0.75,
    }
    align_event: ClassVar[str] = "sample onset"
    reference: ClassVar[tuple[str, ...]] = ("freedman2006", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        directions: Any = DIRECTIONS,
        boundary: Any = 0.0,
        n_units: int = 32,
        fixation: Duration | None = None,
        sample: Duration | None = None,
        delay: Duration | None = None,
        test: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, sample, delay, test, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)
        self.directions = numbers("directions", directions)
        self.boundary = number("boundary", boundary)
        self.n_units = whole("n_units", n_units, 3)
        if bool(jnp.any((self.directions - self.boundary) % 180 == 0)):
            raise ValueError(
                f"`directions` {directions} lie on the boundary, {boundary} or {boundary + 180} "
                "degrees, and belong to no category: move one of them."
            )
        first = (self.directions - self.boundary) % 360 < 180
        if bool(first.all() | ~first.any()):
            raise ValueError(
                f"`directions` {directions} all belong to one category, and every test matches: "
                f"take some from either side of the boundary, {boundary} degrees."
            )

    def stimuli(self) -> dict[str, AbstractTerm]:
        """Sample and test on the ring."""
        sample, test = (
            during(epoch, value=ring(f"{epoch}_direction", self.n_units))
            for epoch in ("sample", "test")
        )
        return {"ring": sample + test}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """Both categories, and whether they are the same."""
        names = "sample", "test"
        away = [(conditions[f"{name}_direction"] - self.boundary) % 360 for name in names]
        sample, test = ((each >= 180).astype(jnp.int32) for each in away)
        match = (sample == test).astype(jnp.int32)
        return {"sample_category": sample, "test_category": test, "choice_correct": match}

    def condition_table(self) -> dict[str, Array]:
        """Sample x test."""
        return factorial(sample_direction=self.directions, test_direction=self.directions)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of categories and choices."""
        categories = {0: "first", 1: "second"}
        return {
            "sample_category": categories,
            "test_category": categories,
            **super().labels(),
        }
