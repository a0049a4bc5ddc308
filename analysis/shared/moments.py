"""Means and sums of products of data in chunks, in one pass, in float64.

Each block of samples is centred on its own mean before its products are summed, and the sums of
blocks are merged by the pairwise update of Chan, Golub & LeVeque (1983), Am. Stat. 37:242, in a
tree whose shape depends on the chunks alone. So no large number is ever subtracted from another,
and the result is the same for any number of threads and any scheduler. Of n samples in b blocks
the error of a sum is some ``eps (log2(b) + m) ||x|| ||y||`` of the centred units at most, with
``eps = 1.1e-16`` and m the samples of a block; rounding being random, ``1e-15`` of the norms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.linalg import blas

from neurodyn.analysis.shared.arrays import refuse_bad
from neurodyn.analysis.shared.threads import one_lapack_thread
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import gib, is_chunked
from neurodyn.signals import chunked as big
from neurodyn.signals.trees import reduced

#: Numbers that are centred at once.
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Moments:
    """Number of samples, their mean, and the sums of products of their deviations from it."""

    number: int
    mean: Float[np.ndarray, " unit"]
    scatter: Float[np.ndarray, "unit unit"]


def streams(*arrays: xr.DataArray) -> bool:
    """Whether sums of products are to be taken chunk by chunk.

    So it is where one of the arrays (which have the same samples) is in chunks, and samples are
    more than units; fewer samples than units need sums larger than the data, which are loaded.
    """
    units = sum(a.sizes["unit"] for a in arrays)
    samples = arrays[0].size // arrays[0].sizes["unit"]
    return any(is_chunked(a) for a in arrays) and samples > units + 1


def joined(
    arrays: Sequence[xr.DataArray], names: Sequence[str], whole: Sequence[str] = ("unit",)
) -> Any:
    """Arrays of the same samples, beside each other along ``unit``, in chunks of whole units.

    Other dims in `whole` are not split either; the first dim then is, into blocks of 64 MB.

    Raises
    ------
    LabelError
        If chunks are too large for memory, or units too many for their sums of products.
    """
    import dask.array as da

    units = sum(a.sizes["unit"] for a in arrays)
    if 8 * units**2 > big.LARGE:
        most = int((big.LARGE / 8) ** 0.5)
        raise LabelError(
            f"{' and '.join(names)} have {units} units, whose sums of products are "
            f"{gib(8 * units**2)} (limit {gib(big.LARGE)}, {most} units): select units, "
            "or load fewer samples than units into memory, .load()."
        )
    for array, name in zip(arrays, names, strict=True):
        big.refuse_wide_chunks(array, whole, what=name)
    template = next(a for a in arrays if is_chunked(a)).chunks or ()
    blocks = [
        a.data if is_chunked(a) else da.from_array(a.values, (*template[:-1], -1)) for a in arrays
    ]
    z = da.concatenate(blocks, axis=-1) if len(blocks) > 1 else blocks[0]
    if len(whole) > 1:
        together = {arrays[0].get_axis_num(dim): -1 for dim in whole}
        return z.rechunk({0: "auto", **together}, block_size_limit=big.CHUNK)
    z = z.rechunk({z.ndim - 1: -1})
    if z.nbytes / z.npartitions < big.CHUNK / 8:  # sums of tiny chunks would be larger than these
        z = z.rechunk((*("auto",) * (z.ndim - 1), -1), block_size_limit=big.CHUNK // 4)
    return z


def moments(*arrays: xr.DataArray, names: Sequence[str]) -> Moments:
    """Mean and sums of products over all samples of arrays beside each other, in one pass.

    Memory: for each thread a chunk, 8 MB of deviations and the sums of products of its branch of
    the tree, 8 bytes times the square of the number of units each.

    Raises
    ------
    LabelError
        If values are missing, or as `joined`.
    """
    found = tree(of_block, merged, joined(arrays, names))
    if found is None:
        refuse_missing(arrays, names)
    if not np.isfinite(found.scatter).all():
        raise LabelError(
            f"squares of {' and '.join(names)} leave the range of float64: divide them by a scale."
        )
    return found


#: Chunks are worked on by several threads, which need no threads of their own.
tree = one_lapack_thread(reduced)


def of_block(block: np.ndarray) -> Moments | None:
    """Moments of one block; None if a value is missing."""
    x = np.asarray(block).reshape(-1, block.shape[-1])
    step = max(1, _AT_ONCE // x.shape[1])
    parts = [slice(i, i + step) for i in range(0, len(x), step)]
    # The first sample is taken out before, because the rounded mean of a constant leaves no 0.
    first = x[0].astype(np.float64)
    mean = first + sum((x[part] - first).sum(0) for part in parts) / len(x)
    if not np.isfinite(mean).all():
        return None
    total, rest = np.zeros((x.shape[1],) * 2, order="F"), np.zeros(x.shape[1])
    for part in parts:
        deviation = x[part] - mean
        rest += deviation.sum(0)
        total = blas.dsyrk(1.0, deviation.T, beta=1.0, c=total, overwrite_c=1)
    total = np.triu(total) + np.triu(total, 1).T
    # What the rounded mean has left.
    return Moments(len(x), mean + rest / len(x), total - np.outer(rest, rest) / len(x))


def merged(parts: list[Moments | None]) -> Moments | None:
    """Moments of the samples of all parts together."""
    first, *others = parts
    if first is None or None in others:
        return None
    number, mean, scatter = first.number, first.mean, first.scatter.copy()
    for part in others:
        whole, apart = number + part.number, part.mean - mean
        scatter += part.scatter
        scatter += np.outer(apart, apart * (number * (part.number / whole)))
        number, mean = whole, mean + apart * (part.number / whole)
    return Moments(number, mean, scatter)


def surrogate(
    found: Moments, n_first: int
) -> tuple[Float[np.ndarray, "row unit"], Float[np.ndarray, "row other"]]:
    """Few samples of two populations with the same sums of products as the many that were seen.

    They are a root of the joint matrix of products, turned so that their mean is 0. A measure that
    knows samples by their products alone is the same of them. Each side has its own scale while
    the root is taken, so that neither drowns in the rounding of the other.
    """
    size = np.ones(len(found.mean))
    for side in (slice(0, n_first), slice(n_first, None)):
        scale = np.sqrt(np.trace(found.scatter[side, side]))
        size[side] = scale if scale > 0 else 1
    values, axes = np.linalg.eigh(found.scatter / size[:, None] / size)
    rows = np.sqrt(np.maximum(values, 0))[:, None] * axes.T
    # Rows of an orthogonal matrix, the Householder reflection that takes the first axis to the
    # constant one, without the constant one.
    n = len(rows) + 1
    normal = np.full(n, 1 / np.sqrt(n))
    normal[0] -= 1
    normal /= np.linalg.norm(normal)
    padded = np.concatenate([np.zeros((1, rows.shape[1])), rows])
    x = (padded - 2 * np.outer(normal, normal @ padded)) * size
    return x[:, :n_first], x[:, n_first:]


def refuse_missing(arrays: Sequence[xr.DataArray], names: Sequence[str]) -> NoReturn:
    """Say where values are missing, by another pass over the data.

    Raises
    ------
    LabelError
        Always.
    """
    import dask
    import dask.array as da

    for array, name in zip(arrays, names, strict=True):
        if array.dtype.kind != "f":
            continue
        bad = ~da.isfinite(da.asarray(array.data))
        axes = [tuple(set(range(bad.ndim)) - {axis}) for axis in range(bad.ndim)]
        number, *lines = dask.compute(bad.sum(), *(bad.any(axis=axis) for axis in axes))
        if number:
            refuse_bad(array, int(number), lines, what=name)
    raise LabelError(f"sums of {' and '.join(names)} leave the range of float64: divide them.")
