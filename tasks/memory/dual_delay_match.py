"""Dual delayed match: two items are remembered, and a cue says which one is tested."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.tasks.base import factorial
from neurodyn.tasks.choice.choice import grace_steps
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.outputs import classes
from neurodyn.tasks.parts.scores import hits
from neurodyn.tasks.parts.terms import during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration, Timeline

HALF = ("delay_0", "cue_0", "wait_0", "test_0", "delay_1", "cue_1", "wait_1", "test_1")
EPOCHS = ("fixation", "sample", *HALF)
ITEMS = ("a", "b")


class DualDelayedMatch(AbstractEpochTask):
    """Dual delayed match to sample with two cues (Rose et al. 2016).

    Two samples, one for each of the items a and b, are shown together. A cue names an item, and a
    test follows; then comes a second cue, which names either item anew, and a second test. Inputs
    are ``fixation`` (1 but for the tests) and noisy channels: one for each stimulus of each item,
    one for each stimulus of the test, and one for each cue. Outputs are logits of fixation,
    ``nonmatch`` and ``match``, one of which is due in each test. Time 0 is sample onset.

    The item that is not cued first may be needed later, and has to be kept. The design crosses both
    samples, both cues and both answers; a test that does not match is any other stimulus.

    Parameters
    ----------
    dt
        Step [ms].
    n_stimuli
        Number of stimuli of each item, at least 2.
    fixation, sample, delay, cue, wait, test
        Durations [ms], or ``(low, high)`` to draw one for every trial or half of it (not
        ``fixation`` and ``test``); ``delay`` lies before each cue and ``wait`` after it. Defaults,
        to the nearest step: 500 ms each.
    noise_std
        Noise of all channels but fixation, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the onset of each test that is not scored [ms]; default: 100 ms to the nearest
        step.
    response_weight
        Weight of a step of the tests in the loss (the others: 1).

    Raises
    ------
    ValueError
        On fewer than two stimuli, negative noise, or durations that are not a whole number of
        steps.

    References
    ----------
    Rose et al., Science 2016; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = DualDelayedMatch(dt=20.0)
    >>> task.n_inputs, task.n_outputs, task.n_steps
    (9, 3, 250)
    """

    noise_std: Float[Array, ""]
    noise_tau: Float[Array, ""]
    response_weight: Float[Array, ""]
    n_stimuli: int = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    grace: int = eqx.field(static=True, metadata={"unit": "steps"})
    chance: ClassVar[float] = 0.5
    align_event: ClassVar[str] = "sample onset"
    reference: ClassVar[tuple[str, ...]] = ("rose2016", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        n_stimuli: int = 2,
        fixation: Duration | None = None,
        sample: Duration | None = None,
        delay: Duration | None = None,
        cue: Duration | None = None,
        wait: Duration | None = None,
        test: float | int | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = 5.0,
    ):
        given = {"delay": delay, "cue": cue, "wait": wait, "test": test}
        half = {name: given[name.partition("_")[0]] for name in HALF}
        durations = {"fixation": fixation, "sample": sample, **half}
        defaults = dict.fromkeys(EPOCHS, 500.0)
        self.timeline = Timeline.build(
            dt, "sample", durations, defaults, may_be_zero=("fixation", "wait_0", "wait_1")
        )
        self.n_stimuli = whole("n_stimuli", n_stimuli, 2)
        self.grace = grace_steps(grace, dt, self.timeline.shortest[-1], "test")
        self.noise_std = number("noise_std", noise_std, low=0)
        self.noise_tau = number("noise_tau", noise_tau, above=0)
        self.response_weight = number("response_weight", response_weight, above=0)

    def parts(self) -> Parts:
        """Both halves of the trial."""
        n, tests = self.n_stimuli, ("test_0", "test_1")
        shown = {f"item_{i}": during("sample", value=one_hot(f"sample_{i}", n)) for i in ITEMS}
        for group, name in (("test", "test_stimulus"), ("cue", "cue")):
            code = ITEMS if group == "cue" else n
            first, second = (
                during(f"{group}_{k}", value=one_hot(f"{name}_{k}", code)) for k in range(2)
            )
            shown[group] = first + second
        due = during("test_0", value="match_0") + during("test_1", value="match_1")
        return Parts(
            inputs={"fixation": during(*(e for e in EPOCHS if e not in tests)), **shown},
            outputs=classes("fixation", "nonmatch", "match", target=due + during(*tests)),
            score=hits(*tests, last=True),
            derived=self._tests,
            noise=dict.fromkeys(shown, self.noise_std),
            noise_tau=self.noise_tau,
            weights=dict.fromkeys(tests, self.response_weight),
            grace=dict.fromkeys(tests, self.grace),
        )

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """Who ignores the cues takes a test for a match if it is one of both samples."""
        return {
            "test alone": 0.5,
            "one item alone": 0.75,
            "ignores the cues": 1 - 1 / (2 * self.n_stimuli),
            "forgets what is not cued first": 0.875,
        }

    def _tests(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The tests, which are the cued samples or others."""
        shift = jax.random.randint(key, (2,), 1, self.n_stimuli, jnp.int32)
        found = {}
        for k in range(2):
            second = conditions[f"cue_{k}"] == 1
            cued = jnp.where(second, conditions["sample_b"], conditions["sample_a"])
            other = (cued + shift[k]) % self.n_stimuli
            found[f"test_stimulus_{k}"] = jnp.where(conditions[f"match_{k}"] == 1, cued, other)
        return found

    def condition_table(self) -> dict[str, Array]:
        """Both samples x both cues x both answers."""
        stimuli, two = (jnp.arange(n, dtype=jnp.int32) for n in (self.n_stimuli, 2))
        samples = {"sample_a": stimuli, "sample_b": stimuli}
        return factorial(**samples, cue_0=two, cue_1=two, match_0=two, match_1=two)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of stimuli, items and answers."""
        stimuli = {i: f"stimulus_{i}" for i in range(self.n_stimuli)}
        items, answers = dict(enumerate(ITEMS)), {0: "nonmatch", 1: "match"}
        return {
            **super().labels(),
            "sample_a": stimuli,
            "sample_b": stimuli,
            "test_stimulus_0": stimuli,
            "test_stimulus_1": stimuli,
            "cue_0": items,
            "cue_1": items,
            "match_0": answers,
            "match_1": answers,
        }
