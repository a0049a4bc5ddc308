"""Intervals between spikes, and their irregularity."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.common.checks import number
from neurodyn.labels.convention import Number
from neurodyn.labels.only import DATASET, takes
from neurodyn.spikes.build import step_middles
from neurodyn.spikes.gaps import Gaps, cells, gaps_of, last_gap
from neurodyn.spikes.join import places, positions


@takes(spikes=DATASET)
def spike_intervals(spikes: xr.Dataset) -> xr.Dataset:
    """Intervals between successive spikes of each unit, never across trials or gaps.

    Parameters
    ----------
    spikes
        Spike Dataset: a run of a spiking model, or a recording, in trials or continuous.

    Returns
    -------
    Dataset on dim ``interval``, sorted by trial, unit and time: ``interspike_interval`` [ms],
    ``interval_start`` [ms], the time of the spike that begins it, ``interval_unit`` and, in trials,
    ``interval_trial``, labels of ``unit`` and ``trial``. Intervals that span a gap of the
    recording, or of this unit, are left out, because a spike in the gap would not have been seen.

    Raises
    ------
    LabelError
        If `spikes` is no spike Dataset.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> found = analysis.spike_intervals(spikes.from_times([[1.0, 4.0, 9.0], [2.0]]))
    >>> found["interspike_interval"].values
    array([3., 5.])
    """
    found, gaps = positions(spikes), gaps_of(spikes)
    cell, counted = cells(found, spikes.sizes["unit"]), step_middles(spikes, found.time)
    in_trials = found.trial is not None
    trial = np.zeros_like(found.unit) if found.trial is None else found.trial
    order = np.lexsort([found.time, cell])
    time, unit, trial = found.time[order], found.unit[order], trial[order]
    follows = (np.diff(cell[order]) == 0) & _seen(gaps, cell[order], counted[order])
    first = np.flatnonzero(follows)
    dim, starts = "interval", time[first]
    variables = {
        "interspike_interval": (dim, time[first + 1] - starts, "ms", "interspike interval"),
        "interval_start": (dim, starts, "ms", "time of the spike that begins the interval"),
    }
    coords: dict[str, tuple | xr.Variable] = coords_of(spikes, "unit") | coords_of(spikes, "trial")
    for dim, place in (("unit", unit), ("trial", trial)):
        if dim == "unit" or in_trials:
            owner = spikes[dim].values[place[first]]
            coords[f"interval_{dim}"] = ("interval", owner, "1", f"label of the {dim}")
    return results(variables, coords)


def _seen(gaps: Gaps | None, cell: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Whether each two successive spikes have no gap between them."""
    if gaps is None:
        return np.ones(max(time.size - 1, 0), bool)
    return np.diff(last_gap(gaps, cell, time)) == 0


