"""Read the units of an NWB file and their spikes."""

from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr
from hdmf.common import VectorIndex

from neurodyn import spikes
from neurodyn.io.nwb.columns import Columns, add, columns, described, in_ms
from neurodyn.io.nwb.electrodes import unit_electrodes
from neurodyn.io.nwb.observation import observed_intervals, reaching, without_invalid
from neurodyn.io.nwb.values import Unreadable, flat
from neurodyn.io.parts import decode, unit_of, with_variables
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name
from neurodyn.spikes.join import in_order

_AREA_COLUMNS = ("area", "brain_area", "brain_region", "region", "location")
_SKIP = ("spike_times", "obs_intervals", "electrodes")
#: Columns whose unit and sampling rate the table of units states.
_WAVEFORMS = ("waveform_mean", "waveform_sd", "waveforms")


def read_units(
    units: Any, last_stop: float, invalid: np.ndarray | None, left_out: list[str]
) -> xr.Dataset:
    """Read units and their spikes.

    Parameters
    ----------
    units
        The table of units.
    last_stop
        End of the last interval [ms], until which units were observed if there are no
        `obs_intervals`.
    invalid
        Intervals (n, 2) that are invalid for all units [ms].
    left_out
        Takes the names of columns that could not be read, and the reasons.

    Returns
    -------
    Spike Dataset. Columns with one value for each unit are coordinates; columns with several are
    variables on `unit` and dims of their own; columns with one value for each spike lie on `spike`.
    """
    times, by_spike = _spikes(units, left_out)
    found = columns(units, "unit", left_out, "units", {*_SKIP, *by_spike})
    _scale_waveforms(units, found)
    coords = found.coords | _own_area(found.coords)
    electrodes = unit_electrodes(units, {*coords, *found.variables}, left_out)
    coords |= electrodes.coords
    if "area" not in coords and "electrode_group" in units.colnames:
        groups = units["electrode_group"].data[:]
        coords["area"] = ("unit", decode([getattr(g, "location", "") or "" for g in groups]))
    variables = found.variables | electrodes.variables

    names = coords["unit"][1]
    kept, about = _observation(units, names, times, last_stop, invalid, left_out)
    place = np.repeat(np.arange(len(names)), [len(own) for own in times])[kept]
    spike_time = np.concatenate(times)[kept]
    order = in_order(spike_time, place)
    for name, values in by_spike.items():
        own = values[kept] if order is None else values[kept][order]
        text = described(units[name], name)
        own, unit = in_ms(name, own, text)
        add(Columns(coords, variables), name, "spike", own, unit, text)
    ds = spikes.dataset(spike_time, names[place], coords=coords, source="recording", **about)
    return with_variables(ds, variables)


def _spikes(units: Any, left_out: list[str]) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Spike times of each unit [ms], and the columns with a value for each spike."""
    times = _spike_times(units)
    by_spike = _by_spike(units, np.array([len(each) for each in times], np.int64))
    there = ~np.isnan(np.concatenate(times))
    if not there.all():  # trains that were padded
        left_out.append(f"units/spike_times: {(~there).sum()} NaN, which are no spikes")
        by_spike = {name: values[there] for name, values in by_spike.items()}
        times = [own[~np.isnan(own)] for own in times]
    return times, by_spike


def _spike_times(units: Any) -> list[np.ndarray]:
    """Spike times of each unit [ms]."""
    column = units["spike_times"]
    if not hasattr(column, "target"):
        raise LabelError("units/spike_times: it has no index that tells the units of the spikes.")
    ends = np.asarray(column.data[:], np.int64)
    spike_time = np.asarray(column.target.data[:], np.float64) * 1e3
    if (np.diff(ends, prepend=0) < 0).any() or ends[-1] != len(spike_time):
        raise LabelError(
            f"units/spike_times: its index ends at {ends[-1]}, and there are {len(spike_time)} "
            "spikes. The file is damaged, or was written wrongly."
        )
    return np.split(spike_time, ends[:-1])


def _observation(
    units: Any,
    names: np.ndarray,
    times: list[np.ndarray],
    last_stop: float,
    invalid: np.ndarray | None,
    left_out: list[str],
) -> tuple[np.ndarray, dict[str, Any]]:
    """Which spikes are valid, and when units were observed, as `spikes.dataset` takes it."""
    spike_time = np.concatenate(times)
    # Without a word of the file, the last spike is within what was observed, not just after it.
    last = np.nextafter(spike_time.max(initial=-np.inf), np.inf)
    whole = (min(0.0, spike_time.min(initial=0.0)), max(last_stop, last))
    everything = np.ones(spike_time.shape, bool)
    if "obs_intervals" not in units.colnames and invalid is None:
        ((start, stop),) = reaching(np.array([whole]), spike_time).tolist()
        return everything, {"window": (start, stop) if whole[1] > whole[0] else None}
    seen = observed_intervals(units, names, times, whole)
    if invalid is None:
        return everything, {"observed": seen}
    kept, seen = without_invalid(times, seen, invalid, left_out)
    return np.concatenate(kept), {"observed": seen}


def _by_spike(units: Any, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Columns with a value for each spike: ragged ones with as many values as spikes."""
    found = {}
    for name in units.colnames:
        column = units[name]
        if name in _SKIP or not isinstance(column, VectorIndex) or not counts.any():
            continue
        ends = np.asarray(column.data[:], np.int64)
        if np.array_equal(np.diff(ends, prepend=0), counts) and (counts != 1).any():
            with suppress(Unreadable):
                values = flat(column.target) if not hasattr(column.target, "target") else None
                if values is not None and values.shape == (counts.sum(),):
                    found[name] = values
    return found


def _scale_waveforms(units: Any, found: Columns) -> None:
    """Waveforms in our unit, on dims that their columns share."""
    scale, unit, *_ = unit_of(str(units.waveform_unit or "volts"))
    axes = ("unit", "waveform_sample", "waveform_channel")
    for name in _WAVEFORMS:
        if name not in found.variables:
            continue
        dims, values, _, text = found.variables[name]
        mean = found.variables.get("waveform_mean", (dims, values))[1]
        if name != "waveforms" and values.shape == mean.shape[: values.ndim] and values.ndim < 4:
            dims = axes[: values.ndim]
        found.variables[name] = (dims, values * scale, unit, text)
    rate = float(units.waveform_rate or 0.0)
    if rate > 0 and "waveform_sample" in found.own_dims:
        n = found.variables["waveform_mean"][1].shape[1]
        before = float(getattr(units, "waveform_time_before_peak_in_ms", None) or 0.0)
        time = np.arange(n) * (1e3 / rate) - before
        found.coords["waveform_time"] = ("waveform_sample", time, "ms", "time in the waveform")


def _own_area(own: dict[str, tuple]) -> dict[str, tuple]:
    """The area of each unit, if a column of the units tells it."""
    if "area" in own:
        return {}
    names = [name for name in map(free_name, _AREA_COLUMNS) if name in own]
    return {"area": ("unit", own[names[0]][1])} if names else {}
