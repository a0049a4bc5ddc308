"""Signals from the columns and fields that a mapping names."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.io.parts import signal
from neurodyn.io.pieces import even
from neurodyn.labels import LabelError


class Rows(NamedTuple):
    """Labels of units or trials, and their columns as coordinates."""

    labels: np.ndarray
    columns: dict[str, tuple]


class Signal(NamedTuple):
    """Builds a signal.

    Attributes
    ----------
    column, get
        Find a column, and any value, by name.
    ms
        Turns times into ms.
    where, how
        Name of the entry of the mapping, for errors, and the entry.
    """

    column: Callable[[Any], np.ndarray]
    get: Callable[[str], Any]
    ms: Callable[[Any, str], np.ndarray]
    where: str
    how: Mapping[str, Any]

    def __call__(self, name: str, rows: Mapping[str, Rows | None]) -> xr.Dataset:
        """The signal; those on units or trials get the columns of these."""
        where, how = self.where, self.how
        if "values" not in how or "unit" not in how:
            raise LabelError(f"{where} needs 'values' and 'unit', the unit of the values.")
        values, own = self._values()
        axes = max(sum(size != 1 for size in values.shape), 1 if own is None else 2)
        dims = [str(dim) for dim in how.get("dims", ["time", "channel"][:axes])]
        values = _fitted(values, dims, how["values"])
        order = labels.ordered(dims)
        values = values.transpose([dims.index(dim) for dim in order])
        coords: dict[str, Any] = {}
        for dim, own_rows in rows.items():
            if dim in order and own_rows is not None:
                coords |= {dim: own_rows.labels} | own_rows.columns
        across = [dim for dim in order if dim not in ("time", *coords)]
        if own is not None and (dims[0], len(dims)) != ("time", 2):
            raise LabelError(
                f"{where}: columns lie side by side, so that 'dims' is ['time', 'channel'], or "
                f"another name of the second; got {dims}."
            )
        if across and ("channels" in how or own is not None):
            coords[across[-1]] = self.column(how["channels"]) if "channels" in how else own
        time = self._clock(values.shape[order.index("time")])
        own_dims = tuple(dim for dim in order if dim not in labels.DIMS)
        for dim, size in zip(order, values.shape, strict=True):
            if dim in coords and len(coords[dim]) != size:
                raise LabelError(
                    f"{where} has {size} entries on '{dim}', and there are {len(coords[dim])} "
                    f"labels of {dim}s."
                )
        return signal(
            values, str(how["unit"]), time, dims=order, long_name=name, coords=coords,
            attrs={"series": name}, own_dims=own_dims,
        )  # fmt: skip

    def _values(self) -> tuple[np.ndarray, Any]:
        """Values, and the names of the columns if these are separate."""
        given = self.how["values"]
        if isinstance(given, str):
            value = self.get(given)
            value = value.toarray() if hasattr(value, "toarray") else value
            array = np.asarray(value)
            if array.dtype.kind not in "biufc":
                raise LabelError(f"'{given}' holds {array.dtype}, and a signal is numbers.")
            return array, None
        columns = [self.column(name) for name in given]
        sizes = {name: column.size for name, column in zip(given, columns, strict=True)}
        if not columns or len(set(sizes.values())) > 1:
            raise LabelError(f"{self.where}: columns of a signal have one length, got {sizes}.")
        return np.stack(columns, 1), np.array([str(each).split(".")[-1] for each in given])

    def _clock(self, n: int) -> np.ndarray:
        where, how = self.where, self.how
        if ("time" in how) == ("rate" in how):
            raise LabelError(f"{where} needs 'time', or 'rate' [Hz] (and 'start', in time_unit).")
        if "time" in how:
            time = self.ms(self.column(how["time"]), how["time"])
            if time.size != n:
                raise LabelError(f"'{how['time']}' has {time.size} times, '{where}' {n} samples.")
            return time
        rate, start = how["rate"], how.get("start", 0.0)
        rate = self.column(rate)[0] if isinstance(rate, str) else rate
        start = self.column(start)[0] if isinstance(start, str) else start
        if not (np.isfinite(float(rate)) and rate > 0):
            raise LabelError(f"{where}: 'rate' is {rate!r}: give samples per second.")
        return even(float(self.ms(start, "start")) if start else 0.0, n, float(rate))


def _fitted(values: np.ndarray, dims: list[str], name: Any) -> np.ndarray:
    """Values with as many axes as dims: axes of length 1 that are too many are left out."""
    if "time" not in dims:
        raise LabelError(f"'dims' of '{name}' is {dims}: one of them is 'time'.")
    extra = values.ndim - len(dims)
    single = [axis for axis, size in enumerate(values.shape) if size == 1]
    if extra > 0 and len(single) >= extra:
        return values.squeeze(tuple(single[:extra]))
    if extra:
        raise LabelError(
            f"'{name}' has shape {values.shape}, and 'dims' are {dims}: name each axis in the "
            "order in which MATLAB has them, such as ['channel', 'time']."
        )
    return values
