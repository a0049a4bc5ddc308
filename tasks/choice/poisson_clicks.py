"""Poisson clicks: tell on which side there were more clicks."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number, numbers
from neurodyn.tasks.choice.shown import AbstractShownChoice, sign_or_coin
from neurodyn.tasks.parts.terms import AbstractTerm, signal
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Duration

DURATIONS: dict[str, Duration] = {
    "fixation": 200.0,
    "stimulus": (200.0, 1000.0),
    "delay": 0.0,
    "decision": 300.0,
}
#: Share of all clicks that are on the right: 38, 31, 26 and 21 of 40, and the opposite.
SHARE = (0.05, 0.225, 0.35, 0.475, 0.525, 0.65, 0.775, 0.95)
#: Most clicks of a side in one step that are drawn, and that many are expected at most.
MOST, EXPECTED = 16, 4.0


class PoissonClicks(AbstractShownChoice):
    """Accumulation of clicks from the left and the right (Brunton et al. 2013), with a go cue.

    Clicks on each side are a Poisson process, whose rates add up to ``rate``. The side with more
    clicks is right; where there are equally many, a coin decides. Inputs are ``fixation`` (1 until
    the go cue, then 0) and the channels ``left`` and ``right``: the number of clicks in each step,
    in proportion to ``click_area / dt``, plus noise. Outputs are logits of fixation, choice 0
    (left) and choice 1 (right). Time 0 is stimulus onset.

    Parameters
    ----------
    dt
        Step [ms].
    share
        Shares of the clicks that are on the right, on average. Default: 38, 31, 26 and 21 of 40,
        and the same on the left; `shortcuts` are those of these and of the default durations.
    rate
        Clicks of both sides per second [Hz]; default 40, usual for this task.
    click_area
        Integral of a click over time [ms]. The default, 20, is a click of height 1 in a step of
        20 ms.
    fixation, stimulus, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 200, 200 to 1000 (rats have to listen to the end), 0 and 300 ms.
    noise_std
        Noise of both channels, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`). Default 0, because clicks are random by
        themselves.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5, with ``react`` 1.
    react
        Reaction-time mode: there is no go cue, the stimulus lasts to the end of the trial, and the
        first response counts (:meth:`score`). Then ``delay`` or ``decision`` cannot be given, the
        default of ``stimulus`` is as long as all three at most, and ``grace`` counts from its
        onset.

    Raises
    ------
    ValueError
        On shares outside [0, 1], more than 4 clicks in a step on average, negative noise, or
        durations that are not a whole number of steps.

    References
    ----------
    Brunton, Botvinick & Brody, Science 2013; Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = PoissonClicks(dt=20.0)
    >>> sorted(task.batch(0, 2, share=0.95).conditions)
    ['choice_correct', 'difference', 'left_clicks', 'right_clicks', 'share', 'stimulus_duration']
    """

    share: Float[Array, " level"]
    rate: Float[Array, ""]
    click_area: Float[Array, ""]
    default_durations: ClassVar[dict[str, Duration]] = DURATIONS
    align: ClassVar[str] = "stimulus"
    reacts_to: ClassVar[str] = "stimulus"
    choices: ClassVar[tuple[str, ...]] = ("left", "right")
    evidence: ClassVar[str] = "difference"
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"side of the last click": 0.745}
    align_event: ClassVar[str] = "stimulus onset"
    reference: ClassVar[tuple[str, ...]] = ("brunton2013", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        share: Any = SHARE,
        rate: Any = 40.0,
        click_area: Any = 20.0,
        fixation: Duration | None = None,
        stimulus: Duration | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.0,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, stimulus, delay, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)
        self.share = numbers("share", share, low=0, high=1)
        self.rate = number("rate", rate, above=0)
        self.click_area = number("click_area", click_area, above=0)
        if float(self.rate) * dt / 1000 > EXPECTED:
            raise ValueError(
                f"`rate` = {rate} Hz is more than {EXPECTED:g} clicks in a step of {dt:g} ms: take "
                "a shorter step."
            )

    def stimuli(self) -> dict[str, AbstractTerm]:
        """Clicks of both sides."""
        height = self.click_area / self.dt

        def clicks(side: str):
            return signal(lambda c, key: height * c[f"_{side}"][:, None].astype(height.dtype))

        return {"left": clicks("left"), "right": clicks("right")}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The clicks, how many there are, and the side with more."""
        k_clicks, k_coin = jax.random.split(key)
        schedule, share = conditions.schedule, conditions["share"]
        u = jax.random.uniform(k_clicks, (schedule.timeline.n_steps, 2), share.dtype)
        expected = self.rate * self.dt / 1000 * jnp.stack([1 - share, share])
        clicks = _poisson(u, expected) * schedule.during("stimulus").astype(jnp.int32)[:, None]
        left, right = jnp.sum(clicks, axis=0, dtype=jnp.int32)
        return {
            "_left": clicks[:, 0],
            "_right": clicks[:, 1],
            "left_clicks": left,
            "right_clicks": right,
            "difference": right - left,
            "choice_correct": sign_or_coin(right - left, k_coin),
        }

    def condition_table(self) -> dict[str, Array]:
        """The shares."""
        return {"share": self.share}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Shares lie in [0, 1]."""
        return {"share": (0.0, 1.0), **super().limits()}

    def units(self) -> dict[str, str]:
        """Clicks are counted."""
        counted = ("left_clicks", "right_clicks", "difference")
        return {**super().units(), **dict.fromkeys(counted, "count")}


def _poisson(
    u: Float[Array, "time side"], expected: Float[Array, " side"]
) -> Int[Array, "time side"]:
    """Counts that uniform numbers stand for: how many values of the distribution lie below."""
    k = np.arange(MOST)[None, :]
    log_factorial = np.cumsum(np.log(np.maximum(k, 1)), axis=1)
    # 0 log 0 is 0 here: a side without clicks.
    log_p = jax.scipy.special.xlogy(k.astype(u.dtype), expected[:, None]) - expected[:, None]
    below = jnp.cumsum(jnp.exp(log_p - jnp.asarray(log_factorial, u.dtype)), axis=1)
    return jnp.sum(u[..., None] > below[None], axis=-1, dtype=jnp.int32)
