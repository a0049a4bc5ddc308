"""Read recordings in Neurodata Without Borders files (NWB 2), with pynwb."""

import os
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.nwb.events import read_rows
from neurodyn.io.nwb.observation import ObservationWarning
from neurodyn.io.nwb.open import Opened, opened
from neurodyn.io.nwb.places import named_series, other_parts
from neurodyn.io.nwb.restore import restored
from neurodyn.io.nwb.session import session_attrs
from neurodyn.io.nwb.signals import read_signals
from neurodyn.io.nwb.tables import read_tables
from neurodyn.io.parts import combine, cut_trials
from neurodyn.io.select import Cutter
from neurodyn.io.selection import Selection
from neurodyn.labels import LabelError
from neurodyn.labels.convention import Window


def from_nwb(
    source: Any,
    *,
    align_event: str | None = None,
    window: Window | None = None,
    until: str | None = None,
    trials: str | None = None,
    invalid: Literal["raise", "drop"] = "raise",
    channels: Any = None,
    units: Any = None,
    signals: bool | str | Sequence[str] = True,
    lazy: bool | None = None,
) -> xr.Dataset | xr.DataTree:
    """Read an NWB file or object.

    Parameters
    ----------
    source
        Path, or a `pynwb.NWBFile`.
    align_event
        A time column of the trial table, e.g. "start_time" or "go_cue_time": the spikes are cut
        into trials around it, and signals if they are asked for by name or if there are no spikes.
        See `neurodyn.trials.align`.
    window
        With `align_event`, start and stop around that event [ms]. Without it, the section of the
        recording to read [ms]: spikes and samples with ``start <= time < stop``, and the rows of
        tables that overlap it. An edge may be infinite.
    until
        A time column that ends each trial.
    trials
        Name of the interval table with the trials; needed if there are several.
    invalid
        Treatment of trials outside of the recording: "raise" or "drop".
    channels, units
        Labels of the channels and units to read, in the order in which they are to stand. A signal
        with other channels only is left out, and listed in `not_read`; one without a dim `channel`
        is kept.
    signals
        Names of the signals to read, as in the result or in the file; or whether to read signals.
    lazy
        Whether signals stay in the file, as dask arrays that open it when they are computed. The
        default leaves those above 1 GiB there. False loads all. Those of a `pynwb.NWBFile` need its
        file to stay open.

    Returns
    -------
    A spike Dataset with the trial table on `trial` if the file holds nothing else; else a DataTree
    of `spikes`, `intervals/NAME`, `events/NAME`, `tables/NAME` and `signals/NAME`. A file written
    by `to_nwb` comes back identical.

    Columns of tables are coordinates. Ragged ones and those with several values in each row are
    variables on a further dim, ``NAME_index``: rows are padded by NaN (text by ""), and ``n_NAME``
    counts their values. Columns of units with one value for each spike lie on `spike`.
    Enumerations and references to objects are names, references to rows of a table are ids;
    references to parts of series are ``NAME``, ``NAME_first_sample`` and ``NAME_n_samples``.
    Columns whose names end in ``_time``, ``_times``, ``_timestamp`` or ``_timestamps`` (or are one
    of these words, or ``rt``), and those whose description names a unit of time, "(s)" or "in ms",
    are converted to ms: from seconds, as NWB defines, unless the description says else. Other
    columns stay unchanged, because NWB does not store their unit.

    `unit` and `trial` are the ids in the file; if ids repeat, they are numbered, and the ids are
    `unit_id` and `trial_id`. A column that is called like a dim or a coordinate of the library gets
    an underscore, as ``time_``; one of both units and trials is called ``unit_NAME`` and
    ``trial_NAME`` where they are joined. The place of a unit (`electrode_id`, `area`, `x`, `y`,
    `z` and other columns of electrodes) is that of its only electrode, or of the one with the
    largest `waveform_mean`; ``electrode_NAME`` if the units have a column NAME.

    Units were observed in their `obs_intervals`, but for `invalid_times`, whose spikes are left
    out, with a warning. Units without `obs_intervals` count as observed while any other was, with a
    warning; if no unit has any, from 0 (or the first spike) until the last spike or interval ends.

    Signals are what pynwb's `get_data_in_units` returns, with voltages in mV, currents in pA and
    conductances in nS; other units stay as they are spelled. Whole numbers become float32 if they
    are scaled, or float64 if they have more than 16 bits or an offset. Time stamps that are even to
    float precision become even times. `channel` is the id of the electrode or of the ROI, whose
    columns are coordinates, or "x", "y" and "z" of positions. Spectral decompositions have a dim
    `band`, images `x` and `y`. Signals of one name in several places are called ``PLACE_NAME``, as
    ``acquisition_lfp``. Series of words are `events`, and IntervalSeries `intervals`.

    The attribute `not_read` lists the parts that could not be labelled, and the reasons.

    Raises
    ------
    FileFormatError
        If the file is damaged or not NWB.
    LabelError
        If it holds no spikes, signals or intervals; a unit has spikes outside of its
        `obs_intervals`; a channel, unit or signal that was asked for is
        not there; or trials cannot be cut with these options.

    Notes
    -----
    Only what was asked for is read. Memory is needed for what is returned, for the times of the
    samples (8 bytes each, some four times that while they are checked), and for blocks of some 50
    MB. Compressed data are read in the chunks of the file, of which each must fit in memory.

    Examples
    --------
    >>> session = from_nwb("session.nwb")  # doctest: +SKIP
    >>> trials = from_nwb(
    ...     "session.nwb", align_event="go_cue_time", window=(-500, 1000)
    ... )  # doctest: +SKIP
    """
    selection = Selection.of(window, channels, units, signals, lazy, align_event=align_event)
    result = read_nwb(source, selection)
    around = None if align_event is None else window
    how: dict[str, Any] = {"until": until, "trials": trials, "invalid": invalid}
    return cut_trials(result, align_event, around, signals=selection.cut, **how)


