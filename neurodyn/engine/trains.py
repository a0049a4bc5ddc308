"""Spike trains as input: counts per step, drawn from rates or taken from spike times."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.random import as_key
from neurodyn.engine.signals import EDGE, checked_steps


def poisson(
    key: Any, rates: Any, n_steps: int, dt: float, *, per_step: bool | None = None
) -> Float[Array, "time ..."]:
    """Poisson spike counts per step.

    Parameters
    ----------
    key
        Seed or key.
    rates
        Rates [Hz], the same in all steps: the shape of one row, e.g. ``(n_trials, n_inputs)``.
        Rates that change in time have a row for each step first, ``(n_steps, ...)``, and need
        ``per_step=True``; labelled rates say so by their dim `time`.
    n_steps, dt
        Number of rows, and the step [ms].
    per_step
        Whether the first axis of the rates is time. Default: no, unless a label says so.

    Returns
    -------
    Array (time, ...): ``(n_steps, *rates.shape)``, or with `per_step` the shape of the rates.

    Raises
    ------
    ValueError
        If a rate is negative, NaN or infinite, or rates per step are not for `n_steps` steps.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> poisson(0, jnp.full((10, 3), 5.0), 10, 1.0).shape
    (10, 10, 3)
    >>> poisson(0, jnp.full((10, 3), 5.0), 10, 1.0, per_step=True).shape
    (10, 3)
    """
    n_steps = checked_steps(n_steps, dt)
    if "time" in getattr(rates, "dims", ()):
        if per_step is False:
            raise ValueError("The rates have a dim 'time', so that per_step=False contradicts it.")
        rates, per_step = _by_time(rates, dt), True
    rates = jnp.asarray(getattr(rates, "values", rates), jnp.result_type(float))
    if not isinstance(rates, jax.core.Tracer) and not bool(
        (jnp.isfinite(rates) & (rates >= 0)).all()
    ):
        raise ValueError(
            f"Rates must be finite and at least 0 Hz, got {float(rates.min()):g} to "
            f"{float(rates.max()):g}."
        )
    if not per_step:
        rates = jnp.broadcast_to(rates[None], (n_steps, *rates.shape))
    elif rates.shape[:1] != (n_steps,):
        raise ValueError(
            f"Rates per step need {n_steps} rows, one for each step, got shape {rates.shape}."
        )
    key = as_key(key, needed_for="This signal")
    return jax.random.poisson(key, rates * (dt / 1000.0)).astype(rates.dtype)


def _by_time(rates: Any, dt: float) -> Any:
    """Labelled rates with time first, of which the step is `dt`."""
    from neurodyn.labels import clock  # xarray is slow to import, and rarely needed

    clock(rates, what="the rates", dt=float(dt), default=1.0)
    return rates.transpose("time", ...)


def spike_counts(times: Any, n_steps: int, dt: float) -> Float[Array, "time input"]:
    """Recorded or designed spike trains as counts per step.

    Parameters
    ----------
    times
        One list of spike times [ms] for each channel, e.g. ``[[1.5, 20.0], []]``.
    n_steps, dt
        Number of rows, and the step [ms].

    Returns
    -------
    Array (time, input): number of spikes of each channel in each step.

    Raises
    ------
    ValueError
        If a spike lies outside the run, since it would be lost, or there is not one list of times
        for each channel.
    """
    checked_steps(n_steps, dt)
    if hasattr(times, "dims") or any(np.ndim(train) != 1 for train in times):
        raise ValueError(
            "`times` is one list of spike times [ms] for each channel, e.g. [[1.5, 20.0], []], got "
            f"{type(times).__name__}. Of a labelled recording take neurodyn.spikes.bin(recording, "
            "bin_width=dt).spike_count.values."
        )
    edges = np.arange(n_steps + 1) * float(dt)
    counts = np.zeros((n_steps, len(times)))
    for channel, train in enumerate(times):
        train = np.asarray(train, float)
        if train.size and not (train.min() >= 0 and train.max() < edges[-1]):
            raise ValueError(
                f"Channel {channel} has spikes from {train.min():g} to {train.max():g} ms, outside "
                f"the run of [0, {edges[-1]:g}) ms. Cut or shift them first."
            )
        row = np.minimum(np.floor(train / dt + EDGE), n_steps - 1).astype(int)
        counts[:, channel] = np.bincount(row, minlength=n_steps)
    return jnp.asarray(counts, jnp.result_type(float))
