"""Cells under injected current: detection of spikes, and f-I curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.analysis.shared.arrays import checked
from neurodyn.analysis.shared.bootstrap import known_mean
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.observed import observed_time, observed_window, within
from neurodyn.common.checks import number
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import held
from neurodyn.labels.convention import TIME_TOLERANCE, Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.spikes.build import step_middles
from neurodyn.spikes.gaps import gaps_of, in_gaps, last_gap
from neurodyn.spikes.join import in_trials, require_spikes


@takes(recording=DATASET)
def detect_spikes(
    recording: xr.Dataset, *, variable: str = "v", threshold: Number = 0.0, refractory: Number = 1.0
) -> xr.Dataset:
    """Spikes out of recorded membrane potentials: upward crossings of a threshold.

    Parameters
    ----------
    recording
        Dataset with ``variable`` on (sweep | trial, time) and perhaps ``unit`` or ``channel``, or
        that variable itself.
    variable
        The membrane potential [mV].
    threshold
        Potential that a spike crosses [mV]; 0 is above any subthreshold potential and below the
        peak of nearly any spike.
    refractory
        Dead time after each spike that counts [ms]: crossings within it are noise on the same
        upstroke. Crossings that do not count start no dead time of their own.

    Returns
    -------
    Spike Dataset, sweeps as trials with their labels, channels as units; times are interpolated
    between samples. Sweeps that end early (``n_valid``, ``valid_until``) were observed up to their
    end, the coordinate ``valid_until`` of the result.

    Raises
    ------
    LabelError
        If there is no such variable, it is not in mV, it has other dims, or values are missing; or
        if the threshold lies above all potentials although some exceed -20 mV.
    ValueError
        If the threshold is not finite, or the dead time negative.

    Examples
    --------
    >>> from neurodyn import analysis, labels
    >>> v = np.array([[-60.0, -60.0, 20.0, -60.0]])
    >>> ds = labels.dataset(
    ...     {"v": (("sweep", "time"), v, "mV", "membrane potential")},
    ...     {"time": labels.time_axis(4, 1.0)},
    ...     source="recording",
    ... )
    >>> analysis.detect_spikes(ds)["spike_time"].values
    array([2.75])
    """
    number("threshold", threshold)
    number("refractory", refractory, low=0)
    v, inside = _potential(recording, variable)
    time, step, _ = labels.clock(v, what=f"'{variable}'")
    values = np.where(inside[..., None], v.values.astype(np.float64), -np.inf)
    above = values >= float(threshold)
    if not above.any() and values.max() > -20:
        raise LabelError(
            f"no potential reaches the threshold of {float(threshold):g} mV, but the highest is "
            f"{values.max():.3g} mV: lower the threshold if these are spikes."
        )
    row, sample, unit = np.nonzero(above[:, 1:] & ~above[:, :-1])
    low, high = values[row, sample, unit], values[row, sample + 1, unit]
    share = (float(threshold) - low) / (high - low)
    at = time[sample] + share * (time[sample + 1] - time[sample])
    order = np.lexsort([at, unit, row])
    row, unit, at = row[order], unit[order], at[order]
    keep = _after_dead_time(at, row * values.shape[2] + unit, float(refractory))
    names = {"sweep": "trial", "channel": "unit"}
    coords = {
        names.get(n, n): c.rename({d: names.get(d, d) for d in c.dims}).variable
        for n, c in ((str(n), c) for n, c in v.coords.items())
        if c.dims in (("sweep",), ("trial",), ("channel",), ("unit",))
    }
    coords = {"trial": np.arange(len(values)), "unit": np.arange(values.shape[2])} | coords
    coords.pop("n_valid", None)  # counts samples, of which spikes have none
    if not inside.all():
        until = time[0] + step * inside.sum(1)
        coords["valid_until"] = xr.Variable("trial", until, {"units": "ms", "long_name": "end"})
    units, trials = (np.asarray(getattr(coords[d], "values", coords[d])) for d in ("unit", "trial"))
    return spikes.dataset(
        at[keep],
        units[unit[keep]],
        trials[row[keep]],
        coords=coords,
        source=recording.attrs.get("source", "recording"),
        window=(time[0], time[-1] + step),
        attrs={"threshold": float(threshold)},
    )


def _after_dead_time(at: np.ndarray, train: np.ndarray, dead: float) -> np.ndarray:
    """Crossings, sorted by train and time, that are at least `dead` after a counted one."""
    close = (np.diff(train, prepend=-1) == 0) & (
        np.diff(at, prepend=-np.inf) < dead - TIME_TOLERANCE
    )
    # A crossing far from its predecessor counts, whether or not the predecessor did.
    keep, last = ~close, 0
    for k in np.flatnonzero(close):
        last = last if close[k - 1] else k - 1
        if at[k] - at[last] >= dead - TIME_TOLERANCE:
            keep[k], last = True, k
    return keep


def _potential(recording: xr.Dataset, variable: str) -> tuple[xr.DataArray, np.ndarray]:
    """The potential on (sweep or trial, time, unit or channel), and which samples are of a row."""
    if not isinstance(recording, xr.Dataset) or variable not in recording:
        there = list(recording) if isinstance(recording, xr.Dataset) else type(recording).__name__
        raise LabelError(f"there is no variable {variable!r} in the recording: {there}.")
    v = held(recording[variable], what=f"'{variable}'", instead="select sweeps or trials")
    if v.attrs.get("units") != "mV":
        raise LabelError(
            f"'{variable}' is in {v.attrs.get('units')!r}: membrane potentials are in mV; convert "
            "it and set .attrs['units']."
        )
    extra = [d for d in v.dims if d not in ("sweep", "trial", "time", "unit", "channel")]
    rows, columns = (
        [str(d) for d in pair if d in v.dims] for pair in (("sweep", "trial"), ("unit", "channel"))
    )
    if extra or "time" not in v.dims or len(rows) > 1 or len(columns) > 1:
        raise LabelError(
            f"'{variable}' has dims {v.dims}; wanted (sweep, time) or (trial, time), perhaps with "
            "a channel or unit."
        )
    if v.sizes["time"] < 2:
        raise LabelError(f"'{variable}' has fewer than two samples.")
    v = v if rows else v.expand_dims("trial")
    v = v if columns else v.expand_dims("unit", axis=-1)
    v = v.transpose(*(rows or ["trial"])[:1], "time", *(columns or ["unit"])[:1])
    inside = labels.valid(v.rename(sweep="trial") if "sweep" in v.dims else v)
    inside = np.broadcast_to(inside.values, v.shape[:2])
    checked(v.copy(data=np.where(inside[..., None], v.values, 0)), what=f"'{variable}'")
    return v, inside


def fi_curve(
    spikes: xr.Dataset, *, current: str = "step", window: Window | None = None
) -> xr.Dataset:
    """Firing against injected current.

    Parameters
    ----------
    spikes
        Spike Dataset in trials, each with one current, of a run or from `detect_spikes`.
    current
        Label of trials: the current of each [pA].
    window
        When the current flows [ms]; default: all that was observed.

    Returns
    -------
    Dataset on (sweep, unit), sweeps being the different currents in rising order (coordinate
    ``current``), values averaged over trials of one current: ``rate`` [Hz], number of spikes over
    the time that the trial was observed in the window, NaN where the unit was not; ``initial_rate``
    and ``final_rate`` [Hz], from the first interval and the last two, NaN without or where these
    spikes fall on one time; ``latency`` of the first spike [ms], NaN without; ``n_trials``.
    Intervals over a gap of the unit do not count.

    Raises
    ------
    LabelError
        If there are no trials, no such label, it is not in pA, or `window` reaches
        beyond the observed times.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.dataset(
    ...     [10.0, 60.0, 5.0],
    ...     [0, 0, 0],
    ...     [1, 1, 2],
    ...     coords={"unit": [0], "trial": [0, 1, 2], "step": ("trial", [0.0, 50.0, 50.0], "pA")},
    ...     source="recording",
    ...     window=(0, 100),
    ... )
    >>> analysis.fi_curve(ds)["rate"].values.ravel()
    array([ 0., 15.])
    """
    require_spikes(spikes)
    if not in_trials(spikes):
        raise LabelError(
            "fi_curve needs trials, one for each current: cut the recording (spikes.align), or "
            "find spikes in sweeps with detect_spikes."
        )
    if current not in spikes.coords or spikes[current].dims != ("trial",):
        known = [n for n, c in spikes.coords.items() if c.dims == ("trial",) and n != "trial"]
        raise LabelError(f"there is no label {current!r} of trials; there are {known}.")
    if spikes[current].attrs.get("units") != "pA":
        raise LabelError(
            f"'{current}' is in {spikes[current].attrs.get('units')!r}; currents are in pA."
        )
    start, stop = observed_window(spikes, window, "fi_curve")
    each = _responses(spikes, start, stop)
    levels, group = np.unique(spikes[current].values, return_inverse=True)
    variables = {}
    about = {
        "rate": ("Hz", "firing rate"),
        "initial_rate": ("Hz", "rate of the first interval"),
        "final_rate": ("Hz", "rate of the last two intervals"),
        "latency": ("ms", "latency of the first spike"),
    }
    for name, described in about.items():
        mean = [known_mean(each[name][group == k], 0) for k in range(len(levels))]
        variables[name] = (("sweep", "unit"), np.stack(mean), *described)
    variables["n_trials"] = ("sweep", np.bincount(group), "1", "number of trials")
    injected = {"current": ("sweep", levels, "pA", "injected current")}
    coords = coords_of(spikes, "unit") | injected
    return results(variables, coords, values=False, window=[start, stop])


def _responses(spikes: xr.Dataset, start: float, stop: float) -> dict[str, np.ndarray]:
    """Rate, initial and final rate and latency of every trial and unit."""
    n_units = spikes.sizes["unit"]
    shape = (spikes.sizes["trial"], n_units)
    found = within(spikes, start, stop)
    assert found.trial is not None
    time, cell = found.time, found.trial * n_units + found.unit
    order = np.lexsort([time, cell])
    time, cell = time[order], cell[order]
    n = np.bincount(cell, minlength=shape[0] * shape[1])
    first = np.cumsum(n) - n
    last = first + n - 1
    seen = observed_time(spikes, start, stop).ravel()
    gaps, every, begin = gaps_of(spikes), np.arange(n.size), np.full(n.size, start)
    # The gap before each spike and before the start, -2 in a gap: an interval over a gap is none.
    gap, since = np.zeros(time.size, int), np.zeros(n.size, int)
    if gaps is not None:
        gap = last_gap(gaps, cell, step_middles(spikes, time))
        since = np.where(in_gaps(gaps, every, begin), -2, last_gap(gaps, every, begin))

    def known(without_gap: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.where(without_gap, values, np.nan)

    def over(k: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Rate of the `k` intervals between two spikes; of spikes at one time it is infinite."""
        duration = time[b] - time[a]
        counts = (gap[a] == gap[b]) & (duration > 0)
        return known(counts, 1e3 * k / np.where(counts, duration, 1))

    def of(least: int, value: Callable) -> np.ndarray:
        """A value of the first and the last spike where there are so many; NaN elsewhere."""
        found, some = np.full(n.size, np.nan), n >= least
        found[some] = value(first[some], last[some])
        return found

    out = {
        "rate": np.where(seen > 0, 1e3 * n / np.where(seen > 0, seen, 1), np.nan),
        "latency": of(1, lambda a, b: known(since[cell[a]] == gap[a], time[a] - start)),
        "initial_rate": of(2, lambda a, b: over(1, a, a + 1)),
        "final_rate": of(3, lambda a, b: over(2, b - 2, b)),
    }
    return {name: values.reshape(shape) for name, values in out.items()}
