"""Probabilistic reasoning: add up the evidence of shapes that are shown one after the other."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import numbers, whole
from neurodyn.tasks.choice.shown import AbstractShownChoice, sign_or_coin
from neurodyn.tasks.parts.assembly import Code, code
from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration

DURATIONS = {"fixation": 500.0, "shape": 500.0, "delay": 500.0, "decision": 500.0}
WEIGHTS = (-10.0, -0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9, 10.0)


class ProbabilisticReasoning(AbstractShownChoice):
    """Weather prediction with shapes (Yang & Shadlen 2007), with a go cue.

    Shapes appear one after the other, each drawn from all of them, and stay on until the delay.
    Each has a weight; the sum of the weights is the log of the odds, to base 10, that choice 1 is
    rewarded. Inputs are ``fixation`` (1 until the go cue, then 0) and one noisy channel for each
    shape, which shows how many of it are on. Outputs are logits of fixation, choice 0 (``green``)
    and choice 1 (``red``). Time 0 is the onset of the first shape.

    By default the rewarded choice is drawn, as published, and who always takes the more likely one
    is right in 91.5 % of all trials; with ``certain`` the more likely one is always right.

    Parameters
    ----------
    dt
        Step [ms].
    weights
        Weight of each shape, in log10 units of the odds. Default: 0.3, 0.5, 0.7, 0.9 and 10 of
        either sign; the two largest stand for the published infinite ones. `shortcuts` are those
        of the defaults.
    n_shapes
        Shapes shown in a trial.
    certain
        Whether the more likely choice is always right (at even odds a coin decides). Default: it
        is rewarded with its probability.
    fixation, shape, delay, decision
        Durations [ms], or ``(low, high)`` to draw one for every trial (not ``fixation``); ``shape``
        is the time from one shape to the next. Defaults, to the nearest step: 500 ms each, as in
        neurogym, where the delay varies by 50 ms.
    noise_std
        Noise of the channels of shapes, as the standard deviation it causes in a unit of time
        constant ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the go cue that is not scored [ms]; default: 100 ms to the nearest step.
    response_weight
        Weight of a step of the decision in the loss (the others: 1).

    Raises
    ------
    ValueError
        On fewer than two weights, infinite ones, negative noise, or durations that are not a whole
        number of steps.

    References
    ----------
    Yang & Shadlen, Nature 2007; Yang et al., Nat. Neurosci. 2019 (weights of the loss).

    Examples
    --------
    >>> task = ProbabilisticReasoning(dt=20.0, certain=True)
    >>> drawn = task.batch(0, 1, shape_0=8, shape_1=8, shape_2=0, shape_3=8).conditions
    >>> round(float(drawn["log_odds"][0]), 1), int(drawn["choice_correct"][0])
    (-7.3, 0)
    """

    weights: Float[Array, " shape"]
    n_shapes: int = eqx.field(static=True)
    certain: bool = eqx.field(static=True)
    default_durations: ClassVar[dict[str, float]] = DURATIONS
    align: ClassVar[str] = "shape_0"
    choices: ClassVar[tuple[str, ...]] = ("green", "red")
    evidence: ClassVar[str] = "log_odds"
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {
        "last shape alone": 0.651,
        "shapes of either sign counted": 0.74,
    }
    align_event: ClassVar[str] = "first shape onset"
    reference: ClassVar[tuple[str, ...]] = ("yang2007", "yang2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        weights: Any = WEIGHTS,
        n_shapes: int = 4,
        certain: bool = False,
        fixation: Duration | None = None,
        shape: Duration | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        noise_std: Any = 0.05,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = 5.0,
    ):
        self.n_shapes = whole("n_shapes", n_shapes, 1)
        each = dict.fromkeys((f"shape_{i}" for i in range(self.n_shapes)), shape)
        durations = {"fixation": fixation, **each, "delay": delay, "decision": decision}
        defaults = {name: DURATIONS[name.partition("_")[0]] for name in durations}
        self._set_design(
            dt,
            durations.values(),
            noise_std,
            noise_tau,
            grace,
            response_weight,
            defaults=defaults,
        )
        if not isinstance(certain, (bool, np.bool_)):
            raise ValueError(f"`certain` must be True or False, got {certain!r}.")
        self.certain = bool(certain)
        self.weights = numbers("weights", weights)
        if len(self.weights) < 2:
            raise ValueError(f"`weights` needs two shapes at least, got {weights!r}.")

    def drawn(self) -> dict[str, Code]:
        """Each shape, from all of them."""
        return {f"shape_{i}": code(len(self.weights)) for i in range(self.n_shapes)}

    def stimuli(self) -> dict[str, AbstractTerm]:
        """Each shape from its onset on."""
        epochs, n = [f"shape_{i}" for i in range(self.n_shapes)], len(self.weights)
        terms = [during(*epochs[i:], value=one_hot(name, n)) for i, name in enumerate(epochs)]
        return {"shape": sum(terms[1:], terms[0])}

    def answer(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The sum of the weights, and the rewarded choice."""
        shapes = jnp.stack([conditions[f"shape_{i}"] for i in range(self.n_shapes)])
        log_odds = jnp.sum(self.weights[shapes])
        if self.certain:
            # Sums of decimals that cancel are not 0 exactly.
            even = jnp.abs(log_odds) < 1e-4
            rewarded = sign_or_coin(jnp.where(even, 0, log_odds), key)
        else:
            likely = jax.nn.sigmoid(log_odds * math.log(10))
            rewarded = (jax.random.uniform(key, (), log_odds.dtype) < likely).astype(jnp.int32)
        return {"log_odds": log_odds, "choice_correct": rewarded}

    def condition_table(self) -> dict[str, Array]:
        """None, because there are too many combinations of shapes."""
        return {}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of shapes and choices."""
        shapes = {i: f"shape {i}" for i in range(len(self.weights))}
        return {**dict.fromkeys(self.drawn(), shapes), **super().labels()}
