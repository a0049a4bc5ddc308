"""Delayed match to sample: tell whether the test is the stimulus seen before the delay."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import factorial, pick
from neurodyn.tasks.choice.choice import AbstractChoiceTask
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 300.0, "sample": 500.0, "delay": 1000.0, "test": 500.0, "decision": 900.0}


class DelayMatchToSample(AbstractChoiceTask):
    """Delayed match to sample (Miller et al. 1996), with a go cue.

    Inputs are ``fixation`` (1 until the go cue, then 0) and one noisy channel per stimulus, 1 while
    that stimulus is shown. Outputs are logits of fixation, choice 0 (non-match) and choice 1
    (match). Half of the trials match; a non-match test is any other stimulus. Time 0 is sample
    onset.

    Parameters
    ----------
    dt
        Step [ms].
    n_stimuli
        Number of stimuli, at least 2.
    fixation, sample, delay, test, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 300, 500, 1000, 500 and 900 ms (sample and delay as published).
    noise_std
        Noise of the stimulus channels, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5; with
        ``react`` 1, because a network that is asked for the answer ten times as long as for
        fixation learns to give it before the stimulus.
    react
        Reaction-time mode: there is no go cue, the test lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``decision`` cannot be given, the
        default of ``test`` is as long as both, and ``grace`` counts from test onset.

    Raises
    ------
    ValueError
        On fewer than two stimuli, negative noise, or durations that are not a whole number of
        steps.

    References
    ----------
    Miller, Erickson & Desimone, J. Neurosci. 1996; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = DelayMatchToSample(dt=20.0, n_stimuli=4)
    >>> task.n_inputs, task.n_outputs, task.n_steps
    (5, 3, 160)
    """

    n_stimuli: int = eqx.field(static=True)
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "sample"
    reacts_to: ClassVar[str] = "test"
    choices: ClassVar[tuple[str, ...]] = ("nonmatch", "match")
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"test alone": 0.5}
    align_event: ClassVar[str] = "sample onset"
    reference: ClassVar[tuple[str, ...]] = ("miller1996", "yang2019")
    output_names: ClassVar[tuple[str, ...]] = ("fixation", "nonmatch", "match")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        n_stimuli: Any = 2,
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
        self.n_stimuli = whole("n_stimuli", n_stimuli, 2)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``sample_stimulus``, ``match``, and ranged durations."""
        k_pick, k_time, k_other, k_noise = jax.random.split(as_key(key), 4)
        given = pick(self, k_pick, conditions)
        schedule = self.timeline.draw(k_time, conditions)
        dtype = self.noise_std.dtype
        shift = jax.random.randint(k_other, (), 1, self.n_stimuli, jnp.int32)
        first = given["sample_stimulus"]
        test = jnp.where(given["match"] == 1, first, (first + shift) % self.n_stimuli)

        shown = [
            schedule.during(epoch).astype(dtype)[:, None]
            * jax.nn.one_hot(code, self.n_stimuli, dtype=dtype)[None, :]
            for epoch, code in (("sample", first), ("test", test))
        ]
        given |= {"test_stimulus": test}
        return self._trial(k_noise, schedule, shown[0] + shown[1], given["match"], given)

    def condition_table(self) -> dict[str, Array]:
        """Sample x match."""
        stimuli, match = (jnp.arange(n, dtype=jnp.int32) for n in (self.n_stimuli, 2))
        return factorial(sample_stimulus=stimuli, match=match)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the stimuli and choices."""
        stimuli = {i: f"stimulus_{i}" for i in range(self.n_stimuli)}
        return {
            "sample_stimulus": stimuli,
            "test_stimulus": stimuli,
            "match": dict(enumerate(self.choices)),
            **super().labels(),
        }

    @property
    def input_names(self) -> tuple[str, ...]:
        """Fixation cue and stimuli."""
        return ("fixation", *(f"stimulus_{i}" for i in range(self.n_stimuli)))
