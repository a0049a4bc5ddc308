"""Samples that stay in their file until they are needed, and are scaled as they are read."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from neurodyn.signals.chunked import CHUNK, LARGE

#: Bytes that are read at a time, as float64.
_BLOCK = 1 << 24


def stays(nbytes: int, lazy: bool | None) -> bool:
    """Whether a signal of this size stays in its file; `lazy` is what the user asked for."""
    return nbytes > LARGE if lazy is None else lazy


class InFile(NamedTuple):
    """A dataset of an HDF5 file, which is opened anew for each access, so that none stays open."""

    path: str
    name: str


class Stored:
    """An array ``(time, ...)`` in a file or in memory: a range of its rows, some of its channels.

    Parameters
    ----------
    data
        NumPy array, or dataset of an open HDF5 file.
    rows
        First row and the row after the last; all by default.
    columns
        Indices along the second axis; all by default.
    factor
        By what samples are multiplied: a number, or one for each entry of the second axis.
    offset
        What is added to the product.

    Attributes
    ----------
    shape, dtype, ndim
        Of the selected and scaled samples. Whole numbers that are scaled become float32, or float64
        if they have more than 16 bits or an offset, because float32 might not resolve them.
    """

    def __init__(
        self,
        data: Any,
        rows: tuple[int, int] | None = None,
        columns: np.ndarray | None = None,
        factor: Any = 1.0,
        offset: float = 0.0,
    ):
        self.data, self.columns, self.offset = data, columns, float(offset)
        self.rows = (0, data.shape[0]) if rows is None else rows
        factor = np.asarray(factor, np.float64)
        if factor.ndim and columns is not None:
            factor = factor[columns]
        self.factor = factor.reshape(-1, *(1,) * (data.ndim - 2)) if factor.ndim else factor
        self._scaled = bool(np.any(self.factor != 1.0) or offset)
        self._chunks = getattr(data, "chunks", None)
        self.dtype = _scaled_type(np.dtype(data.dtype), self._scaled, bool(offset))
        tail = data.shape[1:] if columns is None else (len(columns), *data.shape[2:])
        self.shape = (max(self.rows[1] - self.rows[0], 0), *tail)
        self.ndim = len(self.shape)
        # Channels in between are read too, because reading them one by one is far slower.
        self._span = slice(None)
        if columns is not None and len(columns):
            self._span = slice(int(min(columns)), int(max(columns)) + 1)
        across = (len(range(*self._span.indices(n))) for n in data.shape[1:2])
        self._row_bytes = 8 * math.prod((*across, *data.shape[2:]))

    @property
    def nbytes(self) -> int:
        """Size in memory of the selected samples."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, key: Any) -> np.ndarray:
        first, *rest = key if isinstance(key, tuple) else (key,)
        where: Any = slice(None)
        if first is Ellipsis:
            start, stop, rest = 0, self.shape[0], [Ellipsis, *rest]
        elif isinstance(first, slice) and first.step in (None, 1):
            start, stop, _ = first.indices(self.shape[0])
        else:  # one row, or some of them
            places = np.arange(self.shape[0])[first]
            start = int(places.min()) if places.size else 0
            stop = int(places.max()) + 1 if places.size else 0
            where = places - start
        rows = slice(self.rows[0] + start, self.rows[0] + max(start, stop))
        with self._opened() as data:
            block = np.asarray(data[rows] if self.ndim == 1 else data[rows, self._span])
        if self.columns is not None:
            block = block[:, self.columns - (self._span.start or 0)]
        if self._scaled:
            block = (block * self.factor + self.offset).astype(self.dtype)
        block = block.astype(self.dtype, copy=False)[where]
        axis = () if first is Ellipsis or isinstance(where, np.integer) else (slice(None),)
        return block[(*axis, *rest)]

    def load(self) -> np.ndarray:
        """Read all samples, a block at a time."""
        if self.nbytes <= _BLOCK or not self.ndim:
            return self[:]
        found, step = np.empty(self.shape, self.dtype), self._step(_BLOCK)
        for start in range(0, self.shape[0], step):
            found[start : start + step] = self[start : start + step]
        return found

    def lazy(self, *, reopen: bool) -> Any:
        """The samples as a dask array.

        Parameters
        ----------
        reopen
            Whether to open the file for each chunk; else the open file is used, and must stay open.
        """
        import dask.array

        if reopen and hasattr(self.data, "file"):
            self.data = InFile(os.path.abspath(self.data.file.filename), self.data.name)
        chunks = (self._step(CHUNK), *self.shape[1:])
        meta = np.empty((0,) * self.ndim, self.dtype)
        lock = not isinstance(self.data, InFile)
        return dask.array.from_array(self, chunks, name=False, lock=lock, asarray=False, meta=meta)

    def _step(self, size: int) -> int:
        """Rows of a block: as many as fit, in whole chunks of the file if one fits."""
        step = max(1, size // max(1, self._row_bytes))
        stored = self._chunks[0] if self._chunks else 1
        return step // stored * stored or step

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        if not isinstance(self.data, InFile):
            yield self.data
            return
        import h5py

        with h5py.File(self.data.path, "r") as file:
            yield file[self.data.name]


def _scaled_type(dtype: np.dtype, scaled: bool, offset: bool) -> np.dtype:
    if not scaled:
        return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    if offset and dtype.kind in "iu":
        return np.dtype(np.float64)
    return np.result_type(dtype, np.float32)
