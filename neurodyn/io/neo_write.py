"""Write spikes and signals as a neo Block."""

from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io import layout
from neurodyn.labels import LabelError
from neurodyn.labels.convention import OWN_DIMS, SPIKE_COLUMNS
from neurodyn.spikes.gaps import gaps_of
from neurodyn.spikes.join import positions, refuse_single_trial, tidy
from neurodyn.spikes.observation import without

#: Annotation of a Block that holds the labels for which neo has no place.
NOTE = "neurodyn"
#: Columns of sweeps that the times of their signals hold.
_TIMES = ("start_time", "n_valid", "valid_until", "sweep")


def to_neo(ds: xr.Dataset) -> neo.Block:
    """Convert a spike Dataset, or a Dataset of signals, to a neo Block.

    Parameters
    ----------
    ds
        Spike Dataset, which becomes one segment per trial (a single one if continuous) with one
        SpikeTrain per unit. Or signals on (time), (time, channel) or (sweep, time, channel), also
        with `trial` or `unit`, which become one segment per sweep or trial with one signal per
        variable.

    Returns
    -------
    Block in ms and the units of `ds`; unit coordinates are annotations of the spike trains, trial
    coordinates of the segments. `from_neo` gives the identical spike Dataset back.

    Raises
    ------
    LabelError
        If `ds` does not follow the convention or holds neither.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> block = to_neo(spikes.from_times([[10.0, 20.0], [5.0]], window=(0, 100)))
    >>> [len(train) for train in block.segments[0].spiketrains]
    [2, 1]
    """
    if not isinstance(ds, xr.Dataset):
        raise TypeError(
            f"to_neo takes a Dataset, got {type(ds).__name__}; of a DataTree, one node."
        )
    labels.check(ds)
    return _spike_block(ds) if "spike_time" in ds else _signal_block(ds)


def _spike_block(ds: xr.Dataset) -> neo.Block:
    known = {"unit", "trial", "spike", "gap", *ds.attrs.get(OWN_DIMS, [])}
    odd = [n for n, v in ds.variables.items() if not known >= {*v.dims}]
    if odd:
        raise LabelError(f"{odd} have no place in a neo Block: drop them first.")
    refuse_single_trial(ds)
    ds = tidy(ds)
    spike_time, unit, trial = positions(ds)
    n_units, in_trials = ds.sizes["unit"], trial is not None
    n_segments = ds.sizes["trial"] if in_trials else 1
    train = unit + (trial * n_units if in_trials else 0)
    order = np.argsort(train, kind="stable")
    ends = np.cumsum(np.bincount(train, minlength=n_segments * n_units))
    trains = np.split(spike_time[order], ends[:-1])
    notes, seen = [_row(ds, "unit", u) for u in range(n_units)], _observed(ds, spike_time)
    # Annotations do not keep dtypes, so the tables of units and trials go into the note as well.
    tables = [str(n) for n in ds.variables if n not in SPIKE_COLUMNS]
    block = neo.Block(**{NOTE: layout.describe(ds, keep=tables)})
    for s in range(n_segments):
        segment = neo.Segment(index=s, **(_row(ds, "trial", s) if in_trials else {}))
        for u in range(n_units):
            if seen[s][u] is not None:
                times, name = trains[s * n_units + u], str(ds["unit"].values[u])
                segment.spiketrains.append(_train(times, seen[s][u], name=name, **notes[u]))
        block.segments.append(segment)
    return block


def _train(times: np.ndarray, edges: tuple[float, float], **about: Any) -> neo.SpikeTrain:
    # neo's trains are closed at t_stop, and rounding may have moved a spike past the window.
    start, stop = times.min(initial=edges[0]), times.max(initial=edges[1])
    return neo.SpikeTrain(times, units=pq.ms, t_start=start * pq.ms, t_stop=stop * pq.ms, **about)


def _observed(ds: xr.Dataset, spike_time: np.ndarray) -> list[list[tuple[float, float] | None]]:
    """First and last time [ms] that each unit was observed in each trial; None where it was not."""
    start, stop = ds.attrs.get("window", (spike_time.min(initial=0.0), spike_time.max(initial=0.0)))
    n_units = ds.sizes["unit"]
    if "spike_trial" not in ds.variables:
        if not {"window", "obs_intervals", "observed_start"} & {*ds.attrs, *ds.coords}:
            return [[(float(start), float(stop))] * n_units]
        found = spikes.observed_intervals(ds)
        return [[(float(e[0, 0]), float(e[-1, 1])) if len(e) else None for e in found]]
    ends = np.full(ds.sizes["trial"], float(stop))
    if "valid_until" in ds:
        ends = np.fmin(ends, ds["valid_until"].values)
    edges: list[tuple[float, float] | None]
    edges = [(float(start), float(end)) for end in np.repeat(ends, n_units)]
    if (gaps := gaps_of(ds)) is not None:
        numbers = np.arange(len(edges))
        low, high = (np.searchsorted(gaps.cell, numbers, side) for side in ("left", "right"))
        lost = np.stack([gaps.start, gaps.stop], 1)
        for cell in np.flatnonzero(high > low):
            left = without(np.array([edges[cell]]), lost[low[cell] : high[cell]])
            edges[cell] = (float(left[0, 0]), float(left[-1, 1])) if len(left) else None
    return [edges[t * n_units : (t + 1) * n_units] for t in range(ends.size)]


