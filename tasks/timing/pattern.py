"""The base of tasks that ask for a pattern in time, with or without a clock as input."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractDrawnTask, check_names
from neurodyn.tasks.losses import explained
from neurodyn.tasks.timeline import check_step, whole_steps

__all__ = ["AbstractPattern", "clock_signal"]


class AbstractPattern(AbstractDrawnTask):
    """A pattern to be produced: trials begin somewhere in it and follow it.

    What remains to be written is the pattern itself and the names of its outputs.
    """

    n_steps: int = eqx.field(static=True)
    clock: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "trial start"

    @abc.abstractmethod
    def period(self) -> Float[Array, ""]:
        """Time after which the pattern repeats [ms]; for one that never does, its length."""

    @abc.abstractmethod
    def pattern(
        self, start: Float[Array, ""], elapsed: Float[Array, " time"]
    ) -> Float[Array, "time output"]:
        """The pattern ``elapsed`` ms after ``start``.

        The two come apart since their sum would round away what a long trial needs.
        """

    def _set_steps(self, dt: Any, duration: Any, default: float, clock: Any) -> None:
        """Check and set the fields that patterns share; for use in ``__init__`` only.

        Without a `duration` a trial lasts `default` ms, to the nearest step.
        """
        check_step(dt)
        self.dt = float(dt)
        if duration is None:
            self.n_steps = max(1, round(default / dt))
        else:
            self.n_steps = whole_steps("duration", duration, dt)
        self.clock = whole("clock", clock, 0)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``start``, where in the pattern it begins [ms].

        Else it is drawn, in whole ms.
        """
        check_names(conditions, self.limits())
        period = self.period()
        start = jnp.floor(jax.random.uniform(as_key(key), (), period.dtype) * period)
        start = jnp.asarray(conditions.get("start", start)).astype(period.dtype)
        steps = jnp.arange(self.n_steps, dtype=jnp.int32).astype(period.dtype)
        targets = self.pattern(start, (steps + 1) * self.dt)
        inputs = jnp.zeros((self.n_steps, 0), period.dtype)
        if self.clock:
            inputs = clock_signal(start + steps * self.dt, period, self.clock)
        whole = jnp.asarray([0.0, self.n_steps * self.dt], period.dtype)
        mask = jnp.ones_like(targets)
        return Trial(inputs, targets, mask, {"start": start}, {"pattern": whole})

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """``mse``, and ``correct``: explained share of the pattern's variance, 0 if negative."""
        return explained(outputs, trials.targets, trials.mask)

    def limits(self) -> dict[str, tuple[float, float]]:
        """A trial can begin anywhere in the pattern."""
        period = self.period()
        return {"start": (0.0, jnp.inf if isinstance(period, jax.core.Tracer) else float(period))}

    def units(self) -> dict[str, str]:
        """Starts are times."""
        return {"start": "ms"}

    @property
    def input_names(self) -> tuple[str, ...]:
        """One channel per component of the clock."""
        return tuple(f"clock_{i}" for i in range(self.clock))


def clock_signal(
    t: Float[Array, " time"], period: Float[Array, ""], n: int
) -> Float[Array, "time component"]:
    r"""A clock of high-dimensional temporal signals: pulses that take turns.

    Component q is :math:`\lvert\sin(n \pi t / T)\rvert` in the q-th of n equal windows of the
    period T and zero in the others (Nicola & Clopath 2017).

    Parameters
    ----------
    t, period
        Times and period [ms].
    n
        Number of components.
    """
    phase = jnp.mod(t, period) / period * n
    window = jnp.minimum(jnp.floor(phase), n - 1).astype(jnp.int32)
    pulse = jnp.abs(jnp.sin(jnp.pi * phase))
    return pulse[:, None] * (window[:, None] == jnp.arange(n, dtype=jnp.int32)[None, :]).astype(
        pulse.dtype
    )
