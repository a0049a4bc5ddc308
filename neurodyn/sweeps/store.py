"""The Zarr store of a sweep: one process writes it, one point after another.

A point is done once its state says so, which is written last, in one step. A kill at any time
therefore leaves points that are done, and points that count as not begun.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from neurodyn.io.atomic import atomic_path
from neurodyn.labels.convention import DIMS, OWN_DIMS
from neurodyn.sweeps.grid import Grid
from neurodyn.sweeps.layout import Slot, differences, dtype_of
from neurodyn.sweeps.parts import as_text
from neurodyn.sweeps.points import Failure, Outcome

WAITING, DONE, FAILED = 0, 1, 2
#: Words for the states, in their order.
STATES = ("waiting", "done", "failed")
#: Attributes of the root: the sweep as it was asked for, and the arrays of its results.
ABOUT, LAYOUT = "sweep", "layout"

_RECORDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "point_state": (
        "int8",
        WAITING,
        {
            "units": "1",
            "long_name": "state of the point",
            "flag_values": [WAITING, DONE, FAILED],
            "flag_meanings": " ".join(STATES),
        },
    ),
    "point_seconds": ("float64", np.nan, {"units": "s", "long_name": "duration of the point"}),
    "point_attempts": ("int32", 0, {"units": "1", "long_name": "attempts at the point"}),
    "point_error_type": ("str", "", {"units": "1", "long_name": "type of the error"}),
    "point_error": ("str", "", {"units": "1", "long_name": "message of the error"}),
    "point_traceback": ("str", "", {"units": "1", "long_name": "where the error was raised"}),
}
_SUMMARY = {"units": "1", "long_name": "summary of the experiment, as JSON"}


class Store:
    """The store of one sweep, open for writing.

    Parameters
    ----------
    path
        Its folder.
    grid
        The grid of the sweep.
    """

    def __init__(self, path: Path, grid: Grid):
        self._root, self._grid = open_group(path), grid
        attrs = self._root.attrs.asdict()
        self._slots: list[Slot] | None = None
        self._first = ""
        if LAYOUT in attrs:
            self._slots, self._first = self._read(json.loads(attrs[LAYOUT]))
        self._arrays: dict[str, Any] = {}
        self._attrs: dict[str, dict[str, Any]] = {}

    @classmethod
    def create(
        cls, path: Path, grid: Grid, about: dict[str, Any], *, summary: bool, overwrite: bool
    ) -> Store:
        """A new store with the grid and without results; it appears whole, or not at all."""
        import zarr

        own = [dim for dim in grid.dims if dim not in DIMS]
        attrs = {ABOUT: json.dumps(about), "source": "analysis", "kind": "statistic", OWN_DIMS: own}
        with atomic_path(path, overwrite=overwrite) as temporary:
            root = zarr.create_group(str(temporary), attributes=attrs)
            for axis in grid.axes:
                slot = Slot(
                    "/", axis.name, (axis.name,), axis.labels.shape, dtype_of(axis.labels),
                    dict(axis.attrs), True, axis.labels,
                )  # fmt: skip
                _create(root, slot, grid, None)
            records = _RECORDS | ({"point_summary": ("str", "", _SUMMARY)} if summary else {})
            for name, (dtype, fill, about_it) in records.items():
                _create(root, Slot("/", name, (), (), dtype, about_it, False), grid, fill)
        return cls(path, grid)

    def states(self) -> np.ndarray:
        """State of every point, in the order of the grid."""
        return np.asarray(self._root["point_state"][...]).ravel()

    def record(self, outcome: Outcome, attempts: int) -> Outcome:
        """Write what became of a point.

        Returns
        -------
        Outcome
            The outcome; a failure, if the result does not fit those of the other points.
        """
        if outcome.found is not None and (misfit := self._misfit(outcome)) is not None:
            outcome = outcome._replace(found=None, failure=misfit)
        failed = outcome.failure is not None
        if outcome.found is not None:
            self._write_result(outcome)
        records: dict[str, Any] = {"point_seconds": outcome.seconds, "point_attempts": attempts}
        if failed:
            kind, message, where = outcome.failure
            records |= dict(zip(_ERROR, (kind, message, where), strict=True))
        elif str(self._array("point_error_type")[self._where("point_error_type", outcome.point)]):
            records |= dict.fromkeys(_ERROR, "")  # it failed in an earlier sweep
        if outcome.summary:
            records["point_summary"] = json.dumps(outcome.summary)
        records["point_state"] = FAILED if failed else DONE  # the last one
        for name, value in records.items():
            self._array(name)[self._where(name, outcome.point)] = value
        return outcome

    def _misfit(self, outcome: Outcome) -> Failure | None:
        """The error of a result that does not fit; the first result makes the layout."""
        if self._slots is None:
            taken = self._laid_out(outcome)
            return None if taken is None else Failure("ValueError", taken, "")
        found = differences(self._slots, outcome.found.parts)
        if not found:
            return None
        message = (
            f"The result at {self._grid.named(outcome.point)} differs from that at {self._first}, "
            f"the first to finish: {'; '.join(found)}. All points return the same names, shapes "
            "and labels."
        )
        return Failure("ValueError", message, "")

    def _laid_out(self, outcome: Outcome) -> str | None:
        """Make the arrays of results; says why they cannot be made."""
        slots = [Slot.of(part) for part in outcome.found.parts]
        groups = {slot.node.strip("/") for slot in slots} - {""}
        clash = groups & {slot.path for slot in slots}
        if clash:
            return f"The result has both a group and a variable named {sorted(clash)[0]!r}."
        for slot in slots:
            _create(self._root, slot, self._grid, None if slot.index else _missing(slot.dtype))
        for node, attrs in outcome.found.attrs.items():
            # The root has attributes of its own.
            self._group(node).attrs.update({k: v for k, v in attrs.items() if k not in self._own()})
        own = sorted({dim for slot in slots for dim in slot.all_dims(self._grid)} - set(DIMS))
        about = [[*slot[:5], slot.attrs, slot.index] for slot in slots]
        layout = {"first": self._grid.named(outcome.point), "slots": about}
        every = sorted({*self._root.attrs.get(OWN_DIMS, []), *own})
        # Only now do the arrays count: a process that was killed before makes them anew.
        self._root.attrs.update({OWN_DIMS: every, LAYOUT: json.dumps(layout)})
        self._slots, self._first = slots, layout["first"]
        return None

    def _write_result(self, outcome: Outcome) -> None:
        for part in outcome.found.parts:
            if part.index:
                continue
            slot = Slot.of(part)
            wanted = [dim for dim in slot.all_dims(self._grid) if dim in part.dims]
            values = part.values.transpose([part.dims.index(dim) for dim in wanted])
            at = self._grid.place(outcome.point)
            where = tuple(at.get(dim, slice(None)) for dim in slot.all_dims(self._grid))
            text = slot.dtype == "str"
            self._array(slot.path)[where] = values.astype(object) if text else values
        self._keep_common(outcome.found.attrs)

    def _keep_common(self, attrs: dict[str, dict[str, Any]]) -> None:
        """Keep those attributes of groups that all points share."""
        for node in {slot.node for slot in self._slots}:
            if node not in self._attrs:
                self._attrs[node] = self._group(node).attrs.asdict()
            own, new = self._attrs[node], attrs.get(node, {})
            gone = [k for k in own if k not in self._own() and own[k] != new.get(k)]
            if gone:
                for name in gone:
                    del own[name]
                self._group(node).attrs.put(own)

    def _own(self) -> set[str]:
        return {ABOUT, LAYOUT, "source", "kind", OWN_DIMS}

    def _group(self, node: str) -> Any:
        return self._root if node == "/" else self._root[node.strip("/")]

    def _array(self, path: str) -> Any:
        if path not in self._arrays:
            self._arrays[path] = self._root[path]
        return self._arrays[path]

    def _where(self, name: str, point: int) -> tuple[int, ...]:
        at = self._grid.place(point)
        return tuple(at[dim] for dim in Slot("/", name, (), (), "", {}, False).all_dims(self._grid))

    def _read(self, layout: dict[str, Any]) -> tuple[list[Slot], str]:
        slots = []
        for node, name, dims, shape, dtype, attrs, index in layout["slots"]:
            slot = Slot(node, name, tuple(dims), tuple(shape), dtype, attrs, index)
            if index:
                values = np.asarray(self._root[slot.path][...])
                slot = slot._replace(values=as_text(values) if dtype == "str" else values)
            slots.append(slot)
        return slots, layout["first"]


_ERROR = ("point_error_type", "point_error", "point_traceback")


def open_group(path: Path, *, writing: bool = True) -> Any:
    """The root group of a store.

    Raises
    ------
    ValueError
        If it is no store of a sweep.
    """
    import zarr

    try:
        root = zarr.open_group(str(path), mode="r+" if writing else "r")
        json.loads(str(root.attrs[ABOUT]))
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise ValueError(
            f"{path} holds something else, not a sweep: choose another folder."
        ) from error
    return root


def _create(root: Any, slot: Slot, grid: Grid, fill: Any) -> None:
    """Make an array; an index gets its labels at once."""
    array = root.create_array(
        slot.path,
        shape=slot.all_sizes(grid),
        chunks=slot.chunks(grid),
        dtype=str if slot.dtype == "str" else slot.dtype,
        dimension_names=slot.all_dims(grid),
        attributes=slot.attrs,
        overwrite=True,
        **({} if fill is None else {"fill_value": fill}),
    )
    if slot.index:
        array[...] = slot.values.astype(object) if slot.dtype == "str" else slot.values


def _missing(dtype: str) -> Any:
    if dtype == "str":
        return ""
    return complex(np.nan, np.nan) if dtype.startswith("complex") else np.nan
