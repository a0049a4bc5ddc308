"""To and from pandas: labelled data as DataFrames."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurodyn.io import layout
from neurodyn.io.interop.mapping import needed, recording_of
from neurodyn.io.interop.source import Source
from neurodyn.io.interop.tables import from_tables, to_tables
from neurodyn.labels import LabelError

#: Entry of `DataFrame.attrs` with the note, and with the units of the columns.
NOTE, UNITS = "neurodyn", "units"


def to_pandas(
    data: xr.Dataset | xr.DataArray | xr.DataTree,
) -> dict[str, pd.DataFrame]:
    """Convert labelled data to DataFrames: tables of units and trials, spikes in long form.

    Parameters
    ----------
    data
        A recording, a run, or a result. Lazy variables are computed.

    Returns
    -------
    One DataFrame for each table, by name; names of the parts of a DataTree begin with their path
    (``signals/lfp/v``).

    - ``units``, ``trials``, ``spikes``, or the name of another dim: what lies on this dim alone,
      one row for each of its entries. `spikes` is in long form: a row for each spike, with
      `spike_time` [ms], and `spike_unit` and `spike_trial`, the labels of its unit and trial.
    - the name of a variable on (time, channel), or time and another dim: a wide table, a row for
      each time and a column for each channel.
    - ``trial_unit`` and so on: what lies on several dims in long form, one column of labels for
      each dim.

    ``frame.attrs["units"]`` holds the unit of each column, ``frame.attrs["neurodyn"]`` what pandas
    has no place for; `from_pandas` gives the identical data back.

    Raises
    ------
    LabelError
        If `data` does not follow the convention.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> frames = to_pandas(spikes.from_times([[10.0, 20.0], [5.0]], window=(0, 100)))
    >>> frames["spikes"].spike_time.tolist(), frames["spikes"].spike_unit.tolist()
    ([10.0, 20.0, 5.0], [0, 0, 1])
    """
    if isinstance(data, xr.DataArray):
        data = data.to_dataset(name=data.name or "values")
    if not isinstance(data, (xr.Dataset, xr.DataTree)):
        raise TypeError(
            f"to_pandas takes a Dataset, DataArray or DataTree, got a {type(data).__name__}."
        )
    tables, note = to_tables(data)
    parts = layout.parts_of(data)
    frames = {}
    for name, columns in tables.items():
        at = max((at for at in parts if name.startswith(f"{at}/")), key=len, default="")
        frame = pd.DataFrame(columns)
        variables = parts[at].variables
        units = {n: variables[n].attrs.get("units", "1") for n in columns if n in variables}
        frame.attrs = {UNITS: units, NOTE: note}
        frames[name] = frame
    return frames


def from_pandas(
    frames: pd.DataFrame | Mapping[str, pd.DataFrame], mapping: Mapping[str, Any] | None = None
) -> xr.Dataset | xr.DataTree:
    """Convert DataFrames to labelled data.

    Parameters
    ----------
    frames
        DataFrames by name; or a single one. Those of `to_pandas` need no mapping. Columns are found
        by name and entries by label, so that rows and columns may be in another order, and rows may
        have been taken out of the tables of units, trials and spikes.
    mapping
        What each column is: see `neurodyn.io.from_csv`. With several DataFrames, a column that
        several of them have is called ``"frame.column"``. An index with a name is a column.

    Returns
    -------
    The Dataset or DataTree that `to_pandas` was given, or the recording that the mapping describes.

    Raises
    ------
    LabelError
        If `mapping` is missing for DataFrames that `to_pandas` did not make, or does not fit them.
    FileFormatError
        If a DataFrame or column of `to_pandas` is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"t": [0.01, 0.02, 0.005], "cell": ["a", "a", "b"]})
    >>> mapping = {"time_unit": "s", "spikes": {"time": "t", "unit": "cell"}}
    >>> from_pandas(frame, mapping).spike_time.values
    array([10., 20.,  5.])
    """
    if not isinstance(frames, (pd.DataFrame, Mapping)):
        raise TypeError(
            f"from_pandas takes DataFrames, or a dict of them, got a {type(frames).__name__}."
        )
    named = {"table": frames} if isinstance(frames, pd.DataFrame) else dict(frames)
    wrong = [name for name, frame in named.items() if not isinstance(frame, pd.DataFrame)]
    if wrong:
        raise TypeError(f"from_pandas takes DataFrames, and '{wrong[0]}' is none.")
    tables = {name: _columns(frame) for name, frame in named.items()}
    if mapping is not None:
        return recording_of(Source(tables, "these DataFrames"), mapping)
    notes = {frame.attrs[NOTE] for frame in named.values() if NOTE in frame.attrs}
    if len(notes) != 1:
        raise needed(Source(tables, "these DataFrames"), "from_pandas(frames, mapping)")
    return from_tables(tables, notes.pop())


def _columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    frame = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LabelError(
            f"several columns are called {twice}, so that the name does not say which one is "
            "meant: rename them."
        )
    return {name: _values(frame.iloc[:, i]) for i, name in enumerate(names)}


def _values(column: pd.Series) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        missing = column.isna()
        column = column.astype(object).where(~missing, "") if missing.any() else column
        return np.asarray(column, object)
    if isinstance(column.dtype, pd.api.extensions.ExtensionDtype) and column.isna().any():
        return column.to_numpy(np.float64, na_value=np.nan)
    return np.asarray(column)
