"""Logic of two bits: XOR, and the half adder."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.task import Trial
from neurodyn.tasks.base import check_noise, factorial, last_steps
from neurodyn.tasks.losses import squared_error, weighted_mean
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.scores import AbstractScore
from neurodyn.tasks.parts.terms import during
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Duration, Timeline

__all__ = ["XOR", "AbstractLogicTask", "HalfAdder"]

DURATIONS: dict[str, Duration] = {
    "fixation": 100.0,
    "bits": 300.0,
    "first": 300.0,
    "between": 0.0,
    "second": 300.0,
    "delay": 200.0,
    "decision": 300.0,
}


class Answers(AbstractScore):
    """Whether each output is on the right side of one half at the last step of the trial."""

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """``correct``: whether all outputs are; ``correct_bits``: the share of them; ``mse``."""
        at = last_steps(trials, outputs.shape[1])[:, None, None]
        said, right = (
            jnp.take_along_axis(values, at, axis=1)[:, 0] > 0.5
            for values in (outputs, trials.targets)
        )
        return {
            "correct": jnp.all(said == right, axis=1).astype(outputs.dtype),
            "correct_bits": jnp.mean((said == right).astype(outputs.dtype), axis=1),
            "mse": weighted_mean(squared_error(outputs, trials.targets), trials.mask),
        }


class AbstractLogicTask(AbstractEpochTask):
    """Functions of two bits, answered after a delay: each output is 0 or 1 in the decision.

    Attributes
    ----------
    gates
        The function of both bits that each output is, by its name.
    level
        Input of a bit that is 1; one that is 0 shows nothing.
    """

    gates: eqx.AbstractClassVar[Mapping[str, Callable]]
    level: Float[Array, ""]
    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    apart: bool = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    align_event: ClassVar[str] = "trial start"

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        fixation: float | int | None = None,
        bits: float | int | None = None,
        between: float | int | None = None,
        delay: Duration | None = None,
        decision: Duration | None = None,
        level: Any = 1.0,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
    ):
        self.apart = between is not None
        shown = (
            {"first": bits, "between": between, "second": bits} if self.apart else {"bits": bits}
        )
        epochs = {"fixation": fixation, **shown, "delay": delay, "decision": decision}
        free = ("fixation", "between", "delay")
        self.timeline = Timeline.build(dt, "fixation", epochs, DURATIONS, may_be_zero=free)
        self.level = number("level", level)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)

    def parts(self) -> Parts:
        """Bits, a signal to answer, and answers."""
        shown = ("first", "second") if self.apart else ("bits", "bits")
        bits = {f"bit_{i}": during(name, value=self._shown(i)) for i, name in enumerate(shown)}
        return Parts(
            inputs={**bits, "go": during("decision")},
            outputs={name: during("decision", value=_of(f)) for name, f in self.gates.items()},
            score=Answers(),
            noise=self.noise_std,
            noise_tau=self.noise_tau,
        )

    def _shown(self, i: int) -> Callable:
        return lambda c: c[f"bit_{i}"].astype(self.level.dtype) * self.level

    def condition_table(self) -> dict[str, Array]:
        """All values of both bits."""
        bit = jnp.arange(2, dtype=jnp.int32)
        return factorial(bit_0=bit, bit_1=bit)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the bits."""
        return {f"bit_{i}": {0: "0", 1: "1"} for i in range(2)}


class XOR(AbstractLogicTask):
    """Exclusive or of two bits (Rumelhart et al. 1986), together or in sequence (Elman 1990).

    Inputs are one channel for each bit and ``go`` (1 in the decision); the output ``xor`` shall be
    1 in the decision if one of the bits is 1, but not both, and 0 otherwise. Time 0 is the start of
    the trial.

    Parameters
    ----------
    dt
        Step [ms].
    fixation, bits, delay, decision
        Durations [ms]: before the bits, of the bits, after them, and of the answer; ``delay`` and
        ``decision`` may be ``(low, high)`` to draw them for every trial. Defaults, to the nearest
        step: 100, 300, 200 and 300 ms, round numbers of ours.
    between
        Time from the end of the first bit to the onset of the second [ms], if they come one after
        the other. Default: they come together.
    level
        Input of a bit that is 1.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On negative noise, or durations that are not a whole number of steps.

    References
    ----------
    Rumelhart, Hinton & Williams 1986; Elman, Cogn. Sci. 1990.

    Examples
    --------
    >>> XOR(between=100.0).timeline.names
    ('fixation', 'first', 'between', 'second', 'delay', 'decision')
    """

    gates: ClassVar[Mapping[str, Callable]] = {"xor": jnp.bitwise_xor}
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"one bit alone": 0.5, "either bit": 0.75}
    reference: ClassVar[tuple[str, ...]] = ("rumelhart1986", "elman1990")


class HalfAdder(AbstractLogicTask):
    """The sum of two bits in binary (Rumelhart et al. 1986): ``sum`` is XOR, ``carry`` is AND.

    As :class:`~neurodyn.tasks.XOR` with two outputs; an answer is right if both are.

    Parameters
    ----------
    dt
        Step [ms].
    fixation, bits, between, delay, decision, level, noise_std, noise_tau
        As of :class:`~neurodyn.tasks.XOR`.

    Raises
    ------
    ValueError
        On negative noise, or durations that are not a whole number of steps.

    References
    ----------
    Rumelhart, Hinton & Williams 1986.

    Examples
    --------
    >>> HalfAdder().output_names
    ('sum', 'carry')
    """

    gates: ClassVar[Mapping[str, Callable]] = {"sum": jnp.bitwise_xor, "carry": jnp.bitwise_and}
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"one bit alone": 0.5, "either bit": 0.75}
    reference: ClassVar[tuple[str, ...]] = ("rumelhart1986",)


def _of(function: Callable) -> Callable[[TrialConditions], Array]:
    """A gate as a function of conditions."""
    return lambda c: function(c["bit_0"], c["bit_1"])
