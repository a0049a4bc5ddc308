"""Input signals: plain arrays ``(time, ...)`` with one row per step.

Row k is held during step k, that is from ``k dt`` to ``(k + 1) dt``.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number, numbers, whole
from neurodyn.common.random import as_key

#: Tolerance, in steps, when a time is compared with the edge of a step, because times are rounded.
EDGE = 1e-6


def step(
    n_steps: int, dt: float, amplitude: float = 1.0, *, start: float = 0.0, stop: float = np.inf
) -> Float[Array, " time"]:
    """A rectangular step of input.

    Parameters
    ----------
    n_steps, dt
        Number of rows, and the step [ms].
    amplitude
        Height of the step.
    start, stop
        The step is on in rows that start in ``[start, stop)`` [ms]; by default in all rows.

    Returns
    -------
    Array (time,): the amplitude in these rows, zero elsewhere.

    Raises
    ------
    ValueError
        If `start` is not before `stop`, or a number is out of bounds.

    Examples
    --------
    >>> step(5, 1.0, 2.0, start=1.0, stop=3.0).tolist()
    [0.0, 2.0, 2.0, 0.0, 0.0]
    """
    if not start < stop:
        raise ValueError(f"step needs start < stop, got {start} and {stop} ms.")
    number("amplitude", amplitude)
    t = _starts(n_steps, dt)
    on = (t >= start - EDGE * dt) & (t < stop - EDGE * dt)
    return jnp.asarray(np.where(on, amplitude, 0.0), jnp.result_type(float))


def ramp(
    n_steps: int, dt: float, amplitude: float = 1.0, *, start: float = 0.0, stop: float
) -> Float[Array, " time"]:
    """A linear ramp of input that stays at its end.

    Parameters
    ----------
    n_steps, dt
        Number of rows, and the step [ms].
    amplitude
        Value from `stop` on.
    start, stop
        The input rises from zero at `start` to the amplitude at `stop` [ms].

    Returns
    -------
    Array (time,): the ramp at the middle of each step.

    Raises
    ------
    ValueError
        If `start` is not before `stop`, or a number is out of bounds.

    Examples
    --------
    >>> ramp(4, 1.0, start=1.0, stop=3.0).tolist()
    [0.0, 0.25, 0.75, 1.0]
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
    """Rectangular pulses of input; pulses that overlap add up.

    Parameters
    ----------
    n_steps, dt
        Number of rows, and the step [ms].
    times
        Beginning of each pulse [ms].
    width
        Duration of every pulse [ms], at least one step.
    amplitude
        Height of all pulses, or one height for each.

    Returns
    -------
    Array (time,)

    Raises
    ------
    ValueError
        If a pulse is shorter than a step, or `times` or `amplitude` are not finite or do not fit
        each other.

    Examples
    --------
    >>> pulses(6, 1.0, [1.0, 3.0], width=2.0, amplitude=[1.0, 2.0]).tolist()
    [0.0, 1.0, 1.0, 2.0, 2.0, 0.0]
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
    on = (t >= onset - EDGE * dt) & (t < onset + width - EDGE * dt)
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
    checked_steps(n_steps, dt)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    std, mean = _of_row("std", std, shape, low=0), _of_row("mean", mean, shape)
    decay = float(np.exp(-dt / tau))
    draws = jax.random.normal(as_key(key, needed_for="This signal"), (n_steps, *shape))

    def advance(x, n):
        x = decay * x + np.sqrt(1 - decay**2) * n
        return x, x

    _, rest = jax.lax.scan(advance, draws[0], draws[1:])
    return mean + std * jnp.concatenate([draws[:1], rest])


def diffusion_from_std(std: Any, tau: Any) -> Any:
    """Diffusion amplitude of a leaky unit with a given stationary standard deviation.

    Parameters
    ----------
    std
        Stationary standard deviation, in units of the state.
    tau
        Time constant of the unit [ms].

    Returns
    -------
    The amplitude [per sqrt(ms)], ``std sqrt(2 / tau)``, of ``dx = -x / tau dt + amplitude dW``.
    """
    return std * (2.0 / tau) ** 0.5


def std_from_step_noise(sigma: Any, tau: Any, dt: Any) -> Any:
    """Stationary standard deviation of ``x += alpha (-x + sigma sqrt(2 / alpha) n)``.

    This is the discrete convention of Song et al. (2016), with ``alpha = dt / tau`` and standard
    normal ``n``. The deviation is ``sigma / sqrt(1 - alpha / 2)``, which is near ``sigma`` for
    short steps. (Yang et al. 2019 put the same noise inside the nonlinearity, where this holds for
    linear units only: ``noise_at="drive"`` of :class:`~neurodyn.models.CTRNN`.)

    Parameters
    ----------
    sigma
        Strength of the noise, in units of the state.
    tau, dt
        Time constant and step [ms].

    Returns
    -------
    The standard deviation, in units of the state.

    References
    ----------
    Song, Yang & Wang (2016), https://doi.org/10.1371/journal.pcbi.1004792
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


def checked_steps(n_steps: int, dt: float) -> int:
    """Number of rows, if it and the step are positive."""
    number("dt", dt)
    if not dt > 0:
        raise ValueError(f"Need steps of positive length, got {dt} ms.")
    return whole("n_steps", n_steps)


def _starts(n_steps: int, dt: float) -> np.ndarray:
    return np.arange(checked_steps(n_steps, dt)) * float(dt)