def _row(ds: xr.Dataset, dim: str, i: int, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    taken = ("name", "times", "units", "t_start", "t_stop", "index", "description", "file_origin")
    columns = {n: v for n, v in ds.variables.items() if v.dims == (dim,) and n not in skip}
    return {f"{n}_" if n in taken else str(n): v.values[i].item() for n, v in columns.items()}


def _signal_block(ds: xr.Dataset) -> neo.Block:
    names = [n for n, v in ds.data_vars.items() if "time" in v.dims]
    if not names:
        raise LabelError(f"there are no spikes and no variables on 'time': {list(ds.data_vars)}.")
    axes = {str(dim) for n in names for dim in ds[n].dims}
    split = axes & {"sweep", "trial", "condition"}
    if len(split) > 1 or len(axes - split - {"time"}) > 1:
        raise LabelError(
            f"signals have dims {sorted(axes)}; neo takes sweeps (or trials), time and channels "
            "(or units): select along the others."
        )
    dim = split.pop() if split else None
    ticks = labels.clock(ds, even=False)
    if ticks.unit != "ms":
        raise LabelError(
            "the times count steps, and neo's signals have physical time: label them in ms, "
            ".assign_coords(time=ds.time * dt) with .time.attrs['units'] = 'ms'."
        )
    block = neo.Block(name=ds.attrs.get("title"))
    start = ds["start_time"] if "start_time" in ds and ds["start_time"].dims == (dim,) else None
    for s in range(ds.sizes[dim] if dim else 1):
        one = ds.isel({dim: s}) if dim else ds
        segment = neo.Segment(index=s, **(_row(ds, dim, s, _TIMES) if dim else {}))
        n, begin = _samples(one, ticks.time), 0.0 if start is None else float(start[s])
        for name in names:
            signal = _analog(one[name].isel(time=slice(n)), ticks, begin)
            if isinstance(signal, neo.AnalogSignal):
                segment.analogsignals.append(signal)
            else:
                segment.irregularlysampledsignals.append(signal)
        block.segments.append(segment)
    return block


def _samples(sweep: xr.Dataset, time: np.ndarray) -> int:
    """Number of samples of a sweep; those after its end only pad it."""
    if "valid_until" in sweep and not np.isnan(sweep["valid_until"]):
        inside = time <= float(sweep["valid_until"]) + labels.convention.TIME_TOLERANCE
        return int(inside.sum())
    return int(sweep["n_valid"]) if "n_valid" in sweep else time.size


def _analog(da: xr.DataArray, ticks: labels.Clock, begin: float) -> Any:
    last = [dim for dim in da.dims if dim != "time"]
    values = da.transpose("time", ...).values.reshape(da.sizes["time"], -1)
    unit = {"1": "dimensionless", "count": "dimensionless"}.get(
        da.attrs["units"], da.attrs["units"]
    )
    about: dict[str, Any] = {"name": str(da.name), "units": unit}
    about |= {"long_name": da.attrs["long_name"]} if "long_name" in da.attrs else {}
    if last:
        about["array_annotations"] = _channels(da, str(last[0]))
    time = ticks.time[: len(values)] + begin
    if np.isnan(ticks.step):
        return neo.IrregularlySampledSignal(time * pq.ms, values, **about)
    start = (ticks.time[0] + begin) * pq.ms
    return neo.AnalogSignal(values, t_start=start, sampling_period=ticks.step * pq.ms, **about)


def _channels(da: xr.DataArray, dim: str) -> dict[str, Any]:
    """Columns of the channels; their labels are names if there are no others."""
    columns = {n: c for n, c in da.coords.items() if c.dims == (dim,) and n != dim}
    found = {
        {"channel_name": "channel_names", "channel_id": "channel_ids"}.get(str(n), str(n)): c.values
        for n, c in columns.items()
    }
    if dim in da.coords and da[dim].dtype.kind in "UO" and "channel_names" not in found:
        found["channel_names"] = da[dim].values
    return found