def read_nwb(
    source: Any, selection: Selection, *, checked: bool = False
) -> xr.Dataset | xr.DataTree:
    """Read what was asked for of an NWB file or object, which may be `checked` for its heaps.

    Raises
    ------
    FileFormatError, LabelError
        As `from_nwb`.
    """
    try:
        with (
            opened(source, checked=checked) as file,
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", ObservationWarning)
            if "neurodyn" in (file.nwbfile.scratch or {}):
                result = restored(file.nwbfile, selection, reopen=file.nwbfile is not source)
            else:
                result = _foreign(file, selection, reopen=file.nwbfile is not source)
    except (LabelError, FileFormatError, FileNotFoundError):
        raise
    except Exception as error:  # h5py and hdmf raise many kinds
        if not isinstance(source, (str, os.PathLike)):
            raise
        raise FileFormatError(
            f"'{source}' is NWB, but damaged or malformed ({type(error).__name__}: {error}). "
            "`python -m pynwb.validate FILE` lists its mistakes."
        ) from error
    for each in caught:
        warnings.warn(each.message, stacklevel=3)
    return result


def _foreign(file: Opened, selection: Selection, *, reopen: bool) -> xr.Dataset | xr.DataTree:
    """Read a file that was not written by `to_nwb`."""
    nwbfile, left_out = file.nwbfile, file.broken
    cutter = Cutter(selection, left_out)
    parts = read_tables(nwbfile, left_out)
    tables = [p.removeprefix("intervals/") for p in parts if p.startswith("intervals/")]
    series = named_series(nwbfile, tables)
    signals = {path: each for path, each in series.items() if path.startswith("signals/")}
    for path, each in series.items():
        if path not in signals and (rows := read_rows(each, path, left_out)) is not None:
            parts[path] = rows
    parts = {path: cut for path, ds in parts.items() if (cut := cutter(path, ds)) is not None}
    if selection.signals is True and selection.spikes_first and "spikes" in parts:
        selection = selection._replace(signals=False)
    parts |= read_signals(signals, selection, cutter, reopen=reopen)
    cutter.check()
    left_out += other_parts(nwbfile)
    about = session_attrs(nwbfile) | file.dates
    return combine(parts, about | ({"not_read": left_out} if left_out else {}))
