"""Checked arrays in canonical order, from labelled data or anything array-like."""

from __future__ import annotations

from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from neurodyn import labels
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.labels import LabelError, clock
from neurodyn.labels.check_values import held, is_chunked
from neurodyn.signals.chunked import chunked
from neurodyn.system import AbstractSystem

#: Variables taken from a Dataset when none is named, in this order.
PREFERRED = ("rate", "spike_count", "hidden")
ROW_DIMS = ("condition", "trial")
_CHUNKS = (
    "neurodyn.analysis has measures that read chunks one after the other (cka, nbs, procrustes, "
    "cca, pca, participation_ratio, ridge_r)"
)


def pick(
    data: xr.Dataset | xr.DataArray,
    name: str | None = None,
    *,
    what: str = "activity",
    streams: bool = False,
) -> xr.DataArray:
    """Take the array to analyse out of `data`: dims ``(..., condition | trial, time, unit)``.

    Parameters
    ----------
    data
        Dataset or DataArray.
    name
        Which variable of a Dataset; default the first of `PREFERRED` it has, else its only
        variable along ``unit``.
    what
        Name of the data in errors.
    streams
        Whether the caller reads data in chunks chunk by chunk. Others refuse them where they are
        large; data in a file are in chunks afterwards.

    Raises
    ------
    TypeError
        If `data` is not labelled.
    LabelError
        If there is no such variable, or it has no ``unit`` dim, or is a list of spike times; or if
        it is not in memory and too large to be loaded.
    """
    if isinstance(data, xr.DataArray):
        array = data
    elif isinstance(data, xr.Dataset):
        array = data[_choose(data, name, what)]
        array = array.assign_attrs(data.attrs | array.attrs)
    else:
        fix = "neurodyn.labels.dataset builds one from arrays."
        if isinstance(data, AbstractSystem):
            fix = "simulate it first: neurodyn.simulate(model, task)."
        raise TypeError(
            f"{what} must be an xarray Dataset or DataArray, got {type(data).__name__}; {fix}"
        )
    if "unit" not in array.dims:
        raise LabelError(f"{what} needs a dim 'unit', got dims {array.dims}.")
    if all(dim in array.dims for dim in ROW_DIMS):
        raise LabelError(f"{what} has both 'condition' and 'trial': select or average over one.")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} must be real numbers, got dtype {array.dtype}.")
    if not array.size:
        raise LabelError(f"{what} is empty: its sizes are {dict(array.sizes)}.")
    array = chunked(array) if streams else held(array, what=what)
    return array.transpose(..., *[d for d in (*ROW_DIMS, "time", "unit") if d in array.dims])


def _choose(data: xr.Dataset, name: str | None, what: str) -> str:
    if name is not None:
        if name not in data.data_vars:
            raise LabelError(f"{what} has no variable '{name}': it has {list(data.data_vars)}.")
        return name
    # Beside spikes, variables without `time` describe units, such as waveforms.
    needed = {"unit", "time"} if "spike_time" in data else {"unit"}
    candidates = [str(n) for n, v in data.data_vars.items() if needed <= {*v.dims}]
    for preferred in PREFERRED:
        if preferred in candidates:
            return preferred
    if len(candidates) == 1:
        return candidates[0]
    if "spike_time" in data:
        raise LabelError(f"{what} holds spike times: bin them first (neurodyn.spikes.bin).")
    raise LabelError(
        f"{what} has {'several' if candidates else 'no'} variables along 'unit' "
        f"({candidates or list(data.data_vars)}): choose one by `variable=`."
    )


def rows(array: xr.DataArray, *, what: str = "activity") -> str:
    """Return which of ``condition`` and ``trial`` the array has."""
    for dim in ROW_DIMS:
        if dim in array.dims:
            return dim
    single = "trial" if "trial" in array.coords else "condition"
    label = array.coords[single].values.tolist() if single in array.coords else "..."
    raise LabelError(
        f"{what} needs a dim 'condition' or 'trial', got dims {array.dims}: select one with "
        f".sel({single}=[{label!r}]), which keeps the dim."
    )


