"""Files of MATLAB 5 to 7.2: checked here, because a damaged one may crash a reader; read by SciPy.

A file is a row of elements, each a type, a length and that many bytes. Elements may be compressed,
and those of type "matrix" hold further elements: flags, dims, a name, and values. The check follows
these lengths, and compares dims with the values that are there.
"""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from neurodyn.io.archive import FileFormatError
from neurodyn.io.interop.matlab.values import Opaque, objects

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
#: Types of elements, and the bytes of one value.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_COMPLEX, _LOGICAL = 0x800, 0x200
#: Levels of cells and structs in each other; SciPy goes down them on the stack of the processor.
_DEEPEST = 64
#: Largest number of blanks that need no bytes.
_BLANKS = 1024


def load_v5(path: Path) -> dict[str, Any]:
    """Values of all variables, by name.

    Raises
    ------
    FileFormatError
        If the file is damaged or truncated.
    """
    from scipy.io import loadmat

    data = path.read_bytes()
    try:
        plain, has_complex = _checked(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw = loadmat(io.BytesIO(plain), mat_dtype=True)
            # As their class says, complex numbers lose their imaginary part in SciPy 1.17.
            stored = loadmat(io.BytesIO(plain), mat_dtype=False) if has_complex else raw
        return {
            name: _value(value, stored[name]) for name, value in raw.items()
            if not (name.startswith("__") and name.endswith("__"))
        }  # fmt: skip
    except FileFormatError as error:
        raise FileFormatError(
            f"'{path}' is a damaged or truncated MATLAB file: {error}. Copy or download it again."
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # SciPy raises errors of many types
        raise FileFormatError(
            f"'{path}' is a damaged MATLAB file ({type(error).__name__}: {error}). Copy or "
            "download it again."
        ) from error


def _checked(data: bytes) -> tuple[bytes, bool]:
    """The file with its elements decompressed, after checks; and whether numbers are complex."""
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise FileFormatError("its header does not say in which order bytes are")
    parts, at, has_complex = [data[:_HEADER]], _HEADER, False
    while at < len(data):
        kind, start, stop, after = _element(data, at, len(data), order)
        part = data[at:stop]
        if kind == _COMPRESSED:
            part = _decompressed(data[start:stop], order)
            after = stop
            inner, start, stop, _ = _element(part, 0, len(part), order)
            if inner != _MATRIX or stop != len(part):
                raise FileFormatError(f"the compressed variable at byte {at} is no matrix")
            has_complex |= _check_matrix(part, start, stop, order, 0)
        elif kind == _MATRIX:
            has_complex |= _check_matrix(data, start, stop, order, 0)
        else:
            raise FileFormatError(f"there is an element of type {kind} at byte {at}")
        parts.append(part)
        at = after
    return b"".join(parts), has_complex


def _decompressed(data: bytes, order: str) -> bytes:
    """The bytes of an element, of which there are as many as it says."""
    unpack = zlib.decompressobj()
    try:
        head = unpack.decompress(data, 8)
        if len(head) < 8:
            raise FileFormatError("a compressed variable is cut off")
        length = struct.unpack(f"{order}2I", head)[1]
        body = unpack.decompress(unpack.unconsumed_tail, length + 1) if length else b""
        # What is left holds the checksum, which decompressing it compares.
        rest = unpack.decompress(unpack.unconsumed_tail, 1)
    except zlib.error as error:
        raise FileFormatError(f"a compressed variable cannot be read ({error})") from error
    if len(body) != length or rest or not unpack.eof:
        raise FileFormatError(f"a compressed variable holds {len(body)} of {length} bytes")
    return head + body


def _element(data: bytes, at: int, end: int, order: str) -> tuple[int, int, int, int]:
    """Type of an element, where its bytes start and stop, and where the next one starts."""
    if at + 8 > end:
        raise FileFormatError(f"there is no whole element at byte {at}")
    kind, length = struct.unpack_from(f"{order}2I", data, at)
    if kind >> 16:  # a small one: length and values lie beside its type
        kind, length, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        if length > 4:
            raise FileFormatError(f"the small element at byte {at} has {length} bytes")
    else:
        start, after = at + 8, at + 8 + -(-length // 8) * 8
    if start + length > end:
        raise FileFormatError(f"an element at byte {at} has {length} bytes, more than there are")
    if kind not in _SIZES and kind not in (_MATRIX, _COMPRESSED):
        raise FileFormatError(f"there is an element of type {kind} at byte {at}")
    return kind, start, start + length, after


class _Reader:
    """The elements of a matrix, one after the other."""

    def __init__(self, data: bytes, at: int, end: int, order: str):
        self.data, self.at, self.end, self.order = data, at, end, order

    def next(self, what: str, kinds: tuple[int, ...] | None = None) -> tuple[int, int, int]:
        kind, start, stop, after = _element(self.data, self.at, self.end, self.order)
        if kinds is not None and kind not in kinds:
            raise FileFormatError(f"the {what} at byte {self.at} are of type {kind}")
        # The last element of a file or of a matrix may lack what fills it up to eight bytes.
        self.at = min(after, self.end) if kind != _MATRIX else stop
        return kind, start, stop

    def numbers(self, what: str) -> tuple[int, ...]:
        kind, start, stop = self.next(what, (5, 6))
        code = "i" if kind == 5 else "I"
        if (stop - start) % 4:
            raise FileFormatError(f"the {what} at byte {start} are no whole numbers")
        return struct.unpack_from(f"{self.order}{(stop - start) // 4}{code}", self.data, start)

    def count(self, what: str) -> int:
        """Number of values of the next element."""
        kind, start, stop = self.next(what, tuple(_SIZES))
        if (stop - start) % _SIZES[kind]:
            raise FileFormatError(f"the {what} at byte {start} are cut off")
        return (stop - start) // _SIZES[kind]


def _check_matrix(data: bytes, at: int, end: int, order: str, depth: int) -> bool:
    """Check a matrix and all in it; whether there are complex numbers."""
    if depth > _DEEPEST:
        raise FileFormatError(f"cells and structs lie in each other more than {_DEEPEST} times")
    if at == end:  # an empty cell
        return False
    reader = _Reader(data, at, end, order)
    flags = reader.numbers("flags")
    if len(flags) != 2:
        raise FileFormatError(f"the flags at byte {at} are {len(flags)} numbers")
    kind, is_complex = flags[0] & 0xFF, bool(flags[0] & _COMPLEX)
    if kind == _OPAQUE:
        return _check_opaque(reader)
    dims = reader.numbers("dims")
    if not 2 <= len(dims) <= 32 or min(dims) < 0:
        raise FileFormatError(f"the dims at byte {at} are {dims}")
    reader.next("name", (1, 2, 16))
    size = int(np.prod(dims, dtype=object))
    if kind in (_CELL, _FUNCTION):
        return _check_children(reader, 1 if kind == _FUNCTION else size, order, depth)
    if kind in (_STRUCT, _OBJECT):
        if kind == _OBJECT:
            reader.next("class", (1, 2, 16))
        (length,) = reader.numbers("length of names") or (0,)
        _, start, stop = reader.next("names", (1, 2, 16))
        if not 0 < length <= stop - start and stop > start:
            raise FileFormatError(f"the names at byte {start} have {length} bytes each")
        n_fields = (stop - start) // length if stop > start else 0
        if size > end and not n_fields:
            raise FileFormatError(f"a struct at byte {at} has {size} entries without fields")
        return _check_children(reader, size * n_fields, order, depth)
    if kind == _SPARSE:
        _check_sparse(reader, dims, flags, is_complex)
    elif kind == _CHAR or 6 <= kind <= 15:
        _check_values(reader, kind, size, is_complex, at)
    else:
        raise FileFormatError(f"there is a variable of class {kind} at byte {at}")
    return is_complex


def _check_values(reader: _Reader, kind: int, size: int, is_complex: bool, at: int) -> None:
    for _ in range(1 + is_complex):
        start = reader.at
        count = reader.count("values")
        # UTF-8 takes up to four bytes for a character.
        utf8 = kind == _CHAR and struct.unpack_from(f"{reader.order}I", reader.data, start)[0]
        # MATLAB writes some texts without their characters, which are blanks then.
        blank = kind == _CHAR and not count and size <= _BLANKS
        fits = count >= size if utf8 and utf8 & 0xFFFF == 16 else count == size
        if not (fits or blank):
            raise FileFormatError(f"an array at byte {at} has {count} of its {size} values")


def _check_children(reader: _Reader, n: int, order: str, depth: int) -> bool:
    if n > (reader.end - reader.at) // 8:
        raise FileFormatError(f"{n} values are said to be in {reader.end - reader.at} bytes")
    has_complex = False
    for _ in range(n):
        _, start, stop = reader.next("values", (_MATRIX,))
        has_complex |= _check_matrix(reader.data, start, stop, order, depth + 1)
    return has_complex


def _check_opaque(reader: _Reader) -> bool:
    """Name, type and class of an object, and its numbers."""
    for _ in range(3):
        reader.next("name of an object", (1, 2, 16))
    _, start, stop = reader.next("values of an object", (_MATRIX,))
    return _check_matrix(reader.data, start, stop, reader.order, 1)


def _check_sparse(
    reader: _Reader, dims: tuple[int, ...], flags: tuple[int, ...], is_complex: bool
) -> None:
    if len(dims) != 2:
        raise FileFormatError(f"a sparse matrix has dims {dims}")
    rows = np.array(reader.numbers("rows"), np.int64)
    columns = np.array(reader.numbers("columns"), np.int64)
    if flags[0] & _LOGICAL:  # one byte each, though their type is that of doubles
        _, start, stop = reader.next("values", tuple(_SIZES))
        stored = [stop - start]
    else:
        stored = [reader.count("values") for _ in range(1 + is_complex)]
    whole = len(columns) == dims[1] + 1 and (np.diff(columns) >= 0).all() and columns[0] == 0
    n = int(columns[-1]) if len(columns) else 0
    if not whole or n > min([rows.size, *stored]) or n > max(flags[1], 1):
        raise FileFormatError("a sparse matrix does not fit its dims")
    if n and not 0 <= rows[:n].min() <= rows[:n].max() < dims[0]:
        raise FileFormatError("a sparse matrix has rows beyond its dims")


def _value(raw: Any, stored: Any) -> Any:
    """A value of SciPy in our form: as its class says, and as it is stored."""
    from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque

    if isinstance(raw, MatlabFunction):
        return Opaque("function_handle")
    if isinstance(raw, MatlabOpaque):
        names = [name for name in ("s2", "s1") if name in (raw.dtype.names or ())]
        return Opaque(_text(raw[0][names[0]]) if names else "object")
    if isinstance(raw, MatlabObject):
        return Opaque(raw.classname)
    if hasattr(stored, "tocsc"):
        return stored.tocsc() if stored.dtype.kind in "bc" else stored.tocsc().astype(np.float64)
    if not hasattr(raw, "dtype"):
        raw, stored = np.asarray(raw), np.asarray(stored)
    if raw.dtype.names is not None:
        pairs = zip(raw.ravel(order="F"), stored.ravel(order="F"), strict=True)
        rows = [{name: _value(a[name], b[name]) for name in raw.dtype.names} for a, b in pairs]
        return rows[0] if raw.size == 1 else objects(rows, raw.shape)
    if raw.dtype.kind == "O":
        if raw.size == 1 and raw.item() is None:  # a struct without fields
            return {}
        pairs = zip(raw.ravel(order="F"), stored.ravel(order="F"), strict=True)
        return objects([_value(a, b) for a, b in pairs], raw.shape)
    if raw.dtype.kind == "U":
        return "" if not raw.size else str(raw[0]) if raw.size == 1 else raw
    if stored.dtype.kind == "c":
        raw = stored.astype(np.result_type(raw.dtype, np.complex64))
    return np.ascontiguousarray(raw).astype(raw.dtype.newbyteorder("="))


def _text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
