"""Tuning to variables that change over time: rates by bin of the variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.draws import generator
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.spike_trains.occupancy import (
    drawn_information,
    information_of,
    samples_of,
    shifts,
    sums,
)
from neurodyn.analysis.spike_trains.tuning import depth, direction_of
from neurodyn.common.checks import plain_number, whole
from neurodyn.labels import LabelError
from neurodyn.labels.convention import DIMS, END_OF_STEP, TIME_TOLERANCE, Number
from neurodyn.labels.only import DATASET, takes
from neurodyn.spikes.join import in_trials, require_spikes


@takes(spikes=DATASET)
def tuning_map(
    spikes: xr.Dataset,
    covariate: xr.Dataset | xr.DataArray,
    *,
    bins: int | Sequence[Any] | Mapping[str, Any] = 20,
    period: Number | Mapping[str, Number] | None = None,
    least_time: Number = 0.0,
    n_shifts: int = 200,
    least_shift: Number | None = None,
    key: Any = 0,
) -> xr.Dataset:
    r"""Firing rate by the value of variables that change over time, such as a position.

    The number of spikes in each bin of the variable, over the time that was spent there while the
    unit was observed. Several variables make maps of several dims.

    Parameters
    ----------
    spikes
        Spike Dataset: continuous with variables on ``time``, or in trials with variables on
        (trial, time).
    covariate
        The variables: an array with a name, or with a dim ``channel`` whose labels are the names,
        or a Dataset of such arrays. NaN where it is not known: spikes and time there do not count.
    bins
        Number of bins between the lowest and the highest value of each variable, or their edges;
        for several variables a dict by name, or the number for all.
    period
        Of circular variables, their period: bins go from 0 to it. A number, or a dict by name.
    least_time
        Bins in which a unit was observed for less are NaN [ms].
    n_shifts, key
        Number of draws of the null, and their seed or JAX key. 0: no p value.
    least_shift
        Least shift of the null of a continuous recording [ms]; default: a tenth of its duration.

    Returns
    -------
    Dataset. On the variables' names and ``unit``: ``rate`` [Hz], NaN where no time was spent;
    ``occupancy`` [ms]. On ``unit``: ``n_spikes``; ``depth``, (max - min) / (max + min) of the map;
    ``information`` [bits per spike] about the variables,
    :math:`\sum_k p_k \frac{r_k}{r} \log_2 \frac{r_k}{r}`, which few spikes raise; ``chance``, its
    mean over draws in which the variable is shifted in time (of trials: is that of another trial);
    ``p_value``, the share of draws with as much information (counting the data as one);
    ``peak_NAME``, where the rate is highest. Of one circular variable ``direction`` and
    ``vector_length``, as of `tuning_curve`.

    Raises
    ------
    LabelError
        If times or trials of the two do not fit, the step is uneven, or the two do not overlap.
    ValueError
        If bins, periods, or numbers of draws are none.

    Notes
    -----
    Each spike has the value of the nearest sample (of the step that it lies in, where times label
    the ends of steps), as in pynapple; a sample stands for one step. pynapple counts the time of
    all samples for all units; here a sample counts for units that were observed in all of it.

    References
    ----------
    Skaggs et al. (1993), Adv. Neural Inf. Process. Syst. 5:1030.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> time = np.arange(5.0, 100.0, 10.0)
    >>> x = xr.DataArray(np.repeat([0.0, 1.0], 5), {"time": time}, "time", name="x")
    >>> ds = spikes.from_times([[3.0, 7.0, 60.0]], window=(0, 100))
    >>> analysis.tuning_map(ds, x, bins=2, n_shifts=0)["rate"].values.ravel()
    array([40., 20.])
    """
    require_spikes(spikes)
    whole("n_shifts", n_shifts, 0)
    variables = _variables(covariate)
    spikes, variables, step, window = _paired(spikes, variables)
    names = [str(name) for name in variables.data_vars]
    periods = _by_name(period, names, "period")
    edges = {n: _edges(variables[n], n, periods.get(n), _by_name(bins, names, "bins")[n])
             for n in names}  # fmt: skip
    cells = _cells(variables, edges, periods)
    shape = tuple(len(e) - 1 for e in edges.values())
    found, n = samples_of(spikes, step, window), spikes.sizes["unit"]
    count, time = (
        x[0] * f for x, f in zip(sums(found, cells[None], shape, n), (1.0, step), strict=True)
    )
    least = max(plain_number("least_time", least_time, low=0), step / 2)
    rate = np.where(time >= least, 1e3 * count / np.maximum(time, least), np.nan)
    information = information_of(count, np.where(time >= least, time, 0))
    dims = (*names, "unit")
    bits = ("unit", information, "1", "information [bits per spike]")
    out: dict[str, tuple] = {
        "rate": (dims, rate.reshape(*shape, n), "Hz", "firing rate"),
        "occupancy": (dims, time.reshape(*shape, n), "ms", "time spent"),
        "n_spikes": ("unit", count.sum(0).astype(int), "count", "spikes"),
        "depth": ("unit", depth(rate), "1", "depth of tuning"),
        "information": bits,
    }
    centres = {name: (e[:-1] + e[1:]) / 2 for name, e in edges.items()}
    units_of = {name: str(variables[name].attrs.get("units", "1")) for name in names}
    best = np.unravel_index(np.nan_to_num(rate, nan=-1.0).argmax(0), shape)
    for name, where in zip(names, best, strict=True):
        peak = np.where(count.sum(0) > 0, centres[name][where], np.nan)
        out[f"peak_{name}"] = ("unit", peak, units_of[name], f"{name} of the highest rate")
    if len(names) == 1 and names[0] in periods:
        turn = periods[names[0]]
        direction, length = direction_of(rate, centres[names[0]] / turn * 2 * np.pi)
        direction = direction / (2 * np.pi) * turn
        out["direction"] = ("unit", direction, units_of[names[0]], f"preferred {names[0]}")
        out["vector_length"] = ("unit", length, "1", "length of the mean vector")
    if n_shifts:
        rng = generator(key, needed_for="tuning_map")
        order = shifts(cells, n_shifts, step, least_shift, rng)
        drawn = drawn_information(found, cells, order, shape, n, step, least)
        higher = (drawn >= information - 1e-12).sum(0)
        fired = np.isfinite(information)
        p = np.where(fired, (1 + higher) / (1 + n_shifts), np.nan)
        mean = np.where(fired, np.nan_to_num(drawn).mean(0), np.nan)
        out["chance"] = ("unit", mean, "1", "information by chance [bits per spike]")
        out["p_value"] = ("unit", p, "1", "p value of tuning")
    coords = coords_of(spikes, "unit", without=["unit_key"]) | {
        n: (n, centres[n], units_of[n], str(variables[n].attrs.get("long_name", n))) for n in names
    }
    return results(out, coords, dims=names, values=False, step=step, n_shifts=n_shifts)


def _variables(covariate: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Each variable by its name, on (trial, time)."""
    if isinstance(covariate, xr.DataArray):
        if "channel" in covariate.dims:
            covariate = covariate.to_dataset("channel")
        else:
            covariate = covariate.to_dataset(name=covariate.name or "variable")
    if not isinstance(covariate, xr.Dataset):
        raise TypeError(
            f"tuning_map takes labelled variables over time, got {type(covariate).__name__}: "
            "xarray.DataArray(values, {'time': times}, 'time', name='position')."
        )
    found = {str(n): v for n, v in covariate.data_vars.items() if "time" in v.dims}
    wrong = {n: v.dims for n, v in found.items() if not {*v.dims} <= {"trial", "time"}}
    if not found or wrong or len({v.dims for v in found.values()}) > 1:
        held = {n: v.dims for n, v in covariate.data_vars.items()}
        raise LabelError(
            f"tuning_map: variables lie on (time) or (trial, time), got {held}: select one unit or "
            "channel."
        )
    if taken := [n for n in found if n in DIMS]:
        raise LabelError(f"tuning_map: {taken} are names of dims: rename the variables.")
    return xr.Dataset({n: v.astype(np.float64) for n, v in found.items()})