def checked(array: xr.DataArray, *, what: str = "activity", missing: bool = False) -> np.ndarray:
    """Return the values in the precision that they came with, refusing NaN and infinity.

    Parameters
    ----------
    array
        As from `pick`.
    missing
        Whether NaN is allowed (units that were not recorded in a trial).

    Raises
    ------
    LabelError
        If there are NaN (unless `missing`) or infinite values, with a count; or if the values are
        not in memory and too large to be loaded.
    """
    values = held(array, what=what).values
    if values.dtype.kind == "f":
        bad = np.isinf(values) if missing else ~np.isfinite(values)
        if bad.any():
            axes = [tuple(set(range(bad.ndim)) - {axis}) for axis in range(bad.ndim)]
            refuse_bad(array, int(bad.sum()), [bad.any(axis=axis) for axis in axes], what=what)
    return values


def refuse_bad(array: xr.DataArray, number: int, lines: list[np.ndarray], *, what: str) -> NoReturn:
    """Say how many values are missing, and where along each dim some are.

    Raises
    ------
    LabelError
        Always.
    """
    where = [f"{d} {np.flatnonzero(line)[:5]}" for d, line in zip(array.dims, lines, strict=True)]
    hint = _complete_until(array, lines[array.dims.index("time")]) if "time" in array.dims else ""
    raise LabelError(
        f"{number} values of {what} are NaN or infinite, first at positions {', '.join(where)}: "
        f"leave these units, conditions or times out (.isel, .dropna) before measuring{hint}."
    )


def traces(array: xr.DataArray, *, what: str = "activity", missing: bool = False) -> Array:
    """Return the values as a float JAX array, refusing NaN and infinity; see `checked`."""
    values = checked(array, what=what, missing=missing)
    return jnp.asarray(values, dtype=jnp.result_type(float))


def recorded(values: Float[np.ndarray, "row time unit"], dim: str) -> Bool[np.ndarray, "row unit"]:
    """Whether each unit was recorded in each row, where all or no times must be there.

    Raises
    ------
    LabelError
        If some times of a row are missing (NaN), with a count of the rows.
    """
    there = ~np.isnan(values)
    whole, some = there.all(1), there.any(1)
    if (whole != some).any():
        raise LabelError(
            f"{int((whole != some).any(1).sum())} {dim}s end early or begin late: choose times "
            "that all have, .sel(time=slice(start, stop)), or leave these out."
        )
    return np.asarray(whole)


def complete_until(array: xr.DataArray, bad: np.ndarray) -> str:
    """Hint for an error: where only late values are missing, the cut that leaves them out."""
    axes = tuple(axis for axis, dim in enumerate(array.dims) if dim != "time")
    return _complete_until(array, np.asarray(bad.any(axis=axes))) if "time" in array.dims else ""


def _complete_until(array: xr.DataArray, late: np.ndarray) -> str:
    if "time" not in array.coords:
        return ""
    first = int(late.argmax())
    if not first or not late[first:].all():
        return ""
    last = float(clock(array, default=1.0, even=False).time[first - 1])
    return f"; nothing is missing up to {last!r}: .sel(time=slice(None, {last!r}))"


def samples(array: xr.DataArray, *, what: str = "activity") -> Float[np.ndarray, "sample unit"]:
    """Stack all dims but ``unit`` into samples, in the precision of the data."""
    if "seed" in array.dims:
        raise LabelError(f"{what} has a dim 'seed': select one member, e.g. .isel(seed=0).")
    return checked(array, what=what).reshape(-1, array.sizes["unit"])


