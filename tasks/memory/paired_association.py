"""Delayed paired association: respond to those pairs of stimuli that belong together."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from neurodyn.tasks.base import factorial
from neurodyn.tasks.choice.shown import AbstractShownChoice
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration

DURATIONS = {
    "fixation": 1000.0,
    "sample": 1000.0,
    "delay": 1000.0,
    "test": 1000.0,
    "wait": 0.0,
    "decision": 500.0,
}
SAMPLES, TESTS = ("sample_a", "sample_b"), ("test_a", "test_b")


class DelayedPairedAssociation(AbstractShownChoice):
    """Delayed paired association of two samples with two tests (Zhang et al. 2019).

    Mice lick after two of the four pairs of odours. Inputs are ``fixation`` (1 until the go cue,
    then 0) and one noisy channel for each sample and test, 1 while it is shown. Outputs are logits
    of fixation and ``go``. Sample a goes with test a, and b with b; after the other pairs fixation
    stays right to the end. Time 0 is sample onset.

    Parameters
    ----------
    dt
        Step [ms].
    fixation, sample, delay, test, wait, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``); ``wait``
        lies between test and go cue. Defaults, to the nearest step: 1000, 1000, 1000, 1000, 0 and
        500 ms, as in neurogym but for fixation and ``wait``, which are 0 and 1000 ms there.
    noise_std
        Noise of the stimulus channels, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5, with ``react`` 1.
    react
        Reaction-time mode: there is no go cue, the test lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``wait`` or ``decision`` cannot be given, the
        default of ``test`` is as long as all three, and ``grace`` counts from its onset.

    Raises
    ------
    ValueError
        On negative noise, or durations that are not a whole number of steps.

    References
    ----------
    Zhang et al., eLife 2019; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = DelayedPairedAssociation(dt=20.0)
    >>> trials = task.batch(0, 4, sample=[0, 0, 1, 1], test=[0, 1, 0, 1])
    >>> trials.conditions["choice_correct"].tolist()
    [0, -1, -1, 0]
    """

    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "sample"
    reacts_to: ClassVar[str] = "test"
    choices: ClassVar[tuple[str, ...]] = ("go",)
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"test alone": 0.5, "sample alone": 0.5}
    align_event: ClassVar[str] = "sample onset"
    reference: ClassVar[tuple[str, ...]] = ("zhang2019", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        fixation: Duration | None = None,
        sample: Duration | None = None,
        delay: Duration | None = None,
        test: Duration | None = None,
        wait: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, sample, delay, test, wait, decision)
        self._set_design(
            dt,
            durations,
            noise_std,
            noise_tau,
            grace,
            response_weight,
            react,
            may_be_zero=("wait",),
        )

    def stimuli(self) -> dict[str, AbstractTerm]:
        """Sample and test, in channels of their own."""
        return {
            "sample": during("sample", value=one_hot("sample", ("a", "b"))),
            "test": during("test", value=one_hot("test", ("a", "b"))),
        }

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """Go where both go together, else hold."""
        paired = conditions["sample"] == conditions["test"]
        return {"choice_correct": jnp.where(paired, 0, -1)}

    def condition_table(self) -> dict[str, Array]:
        """Sample x test."""
        both = jnp.arange(2, dtype=jnp.int32)
        return factorial(sample=both, test=both)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of stimuli and choices."""
        stimuli = {"sample": dict(enumerate(SAMPLES)), "test": dict(enumerate(TESTS))}
        return {**stimuli, **super().labels()}