def _paired(
    spikes: xr.Dataset, variables: xr.Dataset
) -> tuple[xr.Dataset, xr.Dataset, float, tuple[float, float]]:
    """Both with the same trials, the samples within the observation, their step and window."""
    if in_trials(spikes) != ("trial" in variables.dims):
        which = "spikes are" if in_trials(spikes) else "the variables are"
        raise LabelError(
            f"tuning_map: {which} in trials, and the others are not: cut both around the same "
            "events (neurodyn.trials.align)."
        )
    if in_trials(spikes):
        spikes, variables = labels.pair(spikes, variables, ["trial"], what=("spikes", "variables"))
    time, step, unit = labels.clock(variables, what="the variables")
    if unit != "ms":
        raise LabelError("tuning_map: the times of the variables count steps: label them in ms.")
    ends = variables["time"].attrs.get("sample") == END_OF_STEP
    low = time - (step if ends else step / 2)
    known = spikes.attrs.get("window", (-np.inf, np.inf))
    inside = (low >= known[0] - TIME_TOLERANCE) & (low + step <= known[1] + TIME_TOLERANCE)
    if not inside.any():
        raise LabelError(
            f"tuning_map: no sample of the variables, {time[0]:g} to {time[-1]:g} ms, lies within "
            f"the observation of the spikes, {known[0]:g} to {known[1]:g} ms."
        )
    low = low[inside]
    dims = [d for d in ("trial", "time") if d in variables.dims]
    variables = variables.isel(time=np.flatnonzero(inside)).transpose(*dims)
    return spikes, variables, float(step), (float(low[0]), float(low[-1] + step))