def matrix(x: ArrayLike, *, what: str = "x", least: int = 2) -> Float[Array, "sample unit"]:
    """Check a bare ``(sample, unit)`` array, and make it float: centred, over one scale.

    Parameters
    ----------
    x
        Samples; inside of JAX transformations they are returned as they are.
    what
        Name of the samples in errors.
    least
        How many samples are needed.

    Raises
    ------
    ValueError
        If it is not a matrix, has fewer than `least` samples, holds NaN or infinite values, or does
        not vary. Values are looked at only outside of JAX transformations.
    """
    if not isinstance(x, jax.core.Tracer):
        x = np.asarray(_in_memory(x, what))
        if x.dtype.kind not in "fiub":
            raise TypeError(f"{what} must be real numbers, got dtype {x.dtype}.")
    _refuse_shape(x, what, least)
    if isinstance(x, np.ndarray):
        if not np.isfinite(x).all():
            raise ValueError(f"{what} holds NaN or infinite values: leave those samples out.")
        if (x == x[:1]).all():
            raise ValueError(f"{what} is the same in all samples: there is nothing to compare.")
        x = balanced(x)
    return jnp.asarray(x, dtype=jnp.result_type(float))


def _in_memory(x: Any, what: str) -> Any:
    """Refuse plain dask arrays, as `held` refuses labelled ones."""
    return held(xr.DataArray(x), what=what, instead=_CHUNKS) if is_chunked(x) else x


def _refuse_shape(x: Any, what: str, least: int) -> None:
    if x.ndim != 2:
        raise ValueError(
            f"{what} must be (sample, unit), got shape {x.shape}; stack conditions and times: "
            "x.reshape(-1, n_units)."
        )
    if x.shape[0] < least or not x.shape[1]:
        raise ValueError(f"{what} needs {least} samples and a unit at least, got {x.shape}.")


def pair(x: Any, y: Any, *, least: int = 2) -> tuple[Array, Array]:
    """Check two ``(sample, unit)`` arrays of the same samples, matching labelled ones by label."""
    x, y = same_rows(x, y)
    x, y = (matrix(v, what=n, least=least) for n, v in (("x", x), ("y", y)))
    if x.shape[0] != y.shape[0]:
        raise ValueError(
            f"x has {x.shape[0]} samples and y has {y.shape[0]}: both need the same conditions "
            "and times, in the same order."
        )
    return x, y


def same_rows(x: Any, y: Any) -> tuple[Any, Any]:
    """Values of two labelled arrays, `unit` last, matched along all other dims.

    Beside an array, which has only positions, a labelled one comes in the order of its labels.
    """
    x, y = paired_rows(x, y)
    return tuple(
        held(v, what=n, instead=_CHUNKS).values if isinstance(v, xr.DataArray) else v
        for v, n in ((x, "x"), (y, "y"))
    )  # type: ignore[return-value]


def paired_rows(x: Any, y: Any) -> tuple[Any, Any]:
    """The two arrays of `same_rows`, with their labels, before their values are taken."""
    if not (isinstance(x, xr.DataArray) and isinstance(y, xr.DataArray)):
        return in_order(x, "unit", "x"), in_order(y, "unit", "y")
    for name, side in (("x", x), ("y", y)):
        if "unit" not in side.dims:
            raise LabelError(f"{name} needs a dim 'unit', got dims {side.dims}.")
    x, y = x.transpose(..., "unit"), y.transpose(..., "unit")
    if set(x.dims) != set(y.dims):
        raise LabelError(f"x has dims {x.dims}, y has {y.dims}: both need the same.")
    x, y = labels.pair(
        x, y, [str(dim) for dim in x.dims if dim != "unit"], what=("array x", "array y")
    )
    return x, y.transpose(*x.dims)


def in_order(values: Any, last: str, what: str) -> Any:
    """Sort a labelled array by its labels, because a plain array beside it has positions only."""
    if isinstance(values, xr.DataArray):
        for dim in values.dims:
            values = values if dim == last else labels.in_positions(values, str(dim), what=what)
        values = values.transpose(..., *[dim for dim in values.dims if dim == last])
    return values
