"""What acts on a system from outside: one step's drive, and input signals.

The signals are plain arrays ``(time, ...)`` with one row per step; row k is held during step k,
that is from ``k dt`` to ``(k + 1) dt``.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.arrays import refuse_units
from neurodyn.common.checks import number, numbers, whole
from neurodyn.common.random import as_key
from neurodyn.system import Drive

__all__ = [
    "Drive",
    "as_drive",
    "diffusion_from_std",
    "ornstein_uhlenbeck",
    "poisson",
    "pulses",
    "ramp",
    "spike_counts",
    "std_from_step_noise",
    "step",
]


#: What rounding may take from a number of steps, so that an edge on a step counts as reached.
_EDGE = 1e-6


def as_drive(inputs: Any) -> Drive:
    """The inputs as a drive: arrays, and lists of numbers, become its ``input``."""
    if isinstance(inputs, Drive):
        return inputs
    refuse_units("`inputs`", inputs)
    if isinstance(inputs, (list, tuple)):
        inputs = np.asarray(inputs)
    if getattr(getattr(inputs, "dtype", None), "kind", "f") in "iub":
        inputs = inputs.astype(jnp.result_type(float))
    return Drive(input=inputs)


def step(
    n_steps: int, dt: float, amplitude: float = 1.0, *, start: float = 0.0, stop: float = np.inf
) -> Float[Array, " time"]:
    """``amplitude``, a number, in rows that start in ``[start, stop)`` [ms], zero elsewhere."""
    if not start < stop:
        raise ValueError(f"step needs start < stop, got {start} and {stop} ms.")
    number("amplitude", amplitude)
    t = _starts(n_steps, dt)
    on = (t >= start - _EDGE * dt) & (t < stop - _EDGE * dt)
    return jnp.asarray(np.where(on, amplitude, 0.0), jnp.result_type(float))


def ramp(
    n_steps: int, dt: float, amplitude: float = 1.0, *, start: float = 0.0, stop: float
) -> Float[Array, " time"]:
    """From zero at ``start`` linearly to ``amplitude`` at ``stop`` [ms], where it stays.

    Each row holds the mean of the ramp over its step.
    """
    if not (start < stop and np.isfinite([start, stop]).all()):
        raise ValueError(f"ramp needs finite start < stop, got {start} and {stop} ms.")
    number("amplitude", amplitude)
    middle = _starts(n_steps, dt) + dt / 2
    level = np.clip((middle - start) / (stop - start), 0.0, 1.0)
    return jnp.asarray(amplitude * level, jnp.result_type(float))


def pulses(
    n_steps: int,
    dt: float,
    times: float | Sequence[float] | np.ndarray,
    width: float,
    amplitude: float | Sequence[float] | np.ndarray = 1.0,
) -> Float[Array, " time"]:
    """Rectangular pulses of ``width`` ms that begin at ``times`` [ms]; overlapping ones add up.

    The amplitude is one number, or one for each pulse.
    """
    if not width >= dt:
        raise ValueError(f"A pulse of {width} ms is shorter than the step of {dt} ms.")
    t = _starts(n_steps, dt)[:, None]
    onset, height = np.atleast_1d(np.asarray(times, float)), np.asarray(amplitude, float)
    if onset.ndim != 1 or not np.isfinite(onset).all():
        raise ValueError(f"`times` of pulses are a list of finite times [ms], got {times!r}.")
    if height.shape not in ((), onset.shape) or not np.isfinite(height).all():
        raise ValueError(
            f"`amplitude` is one finite number, or one for each of the {onset.size} pulses, got "
            f"{amplitude!r}."
        )
    on = (t >= onset - _EDGE * dt) & (t < onset + width - _EDGE * dt)
    return jnp.asarray((height * on).sum(1), jnp.result_type(float))


def ornstein_uhlenbeck(
    key: Any, n_steps: int, dt: float, *, tau: float, std: Any, mean: Any = 0.0, shape: Any = ()
) -> Float[Array, "time ..."]:
    """Ornstein-Uhlenbeck noise, exact at any ``dt`` and stationary from the first row on.

    Parameters
    ----------
    key
        Seed or key.
    n_steps, dt
        Number of rows, and the step [ms].
    tau
        Correlation time [ms].
    std, mean
        Stationary standard deviation and mean; numbers, or arrays that broadcast to `shape`.
    shape
        Shape of one row, e.g. ``(n_trials, n_inputs)``.

    Raises
    ------
    ValueError
        If an argument is out of bounds or does not fit a row.
    """
    number("tau", tau, above=0)
    _steps(n_steps, dt)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    std, mean = _of_row("std", std, shape, low=0), _of_row("mean", mean, shape)
    decay = float(np.exp(-dt / tau))
    draws = jax.random.normal(_key(key), (n_steps, *shape))

    def advance(x, n):
        x = decay * x + np.sqrt(1 - decay**2) * n
        return x, x

    _, rest = jax.lax.scan(advance, draws[0], draws[1:])
    return mean + std * jnp.concatenate([draws[:1], rest])


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
    n_steps = _steps(n_steps, dt)
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
    return jax.random.poisson(_key(key), rates * (dt / 1000.0)).astype(rates.dtype)


def _by_time(rates: Any, dt: float) -> Any:
    """Labelled rates with time first, of which the step is `dt`."""
    from neurodyn.labels import clock  # xarray is slow to import, and rarely needed

    clock(rates, what="the rates", dt=float(dt), default=1.0)
    return rates.transpose("time", ...)


def spike_counts(times: Any, n_steps: int, dt: float) -> Float[Array, "time input"]:
    """Recorded or designed spike trains (one list of times [ms] per channel) as counts per step.

    Raises
    ------
    ValueError
        If a spike lies outside the run, since it would be lost, or there is not one list of times
        for each channel.
    """
    _steps(n_steps, dt)
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
        row = np.minimum(np.floor(train / dt + _EDGE), n_steps - 1).astype(int)
        counts[:, channel] = np.bincount(row, minlength=n_steps)
    return jnp.asarray(counts, jnp.result_type(float))


def diffusion_from_std(std: Any, tau: Any) -> Any:
    """Diffusion amplitude [per sqrt(ms)] that gives a leaky unit this stationary deviation.

    A unit ``tau dx = -x dt + std sqrt(2 tau) dW`` has stationary standard deviation ``std``, so its
    diffusion is ``std sqrt(2 / tau)``. This is the convention of all models here.
    """
    return std * (2.0 / tau) ** 0.5


def std_from_step_noise(sigma: Any, tau: Any, dt: Any) -> Any:
    """Stationary deviation of the discrete convention ``x += alpha (-x + sigma sqrt(2/alpha) n)``.

    Used by Yang et al. (2019) and others, with ``alpha = dt / tau``. It exceeds ``sigma`` by the
    factor ``1 / sqrt(1 - alpha / 2)``, which vanishes as ``dt`` does.
    """
    return sigma / (1.0 - dt / (2.0 * tau)) ** 0.5


def _of_row(name: str, value: Any, shape: tuple[int, ...], low: int | None = None) -> Array:
    """Numbers for the entries of a row, never one for each step."""
    value = numbers(name, value, low=low, ndim=np.ndim(value))
    fits = len(value.shape) <= len(shape) and all(
        n in (1, m) for n, m in zip(value.shape[::-1], shape[::-1], strict=False)
    )
    if not fits:
        raise ValueError(
            f"`{name}` must be a number or fit a row of shape {shape}, got shape {value.shape}."
        )
    return value


def _steps(n_steps: int, dt: float) -> int:
    number("dt", dt)
    if not dt > 0:
        raise ValueError(f"Need steps of positive length, got {dt} ms.")
    return whole("n_steps", n_steps)


def _starts(n_steps: int, dt: float) -> np.ndarray:
    return np.arange(_steps(n_steps, dt)) * float(dt)


def _key(key: Any) -> PRNGKeyArray:
    return as_key(key, needed_for="This signal")
