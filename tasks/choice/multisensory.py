"""Multisensory integration: judge a rate that is seen, heard, or both."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, numbers
from neurodyn.tasks.base import factorial
from neurodyn.tasks.choice.shown import AbstractShownChoice, sign_or_coin
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 300.0, "stimulus": 1000.0, "delay": 0.0, "decision": 300.0}
MODALITIES = ("visual", "auditory", "both")


class MultisensoryIntegration(AbstractShownChoice):
    """Judgement of the rate of flashes, clicks or both (Raposo et al. 2014), with a go cue.

    Inputs are ``fixation`` (1 until the go cue, then 0) and two noisy channels for each modality,
    ``0.4 + 0.8 x`` and ``1.2 - 0.8 x`` while it is there, where ``x`` goes from 0 at the lowest to
    1 at the highest rate of the design. Outputs are logits of fixation, choice 0 (the rate is below
    the boundary) and choice 1 (above). Time 0 is stimulus onset. The design crosses rates with the
    modality (0: visual, 1: auditory, 2: both).

    The noise of the modalities is independent, so that both together are worth more than one: d'
    grows by the square root of 2.

    Parameters
    ----------
    dt
        Step [ms].
    rate
        Rates of events [Hz]; default: 9 to 16, as in the code of Song et al.
    boundary
        Rate between low and high [Hz]; default 12.5, as there.
    fixation, stimulus, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 300, 1000, 0 and 300 ms.
    noise_std
        Noise of all channels of stimuli, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`). The default leaves an ideal
        observer of one modality 77 % correct at 12 and 13 Hz, and one of both 85 %.
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
        On rates that are not positive or all on one side of the boundary, negative noise, or
        durations that are not a whole number of steps.

    References
    ----------
    Raposo, Kaufman & Churchland, Nat. Neurosci. 2014; Song, Yang & Wang, PLoS Comput. Biol. 2016;
    Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = MultisensoryIntegration(dt=20.0)
    >>> task.input_names
    ('fixation', 'visual_0', 'visual_1', 'auditory_0', 'auditory_1')
    """

    rate: Float[Array, " level"]
    boundary: Float[Array, ""]
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "stimulus"
    reacts_to: ClassVar[str] = "stimulus"
    choices: ClassVar[tuple[str, ...]] = ("low", "high")
    evidence: ClassVar[str] = "above_boundary"
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"one modality alone": 5 / 6}
    align_event: ClassVar[str] = "stimulus onset"
    reference: ClassVar[tuple[str, ...]] = ("raposo2014", "song2016", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        rate: Any = (9, 10, 11, 12, 13, 14, 15, 16),
        boundary: Any = 12.5,
        fixation: Duration | None = None,
        stimulus: Duration | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.25,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, stimulus, delay, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)
        self.rate = numbers("rate", rate, low=0)
        self.boundary = number("boundary", boundary, above=0)
        if self.rate.min() <= 0 or jnp.ptp(self.rate) == 0:
            raise ValueError(f"`rate` must be positive and not all the same, got {rate!r}.")
        if not self.rate.min() < self.boundary < self.rate.max():
            raise ValueError(
                f"`boundary` must lie between low and high rates, or all choices are the same: got "
                f"{boundary!r} and rates {rate!r}."
            )

    def stimuli(self) -> dict[str, AbstractTerm]:
        """Two channels of each modality."""
        low, high = self.rate.min(), self.rate.max()

        def shown(absent: int) -> AbstractTerm:
            def value(c: TrialConditions) -> Float[Array, "2"]:
                x = (c["rate"] - low) / (high - low)
                there = (c["modality"] != absent).astype(x.dtype)
                return there * jnp.stack([0.4 + 0.8 * x, 1.2 - 0.8 * x])

            return during("stimulus", value=value, width=2)

        return {"visual": shown(absent=1), "auditory": shown(absent=0)}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """On which side of the boundary the rate is."""
        above = conditions["rate"] - self.boundary
        return {"above_boundary": above, "choice_correct": sign_or_coin(above, key)}

    def condition_table(self) -> dict[str, Array]:
        """Rate x modality."""
        return factorial(rate=self.rate, modality=jnp.arange(3, dtype=jnp.int32))

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of modalities and choices."""
        return {"modality": dict(enumerate(MODALITIES)), **super().labels()}

    def units(self) -> dict[str, str]:
        """Rates are in Hz."""
        return {**super().units(), "rate": "Hz", "above_boundary": "Hz"}
