"""Intervals that an output produces: it crosses a threshold when the time has come."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.task import Trial
from neurodyn.tasks.losses import squared_error, weighted_mean
from neurodyn.tasks.parts.scores import AbstractScore, interval_of
from neurodyn.tasks.parts.values import resolve

__all__ = ["interval", "produced_interval"]


class Interval(AbstractScore):
    """See :func:`interval`."""

    target: str = eqx.field(static=True)
    when: str = eqx.field(static=True)
    output: str | None = eqx.field(static=True)
    tolerance: Float[Array, ""]
    threshold: Float[Array, ""]

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """The interval and its error."""
        column = 0 if self.output is None else task.columns(self.output).start
        z = outputs[..., column]
        start = interval_of(trials, self.when)[:, 0].astype(z.dtype)
        wanted = resolve(self.target, trials.conditions).astype(z.dtype)
        scores = produced_interval(
            z, start, wanted, self.tolerance, task.dt, threshold=self.threshold
        )
        mse = weighted_mean(squared_error(outputs, trials.targets), trials.mask)
        return scores | {"mse": mse}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return dict.fromkeys((self.target, "produced", "rt", "error"), "ms")


def interval(
    target: str,
    *,
    when: str = "production",
    tolerance: Any = 0.15,
    threshold: Any = 1.0,
    output: str | None = None,
) -> Interval:
    """The interval from the start of an epoch until an output crosses a threshold.

    Scores are ``produced`` and ``rt`` [ms], interpolated between steps, NaN without a crossing;
    ``error`` [ms]; ``correct``, whether the error is small; and ``mse``.

    Parameters
    ----------
    target
        Condition that holds the right interval [ms].
    when
        Epoch at whose start the interval begins.
    tolerance
        Largest error of a correct interval, as a part of the right one.
    threshold
        What the output must reach.
    output
        Name of the output; by default the first.
    """
    tolerance = number("tolerance", tolerance, above=0)
    return Interval(target, when, output, tolerance, number("threshold", threshold))


def produced_interval(
    z: Float[Array, "trial time"],
    start: Float[Array, " trial"],
    wanted: Float[Array, " trial"],
    tolerance: Float[Array, ""],
    dt: float,
    *,
    threshold: Any = 1,
) -> dict[str, Array]:
    """Score the first crossing of a threshold after ``start`` [ms], as :func:`interval` says.

    Parameters
    ----------
    z
        The output.
    start, wanted
        When the interval begins, and how long it shall be [ms].
    tolerance
        Largest error, as a part of the right interval.
    dt
        Step [ms].
    threshold
        What is to be crossed.
    """
    time = (jnp.arange(z.shape[1], dtype=jnp.int32).astype(z.dtype) + 1) * dt
    threshold = jnp.asarray(threshold).astype(z.dtype)
    after = time[None, :] > start[:, None]
    crossed = after & (z >= threshold)
    first = jnp.argmax(crossed, axis=1)[:, None]
    here = jnp.take_along_axis(z, first, axis=1)[:, 0]
    before = jnp.take_along_axis(z, jnp.maximum(first - 1, 0), axis=1)[:, 0]
    # Interpolate only between two samples on either side of the threshold.
    rises = (before < threshold) & (first[:, 0] > 0)
    late = jnp.where(rises, (here - threshold) / jnp.where(rises, here - before, 1), 0)
    produced = time[first[:, 0]] - late * dt - start
    produced = jnp.where(jnp.any(crossed, axis=1), produced, jnp.nan)
    error = produced - wanted
    return {
        "correct": (jnp.abs(error) <= tolerance.astype(z.dtype) * wanted).astype(z.dtype),
        "produced": produced,
        "rt": produced,
        "error": error,
    }
