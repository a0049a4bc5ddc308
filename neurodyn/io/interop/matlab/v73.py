"""Files of MATLAB 7.3, which are HDF5: arrays with their class in an attribute, axes reversed."""

from pathlib import Path
from typing import Any

import numpy as np

from neurodyn.io.archive import FileFormatError
from neurodyn.io.heaps import check_heaps
from neurodyn.io.interop.matlab.values import Opaque, objects

#: Levels of cells and structs in each other; a reference may lead back to where it comes from.
_DEEPEST = 64
#: Largest ratio of values to the bytes of a file: zlib makes at most 1032 bytes of one.
_RATIO = 1100
#: Bytes that any file may hold: chunks that were never written need none in it.
_FREE = 1 << 28
_NUMERIC = {
    "double", "single", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"
}  # fmt: skip


def load_v73(path: Path, *, checked: bool = False) -> dict[str, Any]:
    """Values of all variables, by name.

    Parameters
    ----------
    path
        The file.
    checked
        Whether its heaps have been checked.

    Raises
    ------
    FileFormatError
        If the file is damaged or truncated.
    """
    import h5py

    if not checked:
        check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            reader = _Reader(file, max(_FREE, _RATIO * path.stat().st_size))
            return {name: reader.value(file[name], 0) for name in file if not name.startswith("#")}
    except FileFormatError as error:
        raise FileFormatError(
            f"'{path}' is a damaged MATLAB file: {error}. Copy or download it again."
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # h5py raises errors of many types
        raise FileFormatError(
            f"'{path}' is a damaged or truncated MATLAB file ({type(error).__name__}: {error}). "
            "Copy or download it again."
        ) from error


class _Reader:
    """Reads values, and counts their bytes: a few references may name much many times."""

    def __init__(self, file: Any, budget: int):
        self.file, self.budget = file, budget

    def value(self, at: Any, depth: int) -> Any:
        import h5py

        if depth > _DEEPEST:
            raise FileFormatError(f"cells and structs lie in each other more than {_DEEPEST} times")
        kind = _text(at.attrs.get("MATLAB_class", b""))
        if isinstance(at, h5py.Group):
            if "MATLAB_sparse" in at.attrs:
                return self._sparse(at, kind)
            return self._struct(at, depth)
        if "MATLAB_object_decode" in at.attrs and kind not in (*_NUMERIC, "char", "logical"):
            return Opaque(kind or "object")
        if at.attrs.get("MATLAB_empty"):
            return self._empty(at, kind)
        if at.dtype == h5py.ref_dtype:
            return self._references(at, depth)
        return self._array(at, kind)

    def _load(self, at: Any) -> np.ndarray:
        self.budget -= max(at.size, 0) * at.dtype.itemsize
        if self.budget < 0:
            raise FileFormatError(f"'{at.name}' with shape {at.shape} holds more than the file can")
        return np.asarray(at[()])

    def _array(self, at: Any, kind: str) -> Any:
        raw = self._load(at).T
        if kind == "char":
            return _chars(raw)
        if kind == "logical":
            return raw.astype(bool)
        if raw.dtype.names == ("real", "imag"):
            real, imag = raw["real"], raw["imag"]
            return (real + 1j * imag).astype(np.result_type(real, np.complex64))
        if raw.dtype.kind not in "biufcSU":
            return Opaque(kind or str(raw.dtype))
        return np.ascontiguousarray(raw).astype(raw.dtype.newbyteorder("="))

    def _empty(self, at: Any, kind: str) -> Any:
        shape = tuple(int(n) for n in np.ravel(self._load(at)))
        if not shape or min(shape) < 0 or 0 not in shape:
            raise FileFormatError(f"the empty array '{at.name}' has dims {shape}")
        if kind == "char":
            return ""
        if kind in ("cell", "struct"):
            return np.empty(shape, object)
        if kind == "logical":
            return np.zeros(shape, bool)
        if kind not in _NUMERIC:
            return Opaque(kind or "object")
        return np.zeros(shape, {"double": "f8", "single": "f4"}.get(kind, kind))

    def _references(self, at: Any, depth: int) -> Any:
        found = self._load(at)
        items = [self._follow(each, depth) for each in found.ravel().tolist()]
        return objects(items, found.shape[::-1])

    def _follow(self, reference: Any, depth: int) -> Any:
        if not reference:
            raise FileFormatError("a reference leads nowhere")
        # Much may be named many times; what is read costs its bytes each time.
        self.budget -= 64
        if self.budget < 0:
            raise FileFormatError("references name more than the file can hold")
        return self.value(self.file[reference], depth + 1)

    def _struct(self, at: Any, depth: int) -> Any:
        import h5py

        names = _fields(at)
        parts = [at[name] for name in names]
        array = [
            isinstance(each, h5py.Dataset)
            and each.dtype == h5py.ref_dtype
            and "MATLAB_class" not in each.attrs
            for each in parts
        ]
        if not parts or not all(array):
            return {
                name: self.value(each, depth + 1) for name, each in zip(names, parts, strict=True)
            }
        columns = [self._references(each, depth) for each in parts]
        if len({each.shape for each in columns}) > 1:
            raise FileFormatError(f"fields of '{at.name}' have several shapes")
        rows = zip(*(each.ravel(order="F").tolist() for each in columns), strict=True)
        return objects([dict(zip(names, row, strict=True)) for row in rows], columns[0].shape)

    def _sparse(self, at: Any, kind: str) -> Any:
        from scipy.sparse import csc_array, csc_matrix

        n_rows, starts = int(at.attrs["MATLAB_sparse"]), self._load(at["jc"]).astype(np.int64)
        empty = np.zeros(0)
        values = self._array(at["data"], kind) if "data" in at else empty
        rows = self._load(at["ir"]).astype(np.int64) if "ir" in at else empty.astype(np.int64)
        values = values.astype(bool) if kind == "logical" else values
        found = csc_array((values.ravel(), rows, starts), shape=(n_rows, starts.size - 1))
        if rows.size and not 0 <= rows.min() <= rows.max() < n_rows:
            raise FileFormatError(f"the sparse matrix '{at.name}' has rows beyond its dims")
        found.check_format(full_check=True)
        return csc_matrix(found)


def _fields(at: Any) -> list[str]:
    """Names of the fields in MATLAB's order."""
    there = list(at)
    stored = at.attrs.get("MATLAB_fields")
    if stored is None:
        return there
    names = [b"".join(np.ravel(each).tolist()).decode("utf-8", "replace") for each in stored]
    return names if sorted(names) == sorted(there) else there


def _chars(raw: np.ndarray) -> Any:
    """Text of UTF-16 units: one row is a str, several are an array."""
    if raw.dtype.kind not in "iu":
        raise FileFormatError(f"text is stored as {raw.dtype}")
    rows = np.moveaxis(np.atleast_2d(raw), 1, -1).astype("<u2")
    flat = rows.reshape(int(np.prod(rows.shape[:-1])), rows.shape[-1])
    texts = [row.tobytes().decode("utf-16-le", "replace") for row in flat]
    return texts[0] if len(texts) == 1 else np.array(texts, dtype=str).reshape(rows.shape[:-1])


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
