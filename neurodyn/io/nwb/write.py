"""Write recordings as Neurodata Without Borders files (NWB 2), with pynwb."""

import datetime
import os
import uuid
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pynwb import NWBHDF5IO, NWBFile
from pynwb.file import Subject

from neurodyn.io import layout
from neurodyn.io.atomic import atomic_path
from neurodyn.io.nwb.write_signals import add_signals, check_signals
from neurodyn.io.nwb.write_tables import Places, add_table, file_name, module_of
from neurodyn.io.nwb.write_units import aside, checked, clock, trials_table, units_table
from neurodyn.io.pieces import is_signal, row_dim
from neurodyn.labels import LabelError

#: Attributes that are fields of an NWB file, text or lists of texts.
_SESSION = (
    *("session_id", "institution", "lab", "experimenter", "experiment_description", "keywords"),
    *("related_publications", "protocol", "notes", "pharmacology", "surgery", "virus", "slices"),
    *("stimulus_notes", "data_collection"),
)
_LISTS = ("experimenter", "keywords", "related_publications")
_SUBJECT = ("subject_id", "species", "age", "sex", "genotype", "strain")
#: What is said of a subject of which nothing is known; its age is at least 0 days.
_UNKNOWN = {"subject_id": "unknown", "species": "unknown", "sex": "U", "age": "P0D/"}
#: Arrays above this size go into the scratch space, smaller ones into the text.
_LARGE = 256


def to_nwb(
    recording: xr.Dataset | xr.DataTree,
    path: str | os.PathLike,
    *,
    overwrite: bool = False,
    session_description: str | None = None,
    identifier: str | None = None,
    session_start_time: datetime.datetime | None = None,
) -> Path:
    """Write a recording to an NWB file that any NWB reader understands.

    Parameters
    ----------
    recording
        What `neurodyn.io.read` returns: a spike Dataset, continuous or in trials (see
        `neurodyn.spikes`); signals, also those of a run of a model; a table; or a DataTree of
        `spikes`, `intervals/NAME`, `events/NAME`, `signals/NAME`, `tables/NAME`.
    path
        File to write, usually `.nwb`; written atomically.
    overwrite
        Whether an existing file may be replaced.
    session_description, identifier
        Required by NWB. Default: those in attrs, else "neurodyn recording" and a new UUID.
    session_start_time
        Start of the recording. Default: that in attrs, else 1970-01-01 UTC, which means "unknown".

    Returns
    -------
    The path.

    Raises
    ------
    LabelError
        If `recording` does not follow the convention, or holds variables for which NWB has no
        place. Nothing is written then.
    FileExistsError, FileNotFoundError, PermissionError
        If the file exists already, or its folder does not or cannot be written to.

    Notes
    -----
    `neurodyn.io.read` gives the identical recording back: order, attrs, dtypes and times bit by
    bit. Where NWB would lose something, such as the last digit of milliseconds on the way through
    seconds (relative error 2e-16), it is stored as well: in columns whose names end in `_ms`, or in
    the scratch space of the file.

    Other readers see:

    * Spikes in the table of units, unit and trial coordinates as columns of the tables of units and
      trials, and `obs_intervals`. Spikes in trials get absolute times from `event_time` (trial).
      Without it, as in runs of a model, times are written as if the trials had followed one
      another. A column `spike_trial` holds the trial of each spike. Spikes of units and trials that
      are not selected are not written (`neurodyn.spikes.tidy`).
    * Intervals as `TimeIntervals` of their names; events and tables of other kinds in the
      processing modules "events" and "tables".
    * Signals in the acquisition: as `ElectricalSeries` with a table of electrodes if they are
      voltages (time, channel) and the channels have positions, areas or electrode ids, else as
      `TimeSeries`, in the unit of NWB by their `conversion`; with a rate if their times are even.
      Sweeps, trials and conditions are series of their own, ``NAME_SWEEP``, and several variables
      ``NAME_VARIABLE``. Lazy signals are computed and written some samples at a time.
    * Facts on session and subject in the fields of the file, from attributes of their names.

    Names that NWB does not have (with ``/`` or ``:``) or keeps for itself are changed there.

    Examples
    --------
    >>> to_nwb(spikes.from_times([[10.0, 20.0]]), "session.nwb")  # doctest: +SKIP
    """
    parts = _checked(recording)
    about = {k: v for ds in reversed(parts.values()) for k, v in ds.attrs.items()}
    nwbfile = _file(about, session_description, identifier, session_start_time)
    texts: dict[str, str] = {}
    electrodes: dict[str, int] = {}
    for at, ds in parts.items():
        texts[at] = _add(nwbfile, at, ds, electrodes)
    tree = isinstance(recording, xr.DataTree)
    text = layout.joined(texts, tree=tree, name=recording.name if tree else None)
    nwbfile.add_scratch(text, name="neurodyn", description="labels of the xarray objects (JSON)")
    with atomic_path(path, overwrite=overwrite) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with NWBHDF5IO(str(temporary), "w") as io:
            io.write(nwbfile)
    return Path(path)


