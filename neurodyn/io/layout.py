"""Keep labels through formats that have no place for them: attrs, dims, dtypes, exact times.

A format such as NWB stores the arrays in its own places. `describe` puts the rest into a JSON text
that is stored with them, and `restore` builds the identical Dataset from both.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.io.archive import FileFormatError
from neurodyn.labels import LabelError
from neurodyn.labels.convention import SPIKE_COLUMNS, SPIKE_KEYS
from neurodyn.spikes.combine import from_positions

VERSION = 1


def describe(
    ds: xr.Dataset,
    *,
    columns: Mapping[str, Mapping[str, str]] | None = None,
    keep: Iterable[str] = (),
) -> str:
    """Describe a Dataset as JSON, for a format that stores only its arrays.

    Parameters
    ----------
    ds
        The Dataset.
    columns
        Place of each array in the file: ``{name: {"table": ..., "column": ..., ...}}``.
    keep
        Variables whose values go into the text; those of scalars always do.
    """
    kept, variables = set(keep), {}
    for name, variable in ds.variables.items():
        entry = {
            "dims": list(variable.dims),
            "dtype": variable.dtype.str if variable.dtype.kind != "U" else "str",
            "attrs": variable.attrs,
            "coord": name in ds.coords,
        }
        if variable.ndim == 0 or str(name) in kept:
            entry["values"] = listed(variable.values)
        variables[str(name)] = entry
    about = {
        "version": VERSION,
        "spikes": "labels",
        "attrs": ds.attrs,
        "sizes": {str(dim): size for dim, size in ds.sizes.items()},
        "variables": variables,
        "columns": columns or {},
    }
    return json.dumps(about, default=_plain)


def listed(values: np.ndarray) -> Any:
    """Values as JSON can hold them."""
    if values.dtype.kind in "mM":
        return values.astype(np.int64).tolist()
    if values.dtype.kind == "S":
        return np.char.decode(values, "latin-1").tolist()
    return values.tolist()


def unlisted(values: Any, dtype: str) -> np.ndarray:
    """Values of `listed`: an array of this dtype."""
    if dtype == "str":
        return np.asarray(values, dtype=str)
    kind = np.dtype(dtype).kind
    if kind == "S":
        return np.char.encode(np.asarray(values, dtype=str), "latin-1").astype(dtype)
    if kind == "O":
        return np.asarray(values, dtype=object)
    # Whole numbers at once, because NumPy makes floats of those beyond int64 beside others.
    own = np.int64 if kind in "mM" else np.dtype(dtype) if kind in "iu" else None
    return np.asarray(values, own).astype(np.dtype(dtype))


def is_clean(values: np.ndarray) -> bool:
    """Whether all text can be stored as UTF-8 that ends at a NUL."""
    try:
        return "\0" not in "".join(values.ravel().tolist()).encode().decode()
    except UnicodeEncodeError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written to the file")


def parts_of(recording: xr.Dataset | xr.DataTree) -> dict[str, xr.Dataset]:
    """Parts of a recording by path, "" for the only one or the root; refused if ill labelled."""
    labels.check(recording, values=False)
    if isinstance(recording, xr.Dataset):
        return {"": recording}
    return {node.path.strip("/"): node.to_dataset(inherit=False) for node in recording.subtree}


def joined(parts: Mapping[str, str], *, tree: bool, name: str | None = None) -> str:
    """One text from those of the parts of a recording, by path; "" is the root or the only one.

    A spike Dataset alone keeps its text, which earlier versions read.
    """
    if not tree and '"spike_time"' in parts[""]:
        return parts[""]
    return json.dumps({"version": VERSION + 1, "tree": tree, "name": name, "parts": dict(parts)})


def rebuild(
    text: str, part: Callable[[str, Mapping[str, Any]], xr.Dataset]
) -> xr.Dataset | xr.DataTree:
    """Build the recording of whose parts `joined` made one text.

    Parameters
    ----------
    text
        Text of `joined`.
    part
        Builds a part from its path and its description, by `restore`.

    Raises
    ------
    FileFormatError
        If the text is damaged or from a newer version, or the recording breaks the convention:
        only recordings that follow it are written.
    """
    try:
        abouts, tree, name = _apart(text)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"the file is damaged: its note on labels cannot be read ({error})."
        ) from error
    parts = {at: part(at, about) for at, about in abouts.items()}
    whole = xr.DataTree.from_dict(parts, name=name) if tree else parts[""]
    try:
        labels.check(whole, values=False)
    except LabelError as error:
        raise FileFormatError(
            f"the file is damaged, because only what follows the convention is written: {error}"
        ) from error
    return whole


def _apart(text: str) -> tuple[dict[str, dict[str, Any]], bool, str | None]:
    """Descriptions of the parts, whether they make a tree, and its name: what `joined` was given.

    Raises
    ------
    FileFormatError
        If the text is from a newer version.
    """
    about = json.loads(text)
    if "parts" not in about:
        return {"": about}, False, None
    if about["version"] != VERSION + 1:
        raise FileFormatError(
            f"this file was written by another version of neurodyn (layout {about['version']}); "
            "upgrade neurodyn to read it."
        )
    parts = {at: json.loads(each) for at, each in about["parts"].items()}
    return parts, about["tree"], about["name"]


def restore(
    about: Mapping[str, Any], arrays: Mapping[str, Any], *, rows: bool = True
) -> xr.Dataset:
    """Build the Dataset that `describe` described from its arrays.

    Parameters
    ----------
    about
        Description of `describe`, read from its text.
    arrays
        Values by name. `spike_unit` and `spike_trial` hold rows of the tables of units and trials,
        as other formats do.
    rows
        Whether they do; else they hold labels.
    """
    if about.get("version") != VERSION:
        raise FileFormatError(
            f"this file was written by another version of neurodyn (layout {about.get('version')}, "
            f"this one reads {VERSION}); upgrade neurodyn to read it."
        )
    built: dict[str, xr.Variable] = {}
    coords = [name for name, entry in about["variables"].items() if entry["coord"]]
    # In texts of neurodyn 0.1 the spikes of the Dataset hold rows, too.
    labelled = about.get("spikes") == "labels"
    arrays = _with_labels(about["variables"], arrays) if labelled and rows else arrays
    for name, entry in about["variables"].items():
        if "values" not in entry and name not in arrays:
            raise FileFormatError(f"the file is damaged: '{name}' is described but not there.")
        if "values" in entry:
            values: Any = unlisted(entry["values"], entry["dtype"])
        else:
            values = arrays[name] if hasattr(arrays[name], "dask") else np.asarray(arrays[name])
            values = values.astype(str if entry["dtype"] == "str" else np.dtype(entry["dtype"]))
        shape = tuple(about["sizes"][dim] for dim in entry["dims"])
        values = values.reshape(shape) if not values.size and 0 in shape else values
        if values.shape != shape:
            raise FileFormatError(
                f"the file is damaged: '{name}' should have shape {shape}, has {values.shape}."
            )
        built[name] = xr.Variable(entry["dims"], values, entry["attrs"])
    ds = xr.Dataset(built, attrs=about["attrs"]).set_coords(coords)
    return ds if labelled else from_positions(ds)


def _with_labels(variables: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Replace rows by the labels of units and trials."""
    found = dict(arrays)
    for name, dim in SPIKE_COLUMNS.items():
        if dim is None or name not in variables or name not in arrays:
            continue
        key = SPIKE_KEYS[dim] if SPIKE_KEYS[dim] in variables else dim
        table = variables.get(key, {}).get("values", arrays.get(key))
        rows = np.asarray(arrays[name], np.int64)
        if table is None or (rows.size and not 0 <= rows.min() <= rows.max() < len(table)):
            raise FileFormatError(f"the file is damaged: '{name}' has rows that '{dim}' has not.")
        found[name] = np.asarray(table)[rows]
    return found


def recoverable(ms: np.ndarray) -> bool:
    """Whether times [ms] are the same to the bit after conversion to seconds and back.

    Many are not, because 1000 is no power of two. Writers then store the milliseconds as well.
    """
    return np.array_equal(ms / 1e3 * 1e3, ms, equal_nan=True)
