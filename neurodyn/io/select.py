"""Take a section of a recording, and some of its channels, units and signals."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io.pieces import PIECES, STARTS, is_signal
from neurodyn.io.selection import Pick, Selection
from neurodyn.labels import LabelError
from neurodyn.labels.convention import COORDS, GAPS
from neurodyn.labels.wording import told
from neurodyn.spikes.observation import observation


class Cutter:
    """Cuts the parts of a recording; `notes` takes "path: reason" of those that are left out."""

    def __init__(self, selection: Selection, notes: list[str]):
        self.window, self.notes = selection.window, notes
        self.pick = {
            "channel": Pick("channel", selection.channels), "unit": Pick("unit", selection.units)
        }  # fmt: skip

    def check(self) -> None:
        """Refuse channels and units that no part has."""
        for pick in self.pick.values():
            pick.check()

    def __call__(self, path: str, ds: xr.Dataset) -> xr.Dataset | None:
        """Cut one part; None if nothing of it is left."""
        for dim, pick in self.pick.items():
            if dim not in ds.dims or (index := pick(path, _labels(ds, dim))) is None:
                continue
            if not index.size:
                self.notes.append(f"{path}: {pick.problem(path)}")
                return None
            ds = ds.isel({dim: index})
            ds = spikes.tidy(ds) if dim == "unit" and "spike" in ds.dims else ds
        if self.window is None:
            return ds
        _refuse_own_clocks(ds, path)
        try:
            if "spike" in ds.dims:
                ds = _spikes_within(ds, self.window)
            elif "time" in ds.dims:
                ds = labels.between(ds, self.window, what="it")
        except LabelError as error:
            self.notes.append(f"{path or 'signal'}: {str(error).rstrip('.')}")
            return None
        return self._rows(path, ds)

    def _rows(self, path: str, ds: xr.Dataset) -> xr.Dataset | None:
        """The rows of a table of trials or events that overlap the window."""
        if "trial" not in ds.dims or self.window is None:
            return ds
        start, stop = self.window
        if "start_time" in ds.coords:
            begin = ds["start_time"].values
            end = ds["stop_time"].values if "stop_time" in ds.coords else begin
            keep = (begin < stop) & ((end > start) | (begin >= start))
        elif "event_time" in ds.coords:
            keep = (ds["event_time"].values >= start) & (ds["event_time"].values < stop)
        else:
            return ds
        if keep.any():
            return ds.isel(trial=keep)
        self.notes.append(f"{path or 'trials'}: no row lies {from_to(self.window)}")
        others = ds.drop_dims("trial")
        return others if {"spike", "time"} & set(ds.dims) else None


def select(recording: xr.Dataset | xr.DataTree, selection: Selection) -> xr.Dataset | xr.DataTree:
    """Take what was asked for from a recording that has been read.

    Parameters
    ----------
    recording
        Dataset or DataTree that follows the convention.
    selection
        What to take. Lazy variables stay lazy.

    Returns
    -------
    An object of the same type. `not_read` lists the parts of which nothing is left.

    Raises
    ------
    LabelError
        If a signal, channel or unit is not there, nothing is left, or a window is asked of trials
        or sweeps with clocks of their own.
    """
    if selection._replace(lazy=None, spikes_first=False) == Selection():
        return recording
    nodes: dict[str, xr.Dataset]
    if isinstance(recording, xr.DataTree):
        nodes = {node.path.strip("/"): node.to_dataset() for node in recording.subtree}
    else:
        nodes = {"": recording}
    signals = {path: _signal_name(path, ds) for path, ds in nodes.items() if is_signal(ds)}
    asked = set(selection.named({name: name for name in signals.values()}))
    notes: list[str] = []
    cutter = Cutter(selection, notes)
    found = {
        path: cut
        for path, ds in nodes.items()
        if (path not in signals or signals[path] in asked) and (cut := cutter(path, ds)) is not None
    }
    cutter.check()
    if not any(ds.variables for ds in found.values()):
        raise LabelError(
            "nothing of this recording is left: " + ("; ".join(notes) or "it holds signals") + "."
        )
    if notes:
        root = found.setdefault("", xr.Dataset())
        listed = [*root.attrs.get("not_read", []), *notes]
        found[""] = root.assign_attrs(not_read=listed)
    if not isinstance(recording, xr.DataTree):
        return found[""]
    tree: dict[str, Any] = {f"/{path}": ds for path, ds in found.items()}
    return xr.DataTree.from_dict(tree, name=recording.name)


def _signal_name(path: str, ds: xr.Dataset) -> str:
    return path.removeprefix("signals/") or str(ds.attrs.get("series", next(iter(ds.data_vars))))


def _labels(ds: xr.Dataset, dim: str) -> dict[str, np.ndarray]:
    own = {dim: np.arange(ds.sizes[dim])}
    return own | {str(n): c.values for n, c in ds.coords.items() if c.dims == (dim,)}


def _refuse_own_clocks(ds: xr.Dataset, path: str) -> None:
    pieces = [dim for dim in PIECES if dim in ds.dims and {"time", "spike"} & set(ds.dims)]
    own = "align_event" in ds.attrs or any(
        n in ds.coords and ds[n].dims == (dim,) for dim in pieces for n in STARTS
    )
    if "spike_trial" in ds or (pieces and own and "spike" not in ds.dims):
        dim = pieces[0] if pieces else "trial"
        raise LabelError(
            f"{path or 'the recording'} is in {dim}s, whose times count from their starts, and "
            "window is a section of a continuous recording: leave it out, and select afterwards, "
            f"by .isel({dim}=...) or by time."
        )


def _spikes_within(ds: xr.Dataset, window: tuple[float, float]) -> xr.Dataset:
    start, stop = window
    time = ds["spike_time"].values
    ends = ds.attrs.get("closed") == "right"  # spikes of runs are labelled by the end of the step
    keep = (time > start) & (time <= stop) if ends else (time >= start) & (time < stop)
    cut = ds.isel(spike=keep)
    if not {"window", "obs_intervals"} & set(ds.attrs):
        return cut
    seen = spikes.observed_intervals(ds)
    if not any(((each[:, 0] < stop) & (each[:, 1] > start)).any() for each in seen):
        edges = ds.attrs.get("window", ds.attrs.get("obs_intervals"))
        raise LabelError(
            f"no unit was observed {from_to(window)}; the recording is "
            f"{from_to((edges[0], edges[-1]))}"
        )
    coords, attrs = observation(seen, ds["unit"].values, window)
    own = ("observed_start", "observed_stop", "gap", *GAPS)
    cut = cut.drop_vars([name for name in own if name in cut.variables])
    kept = {name: v for name, v in cut.attrs.items() if name not in ("window", "obs_intervals")}
    cut.attrs = kept | attrs
    return cut.assign_coords({name: _variable(name, *spec) for name, spec in coords.items()})


def _variable(name: str, dims: Any, values: Any, *_: Any) -> xr.Variable:
    units, text = COORDS.get(name, ("1", name))
    return xr.Variable(dims, values, {"units": units, "long_name": text})


def from_to(window: tuple[float, float]) -> str:
    """A window in words."""
    return f"from {told(window[0])} to {told(window[1])} ms"
