"""Spike-time tiling coefficients of all pairs of units."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.coincidences import (
    Observation,
    Trains,
    coincidences,
    observation_of,
    trains_of,
)
from neurodyn.analysis.spike_trains.observed import observed_window
from neurodyn.analysis.spike_trains.pairs import partners
from neurodyn.common.checks import plain_number
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes


@takes(spikes=DATASET)
def spike_time_tiling(
    spikes: xr.Dataset, *, reach: Number = 5.0, window: Window | None = None
) -> xr.Dataset:
    r"""Spike-time tiling coefficient (STTC) of all pairs of units.

    .. math:: \mathrm{STTC}_{AB} = \frac{1}{2} \Big( \frac{P_A - T_B}{1 - P_A T_B}
       + \frac{P_B - T_A}{1 - P_B T_A} \Big)

    with :math:`P_A`, the share of the spikes of A that lie within `reach` of a spike of B, and
    :math:`T_A`, the share of the time that lies within `reach` of a spike of A. It is 1 for equal
    trains, 0 in expectation for independent ones whatever their rates are, which a correlation of
    counts is not, and negative where spikes avoid each other.

    Parameters
    ----------
    spikes
        Spike Dataset, in trials or continuous. Spikes and time of all trials are pooled; no pair of
        spikes is from two trials.
    reach
        Largest distance of coincident spikes [ms], ``dt`` of the authors; 5 ms is elephant's.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    Dataset: ``sttc`` (unit, unit_to), 1 on the diagonal, NaN of units without spikes (while the
    other was observed); ``tiled`` (unit), the share of time :math:`T`; ``n_spikes`` (unit). Of the
    first unit those spikes count at which the second one was observed; tiles end where the
    observation does.

    Raises
    ------
    LabelError
        If it is not known which times were observed, or `window` leaves them.
    ValueError
        If `reach` is not positive.

    References
    ----------
    Cutts & Eglen (2014), J. Neurosci. 34:14288.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[10.0, 50.0], [12.0, 52.0], []], window=(0, 100))
    >>> analysis.spike_time_tiling(ds)["sttc"].sel(unit=0).values.round(3)
    array([ 1.,  1., nan])
    """
    dt = plain_number("reach", reach, above=0)
    start, stop = observed_window(spikes, window, "spike_time_tiling")
    trains, seen = trains_of(spikes, start, stop), observation_of(spikes, start, stop)
    n = spikes.sizes["unit"]
    near = np.zeros((n, n))
    for one, other, _ in coincidences(trains, trains, dt):
        # Each spike counts once for each unit that it has a neighbour of.
        found = np.unique(one * n + trains.unit[other])
        place = trains.unit[found // n] * n + found % n
        near += np.bincount(place, minlength=n * n).reshape(n, n)
    many = np.zeros((n, n))
    np.add.at(many, trains.unit, seen.sees(np.arange(n), trains).astype(float))
    tiled = _tiled(trains, seen, dt, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = near / many
        expected = p * tiled  # of the first's spikes by the second's tiles
        half = np.where(expected >= 1, 1.0, (p - tiled) / (1 - expected))
    value = (half + half.T) / 2
    own = np.diag_indices(n)
    value[own] = np.where(many[own] > 0, 1.0, np.nan)
    variables = {
        "sttc": (("unit", "unit_to"), value, "1", "spike-time tiling coefficient"),
        "tiled": ("unit", tiled, "1", "share of time near a spike"),
        "n_spikes": ("unit", np.bincount(trains.unit, minlength=n), "count", "spikes"),
    }
    coords = coords_of(spikes, "unit", without=["unit_key"]) | partners(spikes, "unit")
    return results(variables, coords, values=False, reach=dt, window=[start, stop])


def _tiled(trains: Trains, seen: Observation, dt: float, n: int) -> np.ndarray:
    """Share of the observed time of each unit that lies within `dt` of one of its spikes."""
    n_trials = seen.start.shape[1]
    cell = trains.unit * n_trials + trains.trial
    order = np.argsort(cell, kind="stable")
    cell, time = cell[order], trains.time[order]
    if not time.size:
        return np.zeros(n)
    # Tiles of one train that overlap are cut where the next one begins.
    follows = np.r_[np.diff(cell) == 0, False]
    following = np.r_[time[1:], np.inf] - dt
    high = np.where(follows, np.minimum(time + dt, following), time + dt)
    low = time - dt
    # Whatever of a tile lies in an interval of the observation of its unit and trial counts.
    begins = seen.start[seen.kind[cell // n_trials], cell % n_trials]
    ends = seen.stop[seen.kind[cell // n_trials], cell % n_trials]
    inside = np.minimum(high[:, None], ends) - np.maximum(low[:, None], begins)
    covered = np.bincount(cell // n_trials, np.maximum(inside, 0).sum(1), minlength=n)
    total = seen.total()
    return np.where(total > 0, covered / np.where(total > 0, total, 1), 0)
