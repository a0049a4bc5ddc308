"""Read recordings in Neurodata Without Borders files (NWB 2), with pynwb."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from pynwb import NWBHDF5IO, TimeSeries

from neurodyn.io import layout
from neurodyn.io.archive import FileFormatError
from neurodyn.io.nwb_observation import ObservationWarning
from neurodyn.io.nwb_session import session_attrs
from neurodyn.io.nwb_tables import read_tables
from neurodyn.io.parts import combine, cut_trials, decode, signal
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Window

#: Size [bytes] above which a signal is left out unless it is asked for: raw data.
_LARGE = 1 << 30


def from_nwb(
    source: Any,
    *,
    align_event: str | None = None,
    window: Window | None = None,
    until: str | None = None,
    trials: str | None = None,
    invalid: Literal["raise", "drop"] = "raise",
    signals: bool | Sequence[str] = True,
) -> xr.Dataset | xr.DataTree:
    """Read an NWB file or object.

    Parameters
    ----------
    source
        Path, or a `pynwb.NWBFile`.
    align_event
        A time column of the trial table, e.g. "start_time" or "go_cue_time": the spikes are cut
        into trials around it, and only they are returned. See `neurodyn.spikes.align`.
    window
        Start and stop around that event [ms].
    until
        A time column that ends each trial.
    trials
        Name of the interval table with the trials; needed if there are several.
    invalid
        Treatment of trials outside of the recording: "raise" or "drop".
    signals
        Whether to read continuous signals, or the names of those to read. True leaves out signals
        above 1 GiB, because these are usually raw data.

    Returns
    -------
    A spike Dataset with the trial table on `trial` if the file holds nothing else; else a DataTree
    of `spikes`, `intervals/NAME` and `signals/NAME`. A file written by `to_nwb` comes back
    identical. `start_time`, `stop_time` and float columns whose names end in `_time` are converted
    from seconds to ms. Other columns stay unchanged, because NWB does not store their unit. `area`
    is the location of a unit's electrode. The attribute `not_read` lists the parts that could not
    be labelled.

    Raises
    ------
    FileFormatError
        If the file is damaged or not NWB.
    LabelError
        If it holds no spikes, signals or intervals, or trials cannot be cut with these options.

    Examples
    --------
    >>> session = from_nwb("session.nwb")  # doctest: +SKIP
    >>> trials = from_nwb(
    ...     "session.nwb", align_event="go_cue_time", window=(-500, 1000)
    ... )  # doctest: +SKIP
    """
    with _opened(source) as nwbfile, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ObservationWarning)
        if "neurodyn" in (nwbfile.scratch or {}):
            result = _restored(nwbfile)
        else:
            result = _foreign(nwbfile, () if align_event else signals)
    for each in caught:
        warnings.warn(each.message, stacklevel=2)
    return cut_trials(result, align_event, window, until=until, trials=trials, invalid=invalid)


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    if not isinstance(source, (str, os.PathLike)):
        if not hasattr(source, "intervals"):
            raise TypeError(
                f"from_nwb takes a path or a pynwb.NWBFile, got {type(source).__name__}"
            )
        yield source
        return
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no file '{path}'.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            io = NWBHDF5IO(str(path), "r", load_namespaces=True)
            nwbfile = io.read()
    except Exception as error:  # hdmf raises many kinds, down to KeyError
        raise FileFormatError(
            f"'{path}' cannot be read as NWB: {error}. Is it an NWB 2 file, and complete? "
            "(`python -m pynwb.validate FILE` lists its mistakes.)"
        ) from error
    with io:
        yield nwbfile


def _restored(nwbfile: Any) -> xr.Dataset:
    """Read back what `to_nwb` wrote."""
    text = str(np.asarray(nwbfile.get_scratch("neurodyn")).item())
    try:
        arrays = _stored_arrays(nwbfile, layout.columns(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"this NWB file was written by neurodyn but is damaged or was changed since: {error} "
            "is not where it was."
        ) from error
    return layout.restore(text, arrays)


def _stored_arrays(nwbfile: Any, places: dict[str, dict[str, str]]) -> dict[str, np.ndarray]:
    tables = {"units": nwbfile.units, "trials": nwbfile.trials}
    ends = np.asarray(nwbfile.units["spike_times"].data[:], np.int64)
    arrays = {"spike_unit": np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))}
    of_spikes = {"spike_unit"}
    for name, place in places.items():
        column = tables[place["table"]][place["column"]]
        of_spikes |= {name} if hasattr(column, "target") else set()
        values = getattr(column, "target", column).data[:]
        arrays[name] = decode(values) if place["unit"] != "s" else values * 1e3
    by = [arrays[n] for n in ("spike_time", "spike_unit", "spike_trial") if n in arrays]
    order = np.lexsort(by)
    sorted_spikes = {n: v[order] for n, v in arrays.items() if n in of_spikes}
    return arrays | sorted_spikes


def _foreign(nwbfile: Any, signals: bool | Sequence[str]) -> xr.Dataset | xr.DataTree:
    """Read a file that was not written by `to_nwb`."""
    left_out: list[str] = []
    parts = read_tables(nwbfile, left_out)
    if signals:
        parts |= _read_signals(nwbfile, signals, left_out)
    return combine(parts, session_attrs(nwbfile) | ({"not_read": left_out} if left_out else {}))


def _read_signals(
    nwbfile: Any, wanted: bool | Sequence[str], left_out: list[str]
) -> dict[str, xr.Dataset]:
    parts: dict[str, xr.Dataset] = {}
    names = wanted if isinstance(wanted, Sequence) else None
    for series in nwbfile.objects.values():
        if not isinstance(series, TimeSeries):
            continue
        asked = names is None or series.name in names
        problem = _unreadable(series, large=names is None) if asked else "not asked for"
        path = f"signals/{series.name}"
        if path in parts:
            problem = "a second signal of this name"
        if problem:
            left_out.append(f"{path}: {problem}")
        else:
            parts[path] = _read_series(series)
    missing = [name for name in names or () if f"signals/{name}" not in parts]
    if missing:
        raise LabelError(f"no signal {missing} could be read: {'; '.join(left_out)}.")
    return parts


def _unreadable(series: Any, *, large: bool) -> str | None:
    data = series.data
    if data is None or not hasattr(data, "dtype") or np.ndim(data) not in (1, 2) or not len(data):
        return "not an array (time) or (time, channel)"
    if np.dtype(data.dtype).kind not in "fiu":
        return f"holds {data.dtype}, not numbers"
    if large and data.size * np.dtype(data.dtype).itemsize > _LARGE:
        return f"larger than 1 GiB; ask for it by signals=['{series.name}']"
    if series.timestamps is not None:
        if len(series.timestamps) != len(data):
            return "as many time stamps as samples are needed"
        if not (np.diff(series.timestamps[:]) > 0).all():
            return "its time stamps do not increase"
    elif not series.rate:
        return "neither time stamps nor a rate"
    return None


def _read_series(series: Any) -> xr.Dataset:
    values = np.asarray(series.data[:])
    if series.timestamps is not None:
        time = np.asarray(series.timestamps[:], np.float64) * 1e3
    else:
        start = float(series.starting_time or 0.0)
        time = start * 1e3 + np.arange(len(values)) * (1e3 / float(series.rate))
    if series.offset:
        values = values + series.offset / (series.conversion or 1.0)
    text = str(series.description or "").strip()
    return signal(
        values,
        str(series.unit or ""),
        time,
        dims=("time", "channel")[: values.ndim],
        long_name=series.name if text in ("", "no description") else text,
        factor=float(series.conversion or 1.0),
    )
