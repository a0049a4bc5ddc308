"""Perceptual decision: tell which of two alternatives noisy evidence favours."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import numbers
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import pick
from neurodyn.tasks.choice.choice import AbstractChoiceTask
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 100.0, "stimulus": 800.0, "delay": 0.0, "decision": 300.0}
COHERENCE = (-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512)


class PerceptualDecision(AbstractChoiceTask):
    """Random-dot motion discrimination with a go cue.

    Inputs are ``fixation`` (1 until the go cue, then 0) and two noisy channels that hold
    ``(1 - coherence) / 2`` and ``(1 + coherence) / 2`` during the stimulus. Outputs are logits of
    fixation, choice 0 and choice 1; choice 1 is right for positive coherence. At coherence 0 a coin
    decides what counts as right. Time 0 is stimulus onset.

    Epochs and scaling are those of Song et al. (2016), coherences those of Roitman & Shadlen
    (2002).

    Parameters
    ----------
    dt
        Step [ms].
    coherence
        Signed coherences, in [-1, 1]. Default: 3.2, 6.4, 12.8, 25.6 and 51.2 % of either sign.
    fixation, stimulus, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 100, 800, 0 and 300 ms.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`). The default leaves an ideal observer 82 % correct at 6.4 %
        coherence, about as good as the monkeys.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5 as in Yang et al.
        (2019); with ``react`` 1, because a network that is asked for the answer ten times as long
        as for fixation learns to give it before the stimulus.
    react
        Reaction-time mode: there is no go cue, the stimulus lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``delay`` or ``decision`` cannot be given, the
        default of ``stimulus`` is as long as all three, and ``grace`` counts from stimulus onset.

    Raises
    ------
    ValueError
        On coherences outside [-1, 1], negative noise, or durations that are not a whole number of
        steps.

    References
    ----------
    Roitman & Shadlen, J. Neurosci. 2002; Song, Yang & Wang, PLoS Comput. Biol. 2016; Yang et al.,
    Nat. Neurosci. 2019.

    Examples
    --------
    >>> task = PerceptualDecision(dt=20.0)
    >>> trials = task.batch(0, 64, coherence=0.512)
    >>> trials.inputs.shape, trials.targets.shape
    ((64, 60, 3), (64, 60, 1))
    """

    coherence: Float[Array, " level"]
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "stimulus"
    reacts_to: ClassVar[str] = "stimulus"
    choices: ClassVar[tuple[str, ...]] = ("negative", "positive")
    evidence: ClassVar[str] = "coherence"
    chance: ClassVar[float] = 0.5
    align_event: ClassVar[str] = "stimulus onset"
    reference: ClassVar[tuple[str, ...]] = ("roitman2002", "song2016", "yang2019")
    input_names: ClassVar[tuple[str, ...]] = ("fixation", "evidence_0", "evidence_1")
    output_names: ClassVar[tuple[str, ...]] = ("fixation", "choice_0", "choice_1")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        coherence: Any = COHERENCE,
        fixation: Duration | None = None,
        stimulus: Duration | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.1,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, stimulus, delay, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)
        self.coherence = numbers("coherence", coherence, low=-1, high=1)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``coherence``, and ranged durations."""
        k_pick, k_time, k_coin, k_noise = jax.random.split(as_key(key), 4)
        coherence = pick(self, k_pick, conditions)["coherence"]
        schedule = self.timeline.draw(k_time, conditions)
        right = jnp.where(coherence == 0, jax.random.bernoulli(k_coin), coherence > 0)
        shown = schedule.during("stimulus").astype(self.noise_std.dtype)
        evidence = shown[:, None] * jnp.stack([1 - coherence, 1 + coherence])[None, :] / 2
        given = {"coherence": coherence}
        return self._trial(k_noise, schedule, evidence, right.astype(jnp.int32), given)

    def condition_table(self) -> dict[str, Array]:
        """The coherences."""
        return {"coherence": self.coherence}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Coherences lie in [-1, 1]."""
        return {"coherence": (-1.0, 1.0)}
