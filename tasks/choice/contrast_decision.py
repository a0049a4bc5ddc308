"""Contrast decision: tell on which side a grating appeared, however faint it is."""

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

DURATIONS = {"fixation": 100.0, "stimulus": 400.0, "delay": 0.0, "decision": 200.0}
CONTRAST = (0.0, 0.0625, 0.125, 0.25, 1.0)


class ContrastDecision(AbstractChoiceTask):
    """Detection of the side of a grating (International Brain Laboratory 2021), with a go cue.

    Inputs are ``fixation`` (1 until the go cue, then 0) and two noisy channels: the one of the side
    shows the contrast during the stimulus, the other 0. Outputs are logits of fixation, left and
    right. The side is a condition also where the contrast is 0, so that only what came before can
    tell it: :class:`Session` with blocks of priors makes one side more likely than the other. Time
    0 is stimulus onset.

    Parameters
    ----------
    dt
        Step [ms].
    contrast
        Contrasts, from 0 to 1. Default: 0, 6.25, 12.5, 25 and 100 %, as published, here equally
        often (the published apparatus shows 0 half as often as the others).
    fixation, stimulus, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 100, 400, 0 and 200 ms, short because sessions have many trials.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`). The default leaves an ideal observer without a prior 73 %
        correct at a contrast of 6.25 %.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5 as in Yang et al.
        (2019); with ``react`` 1.
    react
        Reaction-time mode, as of :class:`PerceptualDecision`.

    Raises
    ------
    ValueError
        On contrasts outside [0, 1], negative noise, or durations that are not a whole number of
        steps.

    References
    ----------
    The International Brain Laboratory, "Standardized and reproducible measurement of
    decision-making in mice", eLife 2021.

    Examples
    --------
    >>> task = ContrastDecision(dt=20.0)
    >>> trials = task.batch(0, 64, contrast=0.25)
    >>> trials.inputs.shape, trials.targets.shape
    ((64, 35, 3), (64, 35, 1))
    """

    contrast: Float[Array, " level"]
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "stimulus"
    reacts_to: ClassVar[str] = "stimulus"
    choices: ClassVar[tuple[str, ...]] = ("left", "right")
    align_event: ClassVar[str] = "stimulus onset"
    chance: ClassVar[float] = 0.5
    reference: ClassVar[tuple[str, ...]] = ("ibl2021", "yang2019")
    input_names: ClassVar[tuple[str, ...]] = ("fixation", "contrast_left", "contrast_right")
    output_names: ClassVar[tuple[str, ...]] = ("fixation", "choice_left", "choice_right")
    evidence: ClassVar[str] = "signed_contrast"

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        contrast: Any = CONTRAST,
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
        self.contrast = numbers("contrast", contrast, low=0, high=1)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``side``, ``contrast``, and ranged durations."""
        k_pick, k_time, k_noise = jax.random.split(as_key(key), 3)
        row = pick(self, k_pick, conditions)
        side, contrast = row["side"], row["contrast"]
        schedule = self.timeline.draw(k_time, conditions)
        shown = schedule.during("stimulus").astype(contrast.dtype)
        sides = jnp.arange(2, dtype=jnp.int32) == side
        stimuli = shown[:, None] * (contrast * sides.astype(contrast.dtype))[None, :]
        row["signed_contrast"] = contrast * (2 * side - 1).astype(contrast.dtype)
        return self._trial(k_noise, schedule, stimuli, side, row)

    def condition_table(self) -> dict[str, Array]:
        """Sides and contrasts."""
        return factorial(side=jnp.arange(2, dtype=jnp.int32), contrast=self.contrast)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Contrasts lie in [0, 1]."""
        return {"contrast": (0.0, 1.0)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the sides."""
        return AbstractChoiceTask.labels(self) | {"side": dict(enumerate(self.choices))}
