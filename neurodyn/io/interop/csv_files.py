"""CSV: tables of other tools by a mapping, and folders of tables that keep all labels."""

import csv
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.atomic import atomic_path
from neurodyn.io.interop.mapping import needed, recording_of
from neurodyn.io.interop.source import Source
from neurodyn.io.interop.tables import Columns, from_tables, to_tables
from neurodyn.io.interop.texts import as_text, guessed
from neurodyn.labels import LabelError

#: File in a folder of `to_csv` with what CSV has no place for, and with the names of the tables.
NOTE = "neurodyn.json"
SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t|"


def to_csv(
    recording: xr.Dataset | xr.DataTree, path: str | os.PathLike, *, overwrite: bool = False
) -> Path:
    """Write labelled data to a folder of CSV files, one for each table.

    Parameters
    ----------
    recording
        A recording, a run, or a result. Lazy variables are computed.
    path
        Folder to write; written atomically.
    overwrite
        Whether an existing folder may be replaced.

    Returns
    -------
    The folder. It holds the tables of `to_pandas`: ``units.csv``, ``trials.csv``, ``spikes.csv`` in
    long form, signals as wide tables; times in ms. ``neurodyn.json`` holds the units of
    measurement, and what CSV has no place for; with it, `from_csv` and `neurodyn.io.read` give the
    identical data back.

    Raises
    ------
    LabelError
        If `recording` does not follow the convention.
    FileExistsError, FileNotFoundError, PermissionError
        If the folder exists already, or cannot be written.

    Examples
    --------
    >>> to_csv(recording, "session_csv")  # doctest: +SKIP
    """
    if not isinstance(recording, (xr.Dataset, xr.DataTree)):
        raise TypeError(
            f"to_csv takes a Dataset or a DataTree, got a {type(recording).__name__}: DataArrays "
            "by .to_dataset(name='...')."
        )
    tables, note = to_tables(recording)
    files = _file_names(list(tables))
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.mkdir()
        for name, columns in tables.items():
            _write(temporary / files[name], columns)
        about = {"files": files, "note": json.loads(note)}
        (temporary / NOTE).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return Path(path)


