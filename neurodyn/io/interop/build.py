"""The parts of a recording, from columns and fields that a mapping names."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import spikes
from neurodyn.io.interop.signal import Rows, Signal
from neurodyn.io.interop.source import cells, is_objects, vector
from neurodyn.io.interop.times import to_ms, unit_factor
from neurodyn.io.parts import table
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name


class Builder:
    """Builds the parts of a recording from a source and a mapping."""

    def __init__(self, source: Any, mapping: Mapping[str, Any]):
        self.source, self.mapping = source, mapping

    def parts(self) -> dict[str, xr.Dataset]:
        found: dict[str, xr.Dataset] = {}
        given = self.mapping.get("trials", {})
        trials = self._trials() if given else None
        units = self._rows("units", "unit") if self.mapping.get("units") else None
        if self.mapping.get("spikes"):
            found["spikes"] = self._spikes(units, trials)
        for name, how in self.mapping.get("events", {}).items():
            found[f"events/{name}"] = self._events(name, how)
        for name, how in self.mapping.get("signals", {}).items():
            where = f"mapping['signals']['{name}']"
            found[f"signals/{name}"] = Signal(self.column, self.source.get, self.ms, where, how)(
                name, {"unit": units, "trial": trials}
            )
        shown = any("trial" in ds.dims for at, ds in found.items() if not at.startswith("events/"))
        if trials is not None and not shown:
            name = str(given.get("name", "trials"))
            found[f"intervals/{name}"] = table(
                {"trial": trials.labels} | trials.columns, {"table": name}
            )
        return found

    def ms(self, value: Any, name: str) -> np.ndarray:
        if "time_unit" not in self.mapping:
            raise LabelError(
                f"'{name}' holds times, and the mapping does not say in which unit: add "
                "'time_unit': 's' (or 'ms', 'us', ..., or {'rate': samples per second})."
            )
        column = np.asarray(value)
        if column.dtype.kind not in "iuf":
            shown = column.ravel()[:1].tolist()
            raise LabelError(
                f"'{name}' is to hold times, and holds {column.dtype} such as {shown}: give "
                "numbers (for a decimal comma in CSV, 'decimal': ',')."
            )
        return to_ms(column, unit_factor(self.mapping["time_unit"]), f"'{name}'")

    def column(self, name: Any) -> np.ndarray:
        if not isinstance(name, str):
            raise LabelError(f"the mapping gives {name!r} where the name of a column is needed.")
        return vector(self.source.get(name), name)

    def _rows(self, section: str, dim: str, default: np.ndarray | None = None) -> Rows:
        """Labels and columns of a section; rows of one label become one, if they agree."""
        how = self.mapping[section]
        columns = {
            ours: (name, kind) for kind in ("times", "columns")
            for ours, name in _named(how.get(kind, ()), f"mapping['{section}']['{kind}']").items()
        }  # fmt: skip
        values = {ours: self.column(name) for ours, (name, _) in columns.items()}
        label = self.column(how["label"]) if "label" in how else default
        if label is None:
            if not values:
                raise LabelError(f"mapping['{section}'] names neither labels nor columns.")
            label = np.arange(len(next(iter(values.values()))))
        _, first = np.unique(label, return_index=True)
        # Rows of a table stay in their order; labels of many rows, as of spikes, are sorted.
        first = np.sort(first) if first.size == label.size else first
        place = {each: i for i, each in enumerate(label[first].tolist())}
        back = np.array([place[each] for each in label.tolist()], np.int64)
        found: dict[str, tuple] = {}
        for ours, column in values.items():
            name, kind = columns[ours]
            if column.shape != label.shape:
                raise LabelError(
                    f"'{name}' has {column.size} values, and there are {label.size} {section}: "
                    "they do not belong to the same rows."
                )
            once = column[first]
            _refuse_differing(name, column, once[back], label, dim)
            times = (self.ms(once, name), "ms") if kind == "times" else (once,)
            found[free_name(ours, found)] = (dim, *times)
        return Rows(label[first], found)

    def _trials(self) -> Rows:
        return self._rows("trials", "trial")

    def _spikes(self, units: Rows | None, trials: Rows | None) -> xr.Dataset:
        how = self.mapping["spikes"]
        if ("times" in how) == ("time" in how):
            raise LabelError(
                "mapping['spikes'] takes 'time' and 'unit' (and 'trial'), columns with a row for "
                "each spike, or 'times', a cell array with the times of each unit."
            )
        read: Callable = self._of_cells if "times" in how else self._of_rows
        time, unit, trial, own = read(how, units, trials)
        coords: dict[str, Any] = {"unit": own["unit"]} | (units.columns if units else {})
        _refuse_lengths("units", coords, "unit")
        about: dict[str, Any] = {}
        if trial is not None:
            coords |= {"trial": own["trial"]} | (trials.columns if trials else {})
            about = {"table": self.mapping.get("trials", {}).get("name", "trials")}
        return spikes.dataset(
            time, unit, trial, coords=coords, source="recording", attrs=about,
            **self._observed(in_trials=trial is not None),
        )  # fmt: skip

    def _of_rows(self, how: Mapping[str, Any], units: Any, trials: Any) -> tuple:
        time = self.column(how["time"])
        own: dict[str, np.ndarray] = {}
        found: dict[str, np.ndarray | None] = {"trial": None}
        if "unit" not in how:
            raise LabelError("mapping['spikes'] has 'time' without 'unit', the unit of each spike.")
        for dim, rows in (("unit", units), ("trial", trials)):
            if dim not in how:
                continue
            column = self.column(how[dim])
            if column.shape != time.shape:
                raise LabelError(
                    f"'{how[dim]}' has {column.size} values, and there are {time.size} spikes."
                )
            found[dim], own[dim] = column, np.unique(column) if rows is None else rows.labels
        return self.ms(time, how["time"]), found["unit"], found["trial"], own

    def _of_cells(self, how: Mapping[str, Any], units: Any, trials: Any) -> tuple:
        dims = list(how.get("dims", ["unit"]))
        if sorted(dims) not in (["unit"], ["trial"], ["trial", "unit"]):
            raise LabelError(
                f"mapping['spikes']['dims'] is {dims}: cells lie on ['unit'], ['trial'], "
                "['unit', 'trial'] or ['trial', 'unit']."
            )
        name = how["times"]
        found = cells(self.source.get(name), name, len(dims))
        if found.ndim < len(dims):
            raise LabelError(f"'{name}' has shape {found.shape}, and lies on {dims}.")
        own = {
            dim: np.arange(size) if rows is None else rows.labels
            for dim, size, rows in [
                (d, n, units if d == "unit" else trials)
                for d, n in zip(dims, found.shape, strict=True)
            ]
        }
        for dim, size in zip(dims, found.shape, strict=True):
            if own[dim].size != size:
                raise LabelError(
                    f"'{name}' has cells of {size} {dim}s, and there are {own[dim].size} {dim}s."
                )
        own.setdefault("unit", np.arange(1) if units is None else units.labels)
        flat = found.ravel()
        lengths = [each.size for each in flat]
        index = np.unravel_index(np.repeat(np.arange(flat.size), lengths), found.shape)
        place = dict(zip(dims, index, strict=True))
        times = [self.ms(each, name) for each in flat]
        time = np.concatenate(times) if times else np.zeros(0)
        unit = own["unit"][place.get("unit", np.zeros(len(time), np.int64))]
        trial = own["trial"][place["trial"]] if "trial" in place else None
        return time, unit, trial, own

    def _observed(self, *, in_trials: bool) -> dict[str, Any]:
        given = self.mapping.get("observed")
        if given is None:
            return {}
        name = given if isinstance(given, str) else "observed"
        value = self.source.get(given) if isinstance(given, str) else given
        if is_objects(value):  # the intervals of each unit
            value = [self.ms(each, name) for each in value.ravel(order="F")]
            return {"observed": [each.reshape(-1, 2) for each in value]}
        edges = self.ms(value, name)
        if edges.ndim > 2 or edges.size % 2 or not edges.size or edges.shape[-1] != 2:
            raise LabelError(
                f"'{name}' has shape {edges.shape}: give start and stop, or an array (n, 2) of the "
                "times that were observed."
            )
        edges = edges.reshape(-1, 2)
        if in_trials and len(edges) > 1:
            raise LabelError("spikes in trials take a single interval as 'observed'.")
        return {"window": edges[0]} if len(edges) == 1 else {"observed": edges}

    def _events(self, name: str, how: Mapping[str, Any]) -> xr.Dataset:
        if "time" not in how:
            raise LabelError(f"mapping['events']['{name}'] needs 'time', the times of the events.")
        time = self.ms(self.column(how["time"]), how["time"])
        found: dict[str, Any] = {"trial": np.arange(time.size)}
        found["event_time"] = ("trial", time, "ms", "time of the event")
        for ours, theirs in _named(how.get("columns", ()), "mapping['events']").items():
            found[free_name(ours, found)] = ("trial", self.column(theirs))
        _refuse_lengths(f"events '{name}'", found, "trial")
        return table(found, {"table": name})


def _named(given: Any, where: str) -> dict[str, str]:
    """Names of ours and of theirs: of a dict, or of a list, whose last parts are ours."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        return {str(ours): str(theirs) for ours, theirs in given.items()}
    found = {str(name).split(".")[-1]: str(name) for name in given}
    if len(found) < len(given):
        raise LabelError(f"{where}: two names end alike, so that one hides another: give a dict.")
    return found


def _refuse_differing(
    name: str, column: np.ndarray, once: np.ndarray, label: np.ndarray, dim: str
) -> None:
    same = column == once
    if column.dtype.kind == "f":
        same |= np.isnan(column) & np.isnan(once)
    if not np.all(same):
        at = int(np.argmin(same))
        raise LabelError(
            f"'{name}' differs between rows of {dim} {label[at].item()!r}: "
            f"{once[at].item()!r} and {column[at].item()!r}. It is no property of {dim}s."
        )


def _refuse_lengths(what: str, coords: Mapping[str, Any], dim: str) -> None:
    n = len(coords[dim])
    for name, each in coords.items():
        if isinstance(each, tuple) and each[0] == dim and len(each[1]) != n:
            raise LabelError(f"'{name}' of {what} has {len(each[1])} values, and there are {n}.")