def _by_name(given: Any, names: Sequence[str], what: str) -> dict[str, Any]:
    """A value for each variable that has one."""
    if isinstance(given, Mapping):
        if unknown := [n for n in given if n not in names]:
            raise ValueError(f"`{what}` names {unknown}; the variables are {list(names)}.")
        if what == "bins" and (lacking := [n for n in names if n not in given]):
            raise ValueError(f"`bins` has none for {lacking}.")
        return dict(given)
    if given is None:
        return {}
    if len(names) > 1 and np.ndim(given):
        raise ValueError(f"`{what}` of several variables is a dict by name, of {list(names)}.")
    return dict.fromkeys(names, given)


def _edges(variable: xr.DataArray, name: str, period: Any, bins: Any) -> np.ndarray:
    """Edges of the bins of a variable."""
    if np.ndim(bins):
        edges = np.asarray(bins, np.float64)
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise ValueError(f"`bins` of '{name}' must be edges that increase, got {bins!r}.")
        return edges
    many = whole("bins", bins)
    if period is not None:
        return np.linspace(0, plain_number("period", period, above=0), many + 1)
    values = variable.values[np.isfinite(variable.values)]
    if not values.size or values.min() == values.max():
        raise LabelError(f"tuning_map: '{name}' does not vary, so that it has no bins.")
    return np.linspace(values.min(), values.max(), many + 1)


def _cells(
    variables: xr.Dataset, edges: Mapping[str, np.ndarray], periods: Mapping[str, Any]
) -> np.ndarray:
    """The bin of each sample (trial, time) in the flat map; -1 for none."""
    cell, inside = np.zeros(1, int), np.ones(1, bool)
    for name, edge in edges.items():
        value = variables[name].values
        value = value[None] if value.ndim == 1 else value
        value = value % float(periods[name]) if name in periods else value
        place = np.searchsorted(edge, value, "right") - 1
        place = np.where(value == edge[-1], len(edge) - 2, place)  # the last bin has both edges
        inside = inside & np.isfinite(value) & (place >= 0) & (place < len(edge) - 1)
        cell = cell * (len(edge) - 1) + place
    return np.where(inside, cell, -1)
