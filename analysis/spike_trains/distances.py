"""Distances between spike trains: van Rossum's, and that of Victor and Purpura."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.coincidences import trains_of
from neurodyn.analysis.spike_trains.observed import observed_time, observed_window
from neurodyn.analysis.spike_trains.pairs import partners
from neurodyn.analysis.spike_trains.train_distances import van_rossum, victor_purpura
from neurodyn.common.checks import plain_number
from neurodyn.labels import TIME_TOLERANCE, LabelError
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes
from neurodyn.spikes.join import in_trials

Over = Literal["trial", "unit"]


@takes(spikes=DATASET)
def van_rossum_distance(
    spikes: xr.Dataset, *, tau: Number, over: Over = "trial", window: Window | None = None
) -> xr.DataArray:
    r"""Van Rossum's distance between all pairs of trials, or of units.

    Each spike becomes a jump that decays exponentially; the distance is that of the traces,

    .. math:: D^2_{xy} = \frac{2}{\tau} \int_0^\infty (f_x - f_y)^2 dt
       = S_{xx} + S_{yy} - 2 S_{xy}, \quad
       S_{xy} = \sum_{a \in x} \sum_{b \in y} e^{-|a - b| / \tau} .

    A train with a single spike is at distance 1 from an empty one. The time that it takes goes with
    the number of spikes times the number of trains.

    Parameters
    ----------
    spikes
        Spike Dataset, in trials or continuous.
    tau
        Time constant of the decay [ms]: well below intervals, the distance counts spikes that do
        not coincide; well above, it is the difference of the numbers of spikes.
    over
        "trial": pairs of trials, for each unit. "unit": pairs of units, in each trial.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    DataArray ``van_rossum`` (trial, trial_to, unit), or (trial, unit, unit_to), without the trial
    of a continuous recording. NaN for trials in which the unit was not observed in all of the
    window.

    Raises
    ------
    LabelError
        If pairs of trials are wanted and there are none, or `window` leaves what was observed.
    ValueError
        If `tau` is not positive, or there is no such `over`.

    Notes
    -----
    The scale is elephant's. Van Rossum's own squared distance, :math:`\frac{1}{\tau} \int (f_x -
    f_y)^2`, is half of it.

    References
    ----------
    van Rossum (2001), Neural Comput. 13:751. Houghton & Kreuz (2012), Network 23:48.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[10.0], []], window=(0, 50))
    >>> analysis.van_rossum_distance(ds, tau=10.0, over="unit").values
    array([[0., 1.],
           [1., 0.]])
    """
    scale = plain_number("tau", tau, above=0)
    return _pairwise(
        spikes, over, window, "van_rossum", "van Rossum distance", scale, van_rossum, "tau"
    )


@takes(spikes=DATASET)
def victor_purpura_distance(
    spikes: xr.Dataset, *, cost: Number, over: Over = "trial", window: Window | None = None
) -> xr.DataArray:
    """Victor and Purpura's distance between all pairs of trials, or of units.

    The least cost of turning one train into the other: 1 for a spike that is removed or added, and
    `cost` for each millisecond by which a spike is moved.

    Parameters
    ----------
    spikes
        Spike Dataset, in trials or continuous.
    cost
        Cost of moving a spike by 1 ms, q of the authors [1/ms]: spikes further apart than 2 / cost
        are removed and added instead. 0 compares numbers of spikes. (elephant's ``cost_factor`` in
        Hz is 1000 times this.)
    over
        "trial": pairs of trials, for each unit. "unit": pairs of units, in each trial.
    window
        Start and stop [ms], half-open; default: all that was observed.

    Returns
    -------
    DataArray ``victor_purpura`` (trial, trial_to, unit), or (trial, unit, unit_to), without the
    trial of a continuous recording. NaN for trials in which the unit was not observed in all of the
    window.

    Raises
    ------
    LabelError
        If pairs of trials are wanted and there are none, or `window` leaves what was observed.
    ValueError
        If `cost` is negative, or there is no such `over`.

    References
    ----------
    Victor & Purpura (1996), J. Neurophysiol. 76:1310.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[10.0, 30.0], [12.0]], window=(0, 50))
    >>> float(analysis.victor_purpura_distance(ds, cost=0.1, over="unit")[0, 1].round(6))
    1.2
    """
    scale = plain_number("cost", cost, low=0)
    return _pairwise(
        spikes,
        over,
        window,
        "victor_purpura",
        "Victor-Purpura distance",
        scale,
        victor_purpura,
        "cost",
    )


def _pairwise(
    spikes: xr.Dataset,
    over: Over,
    window: Window | None,
    name: str,
    long_name: str,
    scale: float,
    distance: Callable[[np.ndarray, np.ndarray, float], np.ndarray],
    option: str,
) -> xr.DataArray:
    """A distance of all pairs of trains, set by set: those of a unit, or those of a trial."""
    if over not in ("trial", "unit"):
        raise ValueError(f"`over` must be 'trial' or 'unit', got {over!r}.")
    start, stop = observed_window(spikes, window, name)
    cut = in_trials(spikes)
    if over == "trial" and not cut:
        raise LabelError(
            f"{name}: there are no trials to compare: cut the recording (neurodyn.spikes.align), "
            "or compare units, over='unit'."
        )
    seen = observed_time(spikes, start, stop) >= stop - start - TIME_TOLERANCE  # (trial, unit)
    times, there = _padded(spikes, start, stop, over)
    value = distance(times, there, scale)
    seen = seen.T if over == "trial" else seen
    value = np.where(seen[:, :, None] & seen[:, None, :], value, np.nan)
    sets = ["unit"] if over == "trial" else ["trial"] * cut
    dims = (*sets, over, f"{over}_to")
    coords = coords_of(spikes, "unit", without=["unit_key"]) | partners(spikes, over)
    if cut:
        coords |= coords_of(spikes, "trial", without=["trial_key"])
    value = value if sets else value[0]
    about: dict[str, Any] = {"window": [start, stop], option: scale}
    found = results({name: (dims, value, "1", long_name)}, coords, values=False, **about)
    return found[name].assign_attrs(found.attrs)


def _padded(
    spikes: xr.Dataset, start: float, stop: float, over: Over
) -> tuple[Float[np.ndarray, "set train spike"], Bool[np.ndarray, "set train spike"]]:
    """Spike times of each train from the start, sorted; trains are as long as the longest."""
    trains = trains_of(spikes, start, stop)
    n_trials = spikes.sizes["trial"] if in_trials(spikes) else 1
    sets, members = trains.unit, trains.trial
    shape = (spikes.sizes["unit"], n_trials)
    if over == "unit":
        sets, members, shape = trains.trial, trains.unit, shape[::-1]
    cell = sets * shape[1] + members
    order = np.argsort(cell, kind="stable")
    many = np.bincount(cell, minlength=shape[0] * shape[1])
    # Lengths come in powers of two, so that few programs are compiled.
    longest = 1 << max(int(many.max(initial=1)) - 1, 1).bit_length()
    rank = np.arange(cell.size) - np.repeat(np.cumsum(many) - many, many)
    times = np.zeros((shape[0] * shape[1], longest))
    times[cell[order], rank] = trains.time[order] - start
    there = np.arange(longest) < many[:, None]
    return times.reshape(*shape, -1), there.reshape(*shape, -1)
