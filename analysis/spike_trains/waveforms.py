"""Outputs against targets whose phase may drift: aligned correlation, main frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import minimize_scalar

from neurodyn import labels
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.scaling import standardised
from neurodyn.common.checks import plain_number
from neurodyn.labels.only import takes

#: Frequencies per bin of the spectrum, on which its peak is searched.
_OVERSAMPLING = 4


@takes(output=["time"], target=["time"])
def aligned_correlation(
    output: Any, target: Any, *, longest: float, dt: float | None = None
) -> xr.Dataset:
    """Correlation of an output with a target after the best shift in time.

    A network that generates a pattern by itself drifts in phase long before it loses the pattern.
    This measure scores the pattern and leaves the phase out.

    Parameters
    ----------
    output, target
        One channel each, equally long: arrays, or labelled on ``time``, with the same times.
    longest
        Longest shift in either direction [ms]; half a period for periodic targets.
    dt
        Step [ms], needed for arrays.

    Returns
    -------
    xr.Dataset
        ``correlation`` at the best shift; ``shift`` [ms], positive where the output is late;
        ``gain``, the standard deviation of the output over that of the target; ``rmse`` without
        any shift. Correlation and shift are NaN where either side is constant, and the gain where
        the target is: what does not move has no phase.

    Raises
    ------
    ValueError
        If the two do not fit each other, or the shift leaves less than half of the samples.
    """
    if isinstance(output, xr.DataArray) and isinstance(target, xr.DataArray):
        output, target = labels.pair(
            output.squeeze(drop=True), target.squeeze(drop=True), what=("output", "target")
        )
    y, dt_y = _channel("output", output, dt)
    x, dt_x = _channel("target", target, dt)
    if len(x) != len(y) or not np.isclose(dt_x, dt_y, rtol=1e-6):
        raise ValueError(
            f"`output` and `target` must agree in time, got {len(y)} samples of {dt_y:g} ms and "
            f"{len(x)} of {dt_x:g} ms."
        )
    most = int(np.floor(plain_number("longest", longest, low=0) / dt_x + 1e-9))
    if 2 * most > len(x):
        raise ValueError(
            f"A shift of {longest:g} ms leaves less than half of the {len(x) * dt_x:g} ms."
        )
    # The same stretch of the output at every shift; the target slides along it.
    kept = y[most : len(y) - most] if most else y
    scores = _sliding_correlation(x, kept)
    score, shift = np.nan, np.nan
    if not np.isnan(scores).all():
        best = int(np.nanargmax(scores))
        score, shift = scores[best], (most - best) * dt_x
    gain = y.std() / x.std() if np.ptp(x) > 0 else np.nan
    variables = {
        "correlation": ((), score, "1", "correlation after the best shift"),
        "shift": ((), shift, "ms", "by how much the output is late"),
        "gain": ((), gain, "1", "standard deviation relative to the target"),
        "rmse": ((), np.sqrt(np.mean((y - x) ** 2)), "1", "root mean squared error"),
    }
    return results(variables, kind=None)


@takes(output=["time"])
def main_frequency(output: Any, *, dt: float | None = None) -> xr.DataArray:
    """Frequency of the sinusoid that fits an output best [Hz].

    Parameters
    ----------
    output
        One channel: an array, or labelled on ``time``.
    dt
        Step [ms], needed for an array.

    Returns
    -------
    Scalar DataArray [Hz]; NaN for a constant output, which has no frequency.

    Raises
    ------
    ValueError
        If there are fewer than four samples.

    Notes
    -----
    The maximum of the periodogram, refined between its bins: exact for a sinusoid without noise up
    to leakage from its ends, about a thousandth of a bin over ten periods.
    """
    y, dt = _channel("output", output, dt)
    if len(y) < 4:
        raise ValueError(f"Four samples are needed for a frequency, got {len(y)}.")
    about = {"units": "Hz", "long_name": "frequency of the best sinusoid"}
    y = standardised(y, 0)
    if not y.any():
        return xr.DataArray(np.nan, name="main_frequency", attrs=about)
    power = np.abs(np.fft.rfft(y, _OVERSAMPLING * len(y)))
    width = 1000.0 / (_OVERSAMPLING * len(y) * dt)
    peak = (int(power[1:].argmax()) + 1) * width
    t = np.arange(len(y)) * dt / 1000.0

    def unexplained(frequency: float) -> float:
        phase = 2 * np.pi * frequency * t
        waves = np.stack([np.cos(phase), np.sin(phase), np.ones_like(t)], 1)
        return float(np.square(y - waves @ np.linalg.lstsq(waves, y, rcond=None)[0]).sum())

    bounds = (max(peak - 2 * width, width / 10), peak + 2 * width)
    found = minimize_scalar(
        unexplained, bounds=bounds, method="bounded", options={"xatol": 1e-9 * peak}
    )
    return xr.DataArray(float(found.x), name="main_frequency", attrs=about)


def _channel(name: str, values: Any, dt: float | None) -> tuple[np.ndarray, float]:
    if isinstance(values, xr.DataArray):
        values = values.squeeze()
        if values.dims != ("time",):
            raise ValueError(f"`{name}` must be one channel in time, got dims {values.dims}.")
        if "time" in values.coords:
            _, dt, unit = labels.clock(values, what=f"`{name}`", dt=dt)
            if unit != "ms":
                raise labels.LabelError(
                    f"the times of `{name}` count steps: label them in ms, "
                    ".assign_coords(time=obj.time * dt) with .time.attrs['units'] = 'ms'."
                )
    if dt is None:
        raise ValueError(f"`{name}` has no times: pass the step `dt=` [ms].")
    given = np.asarray(values, np.float64)
    given = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
    if given.ndim != 1 or not np.isfinite(given).all():
        raise ValueError(f"`{name}` must be one channel of finite numbers, got {given.shape}.")
    return given, plain_number("dt", dt, above=0)


def _sliding_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of ``y`` with every stretch of ``x`` of its length; NaN where one is constant."""
    n = len(y)
    x, y = standardised(x, 0), standardised(y, 0)
    size = len(x) + n
    both = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(y, size)), size)
    both = both[: len(x) - n + 1]
    sums, squares = (np.concatenate([[0.0], np.cumsum(a)]) for a in (x, x**2))
    total, square = sums[n:] - sums[:-n], squares[n:] - squares[:-n]
    spread = square - total**2 / n
    # Rounding of the cumulated sums, below which the spread of a stretch is not known.
    known = spread > 4 * len(x) * np.finfo(float).eps * squares[-1]
    norm = np.sqrt(np.where(known, spread, 1) * (y**2).sum())
    return np.where(known & y.any(), both / np.where(norm > 0, norm, 1), np.nan)