@takes(spikes=DATASET)
def interval_statistics(spikes: xr.Dataset, *, refractory: Number = 5.0) -> xr.Dataset:
    r"""Irregularity of each unit: CV, CV2, LV and LvR of its interspike intervals.

    With intervals :math:`I_k`, all trials pooled, and pairs of successive intervals of one trial,

    .. math:: CV = \frac{\mathrm{sd}(I)}{\langle I \rangle}, \quad
       CV_2 = \Big\langle \frac{2 |I_{k+1} - I_k|}{I_{k+1} + I_k} \Big\rangle, \quad
       LV = 3 \Big\langle \Big(\frac{I_{k+1} - I_k}{I_{k+1} + I_k}\Big)^2 \Big\rangle, \quad
       LvR = 3 \Big\langle \Big(\frac{I_{k+1} - I_k}{I_{k+1} + I_k}\Big)^2
       \Big(1 + \frac{4 R}{I_{k+1} + I_k}\Big) \Big\rangle .

    All are 0 for a clock, and the first three are 1 for a Poisson process. Slow changes of the rate
    raise the CV, while CV2 and LV, which compare neighbours, hardly see them. LvR makes up for the
    refractory time :math:`R`, which makes fast trains look regular.

    Parameters
    ----------
    spikes
        Spike Dataset: a run of a spiking model, or a recording.
    refractory
        Refractory time :math:`R` of LvR [ms]; 5 ms, as its authors chose because it made LvR depend
        least on the rate of a cell. With 0 LvR is LV.

    Returns
    -------
    Dataset on ``unit``: ``n_intervals``, ``mean_interval`` [ms], ``cv``, ``cv2``, ``lv``, ``lvr``.
    NaN where there are too few: one interval for the mean, two for the CV, a pair for the others.
    Spikes at one time make intervals of 0: pairs of two such have no contrast (0 over 0) and do not
    count for CV2, LV and LvR, and the CV is NaN if all intervals are so.

    Raises
    ------
    LabelError
        If `spikes` is no spike Dataset.
    ValueError
        If the refractory time is negative.

    References
    ----------
    CV: Softky & Koch (1993), J. Neurosci. 13:334 (with the population standard deviation, as in
    elephant). CV2: Holt et al. (1996), J. Neurophysiol. 75:1806. LV: Shinomoto et al. (2003),
    Neural Comput. 15:2823. LvR: Shinomoto et al. (2009), PLoS Comput. Biol. 5:e1000433.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> clock = spikes.from_times([[0.0, 10.0, 20.0, 30.0]])
    >>> float(analysis.interval_statistics(clock)["cv"][0])
    0.0
    """
    number("refractory", refractory, low=0)
    found = spike_intervals(spikes)
    n = spikes.sizes["unit"]
    unit = places(found["interval_unit"].values, spikes["unit"].values)
    isi = found["interspike_interval"].values
    count = np.bincount(unit, minlength=n)
    pair = _successive(found)
    pair = pair[isi[pair + 1] + isi[pair] > 0]
    both = isi[pair + 1] + isi[pair]
    contrast = np.abs(isi[pair + 1] - isi[pair]) / both
    mean = _mean(isi, unit, n)
    spread = np.sqrt(_mean((isi - mean[unit]) ** 2, unit, n))
    defined = (count >= 2) & (mean > 0)
    cv = np.where(defined, spread / np.where(defined, mean, 1), np.nan)
    square = 3 * contrast**2
    local = (2 * contrast, square, square * (1 + 4 * float(refractory) / both))
    cv2, lv, lvr = (_mean(x, unit[pair], n) for x in local)
    variables = {
        "n_intervals": ("unit", count, "1", "number of interspike intervals"),
        "mean_interval": ("unit", mean, "ms", "mean interspike interval"),
        "cv": ("unit", cv, "1", "coefficient of variation of intervals"),
        "cv2": ("unit", cv2, "1", "local coefficient of variation CV2"),
        "lv": ("unit", lv, "1", "local variation LV"),
        "lvr": ("unit", lvr, "1", "local variation LvR, corrected for refractoriness"),
    }
    coords = coords_of(spikes, "unit")
    return results(variables, coords, values=False, refractory=float(refractory))


def _successive(found: xr.Dataset) -> np.ndarray:
    """Positions of intervals that end where the next one begins, in the same unit and trial."""
    begins = found["interval_start"].values
    ends = begins + found["interspike_interval"].values
    # An interval is a difference of times, so its end is known up to their rounding.
    follows = np.abs(begins[1:] - ends[:-1]) <= 4 * np.spacing(np.abs(begins[1:]))
    for owner in ("interval_unit", "interval_trial"):
        if owner in found:
            follows &= found[owner].values[1:] == found[owner].values[:-1]
    return np.flatnonzero(follows)


def _mean(values: np.ndarray, unit: np.ndarray, n_units: int) -> np.ndarray:
    """Mean over the values of each unit; NaN for units without any."""
    count = np.bincount(unit, minlength=n_units)
    total = np.bincount(unit, values, minlength=n_units)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
