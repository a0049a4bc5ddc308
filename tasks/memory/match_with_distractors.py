"""Match with distractors: respond when the sample comes back, not to what comes between."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.tasks.base import factorial
from neurodyn.tasks.choice.shown import AbstractShownChoice
from neurodyn.tasks.laws import ByCode, as_law
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 300.0, "sample": 500.0, "delay": 1000.0, "test": 500.0}


class MatchWithDistractors(AbstractShownChoice):
    """Delayed match to sample with distractors before the match (Miller et al. 1996).

    After the sample come none, one or two other stimuli, and then the sample again; each after a
    delay. The response is due at the match, with which the trial ends; there is no other go cue.
    Inputs are ``fixation`` (1 throughout) and one noisy channel for each stimulus, 1 while it is
    shown. Outputs are logits of fixation and ``match``. Time 0 is sample onset. As in the
    reaction-time mode of other choice tasks, the first response counts: one to a distractor makes
    the trial wrong.

    Parameters
    ----------
    dt
        Step [ms].
    n_stimuli
        Number of stimuli, at least 2. Distractors are drawn from all but the sample, so that one
        can come twice.
    n_distractors
        Largest number of distractors, at least 1; every number up to it is equally likely.
    fixation, sample, delay, test
        Durations [ms], or ``(low, high)`` to draw one for every trial (only of ``sample``) or for
        every delay and test. Defaults, to the nearest step: 300, 500, 1000 and 500 ms.
    noise_std
        Noise of the stimulus channels, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the onset of the match that is not scored [ms]; default: 100 ms to the nearest
        step.
    response_weight
        Weight of a step of the response in the loss (the others: 1).

    Raises
    ------
    ValueError
        On fewer than two stimuli or one distractor, negative noise, or durations that are not a
        whole number of steps.

    References
    ----------
    Miller, Erickson & Desimone, J. Neurosci. 1996; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = MatchWithDistractors(dt=20.0)
    >>> task.timeline.names[2:]
    ('delay_0', 'distractor_0', 'delay_1', 'distractor_1', 'delay', 'match')
    >>> task.batch(0, 3, distractors=[0, 1, 2]).n_valid.tolist()
    [115, 190, 265]
    """

    n_stimuli: int = eqx.field(static=True)
    n_distractors: int = eqx.field(static=True)
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "sample"
    reacts_to: ClassVar[str] = "match"
    choices: ClassVar[tuple[str, ...]] = ("match",)
    align_event: ClassVar[str] = "sample onset"
    reference: ClassVar[tuple[str, ...]] = ("miller1996", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        n_stimuli: int = 8,
        n_distractors: int = 2,
        fixation: Duration | None = None,
        sample: Duration | None = None,
        delay: Duration | None = None,
        test: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = 5.0,
    ):
        self.n_stimuli = whole("n_stimuli", n_stimuli, 2)
        self.n_distractors = n = whole("n_distractors", n_distractors, 1)

        def between(**lasting: Duration | None) -> dict[str, Duration | None]:
            # A delay and a distractor are left out where there are no more than i distractors.
            laws = {k: None if ms is None else as_law(k, ms) for k, ms in lasting.items()}
            return {
                f"{name}_{i}": law and ByCode("distractors", (0,) * (i + 1) + (law,) * (n - i))
                for i in range(n)
                for name, law in laws.items()
            }

        own = between(delay=delay, distractor=test)
        usual = between(delay=DURATIONS["delay"], distractor=DURATIONS["test"])
        durations = {"fixation": fixation, "sample": sample, **own, "delay": delay, "match": test}
        defaults = {**DURATIONS, "match": DURATIONS["test"], **usual}
        self._set_design(
            dt,
            durations.values(),
            noise_std,
            noise_tau,
            grace,
            response_weight,
            react=True,
            defaults={name: defaults[name] for name in durations},
            may_be_zero=tuple(own),
        )

    @property
    def chance(self) -> float:  # type: ignore[override]
        """One response time is right for one number of distractors, if nothing else varies."""
        return 1 / (self.n_distractors + 1)

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """The first test is the match where there are no distractors."""
        return {"responds to the first test": self.chance}

    def stimuli(self) -> dict[str, AbstractTerm]:
        """Sample, distractors and match."""
        n = self.n_stimuli
        term: AbstractTerm = during("sample", "match", value=one_hot("sample_stimulus", n))
        for i in range(self.n_distractors):
            term += during(f"distractor_{i}", value=one_hot(f"distractor_{i}", n))
        return {"stimulus": term}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The distractors, -1 where there is none; the match is always due."""
        shape = (self.n_distractors,)
        shift = jax.random.randint(key, shape, 1, self.n_stimuli, jnp.int32)
        others = (conditions["sample_stimulus"] + shift) % self.n_stimuli
        there = jnp.arange(self.n_distractors, dtype=jnp.int32) < conditions["distractors"]
        others = jnp.where(there, others, -1)
        shown = {f"distractor_{i}": others[i] for i in range(self.n_distractors)}
        return {**shown, "choice_correct": jnp.zeros((), jnp.int32)}

    def condition_table(self) -> dict[str, Array]:
        """Sample x number of distractors."""
        samples, numbers = (
            jnp.arange(n, dtype=jnp.int32) for n in (self.n_stimuli, self.n_distractors + 1)
        )
        return factorial(sample_stimulus=samples, distractors=numbers)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the stimuli and choices."""
        stimuli = {i: f"stimulus_{i}" for i in range(self.n_stimuli)}
        others = {-1: "none", **stimuli}
        shown = {f"distractor_{i}": others for i in range(self.n_distractors)}
        return {"sample_stimulus": stimuli, **shown, **super().labels()}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return {**super().units(), "distractors": "count"}
