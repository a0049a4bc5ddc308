"""Delayed comparison: tell which of two frequencies, separated by a delay, was higher."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import numbers
from neurodyn.tasks.choice.shown import AbstractShownChoice, sign_or_coin
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 500.0, "f1": 500.0, "delay": 1000.0, "f2": 500.0, "decision": 300.0}
PAIRS = ((18, 10), (22, 14), (26, 18), (30, 22), (34, 26))


class DelayedComparison(AbstractShownChoice):
    """Comparison of two vibration frequencies (Romo et al. 1999), with a go cue.

    Inputs are ``fixation`` (1 until the go cue, then 0) and two noisy channels that rise and fall
    with the frequency: ``0.4 + 0.8 x`` and ``1.2 - 0.8 x``, where ``x`` goes from 0 at the lowest
    to 1 at the highest frequency of the design. Outputs are logits of fixation, choice 0 (the
    second frequency was lower) and choice 1 (higher). Time 0 is the onset of the first stimulus.

    In the published pairs the second frequency alone tells the answer in 4 of 10 trials and
    nothing in the others, so 70 % are right without memory.

    Parameters
    ----------
    dt
        Step [ms].
    pairs
        Rows of ``(f1, f2)`` [Hz]. Default: 10 and 18, 14 and 22, 18 and 26, 22 and 30, 26 and 34
        in both orders; `chance` and `shortcuts` are those of these.
    fixation, f1, delay, f2, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``). Defaults,
        to the nearest step: 500, 500, 1000, 500 and 300 ms; the monkeys' delays were 1 to 3 s.
    noise_std
        Noise of both channels, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1). Default: 5, with ``react`` 1.
    react
        Reaction-time mode: there is no go cue, the second stimulus lasts to the end of the trial,
        and the first response counts (:meth:`score`). Then ``decision`` cannot be given, the
        default of ``f2`` is as long as both, and ``grace`` counts from its onset.

    Raises
    ------
    ValueError
        On frequencies that are not positive or all the same, negative noise, or durations that are
        not a whole number of steps.

    References
    ----------
    Romo, Brody, Hernández & Lemus, Nature 1999; Hernández, Salinas, García & Romo, J. Neurosci.
    1997 (monkeys that ignore the first stimulus); Yang et al., Nat. Neurosci. 2019 (weights).

    Examples
    --------
    >>> task = DelayedComparison(dt=20.0)
    >>> task.batch(0, 2, f1=18.0, f2=26.0).conditions["choice_correct"].tolist()
    [1, 1]
    """

    pairs: Float[Array, "pair 2"]
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "f1"
    reacts_to: ClassVar[str] = "f2"
    choices: ClassVar[tuple[str, ...]] = ("lower", "higher")
    evidence: ClassVar[str] = "difference"
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"second frequency alone": 0.7}
    align_event: ClassVar[str] = "first stimulus onset"
    reference: ClassVar[tuple[str, ...]] = ("romo1999", "hernandez1997", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        pairs: Any = (*PAIRS, *(pair[::-1] for pair in PAIRS)),
        fixation: Duration | None = None,
        f1: Duration | None = None,
        delay: Duration | None = None,
        f2: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = None,
        react: bool = False,
    ):
        durations = (fixation, f1, delay, f2, decision)
        self._set_design(dt, durations, noise_std, noise_tau, grace, response_weight, react)
        self.pairs = numbers("pairs", pairs, low=0, ndim=2)
        if self.pairs.shape[1] != 2 or self.pairs.min() <= 0 or jnp.ptp(self.pairs) == 0:
            raise ValueError(
                f"`pairs` must be rows of two positive frequencies (f1, f2), not all the same, "
                f"got {pairs!r}."
            )

    def stimuli(self) -> dict[str, AbstractTerm]:
        """A channel that rises with the frequency and one that falls."""
        low, high = self.pairs.min(), self.pairs.max()

        def x(frequency: Array) -> Array:
            return (frequency - low) / (high - low)

        def shown(name: str, at_lowest: float, slope: float) -> AbstractTerm:
            return during(name, value=lambda c: at_lowest + slope * x(c[name]))

        return {
            "rising": shown("f1", 0.4, 0.8) + shown("f2", 0.4, 0.8),
            "falling": shown("f1", 1.2, -0.8) + shown("f2", 1.2, -0.8),
        }

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The sign of ``difference``."""
        difference = conditions["f2"] - conditions["f1"]
        return {"difference": difference, "choice_correct": sign_or_coin(difference, key)}

    def condition_table(self) -> dict[str, Array]:
        """The pairs."""
        return {"f1": self.pairs[:, 0], "f2": self.pairs[:, 1]}

    def units(self) -> dict[str, str]:
        """Frequencies are in Hz."""
        return {**super().units(), "f1": "Hz", "f2": "Hz", "difference": "Hz"}
