"""Rhythms: the spectrum of a population rate, and the power in its bands."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.signal import welch

from neurodyn import labels
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.firing import population_rate
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes

#: Bands as commonly named [Hz].
BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 80.0),
}


@takes(spikes=DATASET)
def population_spectrum(
    spikes: xr.Dataset,
    *,
    bin_width: Number | None = None,
    segment: Number = 500.0,
    by: str | None = None,
    window: Window | None = None,
) -> xr.Dataset:
    """Power spectral density of the population rate, by Welch's method.

    Parameters
    ----------
    spikes
        Spike Dataset, in trials or continuous.
    bin_width
        Width of the bins of the rate [ms]; default 1 ms, or that of counts. Frequencies reach half
        of its inverse.
    segment
        Length of the segments [ms], Hann-windowed and half overlapping, over which (and over
        trials) spectra are averaged; its inverse is the resolution. Segments lie between gaps of
        the observation and before the ends of trials.
    by
        Coordinate on ``unit`` that names populations, one spectrum for each.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset: ``power`` (frequency, unit) [Hz^2/Hz]; for each unit (population) ``peak_frequency``
    [Hz] above one over the segment, and for each of `BANDS` its share of the power above that,
    such as ``alpha`` and ``gamma``. Both are NaN where the rate is constant (silent populations).

    Raises
    ------
    LabelError
        If the window holds no segment that was observed without a gap.

    References
    ----------
    Welch (1967), IEEE Trans. Audio Electroacoust. 15:70.
    """
    rate = population_rate(spikes, bin_width=bin_width, by=by, window=window)["rate"]
    x = rate.transpose(..., "time", "unit").values
    width = labels.clock(rate, what="the rate", default=1.0).step
    n = round(float(segment) / width)
    if not 8 <= n <= x.shape[-2]:
        raise LabelError(
            f"segments of {segment:g} ms ({n} bins) do not fit a window of "
            f"{x.shape[-2] * width:g} ms: use shorter ones (8 bins at least)."
        )
    # From the lowest bin, because the rounded mean of a constant rate would leave a rhythm.
    x = x.reshape(-1, *x.shape[-2:]).astype(np.float64)
    frequency, power = _power(x - np.fmin.reduce(x, axis=1, keepdims=True), n, width)
    above = frequency > frequency[1] * 0.99
    total = power[above].sum(0)
    total = np.where(total > 0, total, np.nan)
    peak = np.where(np.isnan(total), np.nan, frequency[above][power[above].argmax(0)])
    variables: dict[str, tuple] = {
        "power": (("frequency", "unit"), power, "Hz^2/Hz", "power of the population rate"),
        "peak_frequency": ("unit", peak, "Hz", "frequency of the highest peak"),
    }
    for name, (low, high) in BANDS.items():
        inside = above & (frequency >= low) & (frequency < high)
        share = power[inside].sum(0) / total
        variables[name] = ("unit", share, "1", f"share of the power in {low:g} to {high:g} Hz")
    coords = {"frequency": frequency, **coords_of(rate, "unit")}
    return results(variables, coords, values=False, segment=float(segment), bin_width=width)


def _power(x: np.ndarray, n: int, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Power of (trial, time, unit), averaged over all segments of `n` bins without a NaN."""
    seen = np.isfinite(x)
    if seen.all():
        frequency, power = welch(x, 1e3 / width, nperseg=n, axis=1)
        return frequency, power.mean(0)
    total, many = np.zeros((n // 2 + 1, x.shape[2])), np.zeros(x.shape[2])
    frequency = np.fft.rfftfreq(n, width / 1e3)
    for trial, unit in np.ndindex(x.shape[0], x.shape[2]):
        edges = np.flatnonzero(np.diff(seen[trial, :, unit], prepend=False, append=False))
        for start, stop in edges.reshape(-1, 2):
            if stop - start >= n:
                segments = 1 + (stop - start - n) // (n - n // 2)
                power = welch(x[trial, start:stop, unit], 1e3 / width, nperseg=n)[1]
                total[:, unit] += segments * power
                many[unit] += segments
    if not many.all():
        raise LabelError(
            f"population_spectrum: no segment of {n * width:g} ms was observed without a gap or "
            "the end of a trial: pass a shorter segment=, or choose another window."
        )
    return frequency, total / many
