"""Context-dependent decision: judge the motion or the colour of the same coloured dots."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import numbers
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import factorial, pick
from neurodyn.tasks.choice.choice import AbstractChoiceTask
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 300.0, "stimulus": 750.0, "delay": 300.0, "decision": 300.0}
COHERENCE = (-0.5, -0.15, -0.05, 0.05, 0.15, 0.5)


class ContextDecision(AbstractChoiceTask):
    """Context-dependent integration of motion or colour (Mante et al. 2013), with a go cue.

    Inputs are ``fixation`` (1 until the go cue, then 0), the noisy signed evidence ``motion`` and
    ``colour`` during the stimulus, and two context channels, one of which is 1 until the go cue.
    Outputs are logits of fixation, choice 0 and choice 1; choice 1 is right where the relevant
    evidence is positive; where it is 0, a coin decides. Time 0 is dots onset. The design crosses
    motion, colour and context (0: motion, 1: colour).

    Parameters
    ----------
    dt
        Step [ms].
    motion, colour
        Signed coherences, in [-1, 1]. Default: 5, 15 and 50 % of either sign.
    fixation, stimulus, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 300, 750 (as published), 300 (the shortest published delay) and
        300 ms.
    noise_std
        Noise of both evidence channels, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`). The default leaves an ideal observer
        92 % correct at the lowest coherence.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5; with
        ``react`` 1, because a network that is asked for the answer ten times as long as for
        fixation learns to give it before the stimulus.
    react
        Reaction-time mode: there is no go cue, the stimulus lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``delay`` or ``decision`` cannot be given, the
        default of ``stimulus`` is as long as all three, and ``grace`` counts from stimulus onset.

    Raises
    ------
    ValueError
        On coherences outside [-1, 1], negative noise, or durations that are not a
        whole number of steps.

    References
    ----------
    Mante, Sussillo, Shenoy & Newsome, Nature 2013; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = ContextDecision(dt=20.0)
    >>> {name: len(column) for name, column in task.condition_table().items()}
    {'motion': 72, 'colour': 72, 'context': 72}
    >>> task.batch(0, 2, context=1).conditions["context"].tolist()
    [1, 1]
    """

    motion: Float[Array, " motion"]
    colour: Float[Array, " colour"]
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "stimulus"
    reacts_to: ClassVar[str] = "stimulus"
    choices: ClassVar[tuple[str, ...]] = ("negative", "positive")
    evidence: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "context": {"motion": "motion", "colour": "colour"}
    }
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"sum of both": 0.75, "one of both": 0.75}
    align_event: ClassVar[str] = "dots onset"
    reference: ClassVar[tuple[str, ...]] = ("mante2013", "yang2019")
    input_names: ClassVar[tuple[str, ...]] = (
        "fixation",
        "motion",
        "colour",
        "context_motion",
        "context_colour",
    )
    output_names: ClassVar[tuple[str, ...]] = ("fixation", "choice_0", "choice_1")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        motion: Any = COHERENCE,
        colour: Any = COHERENCE,
        fixation: Duration | None = None,
        stimulus: Duration | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.07,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, stimulus, delay, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)
        self.motion = numbers("motion", motion, low=-1, high=1)
        self.colour = numbers("colour", colour, low=-1, high=1)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``motion``, ``colour``, ``context``, and ranged durations."""
        k_pick, k_time, k_coin, k_noise = jax.random.split(as_key(key), 4)
        given = pick(self, k_pick, conditions)
        schedule = self.timeline.draw(k_time, conditions)
        dtype = self.noise_std.dtype
        evidence = jnp.stack([given["motion"], given["colour"]])
        relevant = jax.nn.one_hot(given["context"], 2, dtype=dtype)
        decisive = jnp.sum(relevant * evidence)
        right = jnp.where(decisive == 0, jax.random.bernoulli(k_coin), decisive > 0)
        shown = schedule.during("stimulus").astype(dtype)[:, None] * evidence[None, :]
        return self._trial(k_noise, schedule, shown, right.astype(jnp.int32), given, relevant)

    def condition_table(self) -> dict[str, Array]:
        """Motion x colour x context."""
        context = jnp.arange(2, dtype=jnp.int32)
        return factorial(motion=self.motion, colour=self.colour, context=context)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Coherences lie in [-1, 1]."""
        return {"motion": (-1.0, 1.0), "colour": (-1.0, 1.0)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of contexts and choices."""
        return {"context": {0: "motion", 1: "colour"}, **super().labels()}