def _checked(recording: Any) -> dict[str, xr.Dataset]:
    """Parts of a recording by path; refuse those that cannot be written."""
    if not isinstance(recording, (xr.Dataset, xr.DataTree)):
        given = type(recording).__name__
        fix = ": .to_dataset(name='...')" if given == "DataArray" else ""
        raise TypeError(f"to_nwb takes a Dataset or a DataTree, got a {given}{fix}.")
    parts = layout.parts_of(recording)
    for at, ds in parts.items():
        if "spike_time" in ds:
            parts[at] = checked(ds, at)
        elif is_signal(ds):
            check_signals(at, ds)
        elif ds.variables and not row_dim(ds):
            raise LabelError(
                f"'{at or 'the Dataset'}' has neither spikes, nor signals on 'time', nor rows of a "
                f"table: {list(ds.variables)} have no place in an NWB file. Use neurodyn.save."
            )
    if not any(ds.dims for ds in parts.values()):
        raise LabelError("there is nothing to write: no spikes, signals or tables.")
    return parts


def _add(nwbfile: NWBFile, at: str, ds: xr.Dataset, electrodes: dict[str, int]) -> str:
    """Add a part to the file; returns the text that describes it."""
    places: Places = {}
    if "spike_time" in ds:
        keep = _add_spikes(nwbfile, at, ds, places)
    elif is_signal(ds):
        keep = add_signals(nwbfile, at, ds, places, electrodes)
    elif row_dim(ds):
        keep = add_table(nwbfile, at, ds, places)
    else:
        keep = {str(name) for name in ds.variables}
    for name in [*keep]:
        values = ds[name].values
        if values.size > _LARGE and values.dtype.kind in "iuf" and values.dtype.itemsize in (4, 8):
            held = f"values_{len(nwbfile.scratch or ())}"
            nwbfile.add_scratch(values, name=held, description=f"{at}/{name}".replace("\0", " "))
            places[name] = {"table": "scratch", "column": held, "unit": ""}
            keep = keep - {name}
    return layout.describe(ds, columns=places, keep=keep)


def _add_spikes(nwbfile: NWBFile, at: str, ds: xr.Dataset, places: Places) -> set[str]:
    event, window = clock(ds)
    if nwbfile.units is None and at in ("", "spikes"):
        nwbfile.units = units_table("units", ds, event, places)
    else:
        module = module_of(nwbfile, "spikes")
        name = file_name(at.replace("/", "_"), [*module.data_interfaces])
        module.add(units_table(name, ds, event, places))
    keep = aside(ds)
    if "trial" in ds.dims and nwbfile.trials is None:
        nwbfile.trials = trials_table(ds, event, window, places)
    elif "trial" in ds.dims:
        keep |= {str(n) for n, v in ds.variables.items() if v.dims[:1] == ("trial",)}
    return keep


def _file(
    about: dict[str, Any],
    description: str | None,
    identifier: str | None,
    start: datetime.datetime | str | None,
) -> NWBFile:
    """The file, with what attributes say of session and subject."""
    start = start or about.get("session_start_time")
    start = _date(start) if isinstance(start, str) else start
    start = start or datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    facts = {n: _texts(n, about[n]) for n in _SESSION if about.get(n) is not None}
    subject = {n: _clean(about[n]) for n in _SUBJECT if isinstance(about.get(n), str) and about[n]}
    return NWBFile(
        session_description=_clean(description or about.get("session_description"))
        or "neurodyn recording",
        identifier=_clean(identifier or about.get("identifier")) or str(uuid.uuid4()),
        session_start_time=start if start.tzinfo else start.replace(tzinfo=datetime.UTC),
        subject=Subject(**(_UNKNOWN | subject)),
        **{n: v for n, v in facts.items() if v},
    )


def _date(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def _texts(name: str, value: Any) -> str | list[str]:
    texts = [_clean(each) for each in np.atleast_1d(np.asarray(value, object)).tolist()]
    return texts if name in _LISTS else "; ".join(texts)


def _clean(text: Any) -> str:
    return str(text or "").replace("\0", " ").encode("utf-8", "replace").decode()