def from_csv(
    path: str | os.PathLike | Mapping[str, str | os.PathLike],
    mapping: Mapping[str, Any] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Read a recording from CSV files.

    Parameters
    ----------
    path
        A file with a header (.csv, or .tsv for tabs), several files by name, or a folder: that of
        `to_csv` needs no mapping, the files of others are called by their names without extension.
    mapping
        What each column is; of several files, a column that several of them have is called
        ``"file.column"``.

        - ``"time_unit"``: unit of all times: ``"s"``, ``"ms"``, ``"us"``, ..., or
          ``{"rate": 30000.0}`` if times are numbers of samples.
        - ``"spikes"``: ``{"time": COLUMN, "unit": COLUMN, "trial": COLUMN}``, the last only for
          spikes in trials: a row for each spike.
        - ``"units"``, ``"trials"``: ``{"label": COLUMN, "columns": [COLUMNS]}``, for trials also
          ``"times": [COLUMNS]``, those that hold times, and ``"name"``, that of the table. Several
          rows of one label, as in a table of spikes, become one if they agree. In place of a list,
          ``{OURS: COLUMN}`` gives columns another name.
        - ``"events"``: ``{"licks": {"time": COLUMN, "columns": [COLUMNS]}}``.
        - ``"signals"``: ``{"lfp": {"values": [COLUMNS], "unit": "uV", "time": COLUMN (or "rate":
          1000.0)}}``: a row for each time, a column for each channel.
        - ``"observed"``: start and stop of the recording.
        - ``"delimiter"``, ``"decimal"``: what separates columns, if it is not clear, and the
          decimal mark (``","`` in many countries).

    Returns
    -------
    What `neurodyn.io.read` returns, times in ms.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If a file is no CSV: rows of different length, columns without names, no UTF-8.
    LabelError
        If `mapping` is missing (the error lists the columns), wrong, or does not fit; if two
        columns of a file have one name; or if it is not clear what separates columns.

    Examples
    --------
    >>> mapping = {
    ...     "time_unit": "s",
    ...     "spikes": {"time": "t", "unit": "cell"},
    ...     "units": {"label": "cell", "columns": ["area"]},
    ... }
    >>> recording = from_csv("spikes.csv", mapping)  # doctest: +SKIP
    """
    if isinstance(path, Mapping):
        files = {str(name): Path(each) for name, each in path.items()}
        what = "these files"
    else:
        path = Path(path)
        what = f"'{path}'"
        if path.is_dir():
            if mapping is None and (path / NOTE).exists():
                return _own(path)
            files = {each.stem: each for each in sorted(path.iterdir()) if is_csv(each)}
            if not files:
                raise FileFormatError(f"the folder '{path}' holds no CSV files.")
        else:
            files = {path.stem: path}
    options = dict(mapping or {})
    delimiter, decimal = options.get("delimiter"), options.get("decimal", ".")
    tables = {name: _guessed(_read(each, delimiter), decimal) for name, each in files.items()}
    source = Source(tables, what)
    if mapping is None:
        raise needed(source, "io.read(path, mapping=...)")
    return recording_of(source, mapping)


def is_csv(path: Path) -> bool:
    """Whether a file is CSV by its name, or a folder is one of `to_csv`."""
    return (path / NOTE).is_file() if path.is_dir() else path.suffix.lower() in SUFFIXES


def _file_names(tables: Sequence[str]) -> dict[str, str]:
    """Names of files: those of the tables, without characters that some systems refuse."""
    found: dict[str, str] = {}
    taken = {NOTE}
    for table in tables:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", table.replace("/", "."))[:100].strip(".") or "table"
        name, k = f"{plain}.csv", 1
        while name.lower() in taken:
            k += 1
            name = f"{plain}_{k}.csv"
        taken.add(name.lower())
        found[table] = name
    return found


def _write(path: Path, columns: Columns) -> None:
    texts = [as_text(values) for values in columns.values()]
    try:
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
            writer.writerow(columns)
            writer.writerows(zip(*texts, strict=True))
    except (UnicodeEncodeError, csv.Error) as error:
        raise LabelError(f"{list(columns)} hold text that CSV cannot ({error}).") from error


def _own(folder: Path) -> xr.Dataset | xr.DataTree:
    try:
        about = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        files, note = dict(about["files"]), json.dumps(about["note"])
        plain = all(Path(name).name == name for name in files.values())
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"'{folder / NOTE}' is damaged ({error}): delete it, and read the tables by a mapping."
        ) from error
    lost = [name for name in files.values() if not plain or not (folder / name).is_file()]
    if lost:
        raise FileFormatError(f"the folder '{folder}' lacks '{lost[0]}': copy it again.")
    tables = {name: _read(folder / own, ",", plain=False) for name, own in files.items()}
    return from_tables(tables, note)


def _read(path: Path, delimiter: str | None, *, plain: bool = True) -> Columns:
    """Columns of a file as text; `plain` ones have names that mappings can use."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            given = _delimiter(path, file.readline(1 << 20), delimiter)
            file.seek(0)
            rows = csv.reader(file, delimiter=given, strict=True)
            header = next((row for row in rows if row), [])
            # One list of all cells, because many small lists take much longer.
            cells: list[str] = []
            for k, row in enumerate(rows):
                if row and len(row) != len(header):
                    raise FileFormatError(
                        f"'{path}': row {k + 2} has {len(row)} cells, the header {len(header)}."
                    )
                cells.extend(row)
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"'{path}' is no UTF-8 text ({error.reason} at byte {error.start}): save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise FileFormatError(f"'{path}' is no CSV ({error}): see its quotation marks.") from error
    if not header:
        raise FileFormatError(f"'{path}' is empty: it has no header.")
    if plain:
        header = [name.strip() for name in header]
        _refuse_header(path, header)
    n = len(header)
    return {name: np.array(cells[i::n], object) for i, name in enumerate(header)}


def _delimiter(path: Path, header: str, given: str | None) -> str:
    if given is not None:
        if not isinstance(given, str) or len(given) != 1:
            raise LabelError(f"'delimiter' is {given!r}: give one character, such as ';'.")
        return given
    if path.suffix.lower() == ".tsv":
        return "\t"
    there = [mark for mark in _DELIMITERS if mark in re.sub('"[^"]*"', "", header)]
    if len(there) > 1:
        raise LabelError(
            f"'{path}': its header holds {there}, so that it is not clear what separates columns: "
            "say 'delimiter' in the mapping."
        )
    return there[0] if there else ","


def _refuse_header(path: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1 and name})
    if twice:
        raise LabelError(
            f"'{path}': several columns are called {twice}, so that the name does not say which "
            "one is meant: rename them in the file."
        )
    if "" in header:
        raise FileFormatError(
            f"'{path}': column {header.index('') + 1} has no name: give each column one in the "
            "first row."
        )


def _guessed(columns: Columns, decimal: str) -> Columns:
    if decimal not in (".", ","):
        raise LabelError(f"'decimal' is {decimal!r}: it is '.' or ','.")
    found = {}
    for name, texts in columns.items():
        values = guessed(texts.tolist())
        if decimal == "," and values.dtype.kind == "U" and not any("." in x for x in texts):
            with_point = guessed([text.replace(",", ".") for text in texts])
            values = values if with_point.dtype.kind == "U" else with_point
        found[name] = values
    return found
