"""Go/no-go: respond to one cue and hold still after the other."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from neurodyn.tasks.choice.shown import AbstractShownChoice
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 0.0, "stimulus": 500.0, "delay": 500.0, "decision": 500.0}
CUES = ("nogo", "go")


class GoNoGo(AbstractShownChoice):
    """Go/no-go with a delay, as mice do it with odours (Zhang et al. 2019).

    Inputs are ``fixation`` (1 until the go cue, then 0) and one noisy channel for each cue, 1 while
    it is shown. Outputs are logits of fixation and ``go``; after the cue ``nogo`` fixation stays
    right to the end. Half of the trials are go trials. Time 0 is stimulus onset.

    Parameters
    ----------
    dt
        Step [ms].
    fixation, stimulus, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 0, 500, 500 and 500 ms, as in neurogym.
    noise_std
        Noise of the cue channels, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5, with ``react`` 1.
    react
        Reaction-time mode: there is no go cue, the stimulus lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``delay`` or ``decision`` cannot be given, the
        default of ``stimulus`` is as long as all three, and ``grace`` counts from its onset.

    Raises
    ------
    ValueError
        On negative noise, or durations that are not a whole number of steps.

    References
    ----------
    Zhang et al., eLife 2019; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = GoNoGo(dt=20.0)
    >>> task.input_names, task.output_names
    (('fixation', 'cue_nogo', 'cue_go'), ('fixation', 'go'))
    """

    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "stimulus"
    reacts_to: ClassVar[str] = "stimulus"
    choices: ClassVar[tuple[str, ...]] = ("go",)
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"always goes": 0.5, "never goes": 0.5}
    align_event: ClassVar[str] = "stimulus onset"
    reference: ClassVar[tuple[str, ...]] = ("zhang2019", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        fixation: Duration | None = None,
        stimulus: Duration | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, stimulus, delay, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)

    def stimuli(self) -> dict[str, AbstractTerm]:
        """The cue."""
        return {"cue": during("stimulus", value=one_hot("cue", CUES))}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """Go after the cue ``go``, else hold."""
        return {"choice_correct": conditions["cue"] - 1}

    def condition_table(self) -> dict[str, Array]:
        """Both cues."""
        return {"cue": jnp.arange(2, dtype=jnp.int32)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of cues and choices."""
        return {"cue": dict(enumerate(CUES)), **super().labels()}
