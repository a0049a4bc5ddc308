"""Label the spikes, states and rates that the monitors of Brian2 recorded."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.io.brian2.units import Watched, after_integration, end_of_steps, milliseconds
from neurodyn.labels import LabelError
from neurodyn.labels.wording import told
from neurodyn.spikes.build import spike_table

#: Units of Brian2's dimensions here, and their size in SI units.
_UNITS = {
    "volt": ("mV", 1e-3),
    "amp": ("pA", 1e-12),
    "siemens": ("nS", 1e-9),
    "farad": ("pF", 1e-12),
    "hertz": ("Hz", 1.0),
    "second": ("ms", 1e-3),
}
#: Monitors that this library put into a network before it ran.
_FROM_START: weakref.WeakSet = weakref.WeakSet()


def from_start(monitors: Sequence[Any]) -> None:
    """Remember that these monitors are in their network from its start."""
    for each in monitors:
        _FROM_START.add(each)


def labelled(
    b2: Any, monitors: Sequence[Any], coords: Mapping[str, Any] | None, window: Any
) -> xr.Dataset | xr.DataTree:
    """The run that monitors recorded; a DataTree where it does not fit into one Dataset."""
    rates = [each for each in monitors if isinstance(each, b2.PopulationRateMonitor)]
    units = [each for each in monitors if each not in rates]
    run = _Labeller(b2, units, coords, window).run() if units else None
    if not rates:
        return run
    parts = {"/population_rate": _population_rate(b2, rates)}
    if isinstance(run, xr.DataTree):
        parts |= {f"/{name}": node.to_dataset() for name, node in run.children.items()}
    elif run is not None:
        parts["/run"] = run
    return xr.DataTree.from_dict(parts)


class _Labeller:
    """Labels spikes and states of one or more groups."""

    def __init__(
        self, b2: Any, monitors: Sequence[Any], coords: Mapping[str, Any] | None, window: Any
    ):
        self.b2 = b2
        self.spikes = [m for m in monitors if isinstance(m, b2.EventMonitor)]
        self.states = [m for m in monitors if isinstance(m, b2.StateMonitor)]
        for each in self.spikes:
            if not each.record:
                raise LabelError(
                    f"{each.name} counted events and kept no times (record=False): its counts are "
                    f"in {each.name}.count; times need record=True."
                )
        self.watched = Watched(b2, monitors)
        self.window = self._window(window)
        self.times = {m.name: self._sample_times(m) for m in self.states}
        self.coords = self._coords(dict(coords or {}))

    def run(self) -> xr.Dataset | xr.DataTree:
        """One Dataset, or a node of spikes and one for each StateMonitor, with the same labels."""
        if self._fits():
            return self._dataset(self.spikes, self.states)
        parts = {f"/{monitor.name}": self._dataset([], [monitor]) for monitor in self.states}
        if self.spikes:
            parts["/run"] = self._dataset(self.spikes, [])
        return xr.DataTree.from_dict(parts)

    def _fits(self) -> bool:
        """Whether all was recorded of the same units, and states at the same times."""
        wanted: dict[str, list[np.ndarray]] = {"spikes": []} if self.spikes else {}
        for monitor in self.spikes:
            wanted["spikes"].append(self.watched.places(monitor))
        for monitor in self.states:
            for name in monitor.record_variables:
                wanted.setdefault(f"state {name}", []).append(self.watched.places(monitor))
        whole = all(np.unique(np.concatenate(x)).size == self.watched.n for x in wanted.values())
        first = next(iter(self.times.values()), None)
        return whole and all(np.array_equal(each, first) for each in self.times.values())

    def _coords(self, given: dict[str, Any]) -> dict[str, Any]:
        coords: dict[str, Any] = {"unit": ("unit", np.arange(self.watched.n))}
        for name, value in (self.watched.coords() | given).items():
            dim, value = value if isinstance(value, tuple) else ("unit", value)
            if dim == "unit" and len(value) != self.watched.n:
                raise LabelError(
                    f"coordinate {name!r} has {len(value)} values for {self.watched.n} units: "
                    f"{self.watched.sizes()}."
                )
            coords[name] = (dim, np.asarray(value))
        return coords

    def _dataset(self, spikes: Sequence[Any], states: Sequence[Any]) -> xr.Dataset:
        """The run of some of the monitors."""
        kept = np.unique(np.concatenate([self.watched.places(m) for m in (*spikes, *states)]))
        coords = {
            name: (dim, value[kept] if dim == "unit" else value)
            for name, (dim, value) in self.coords.items()
        }
        coords["trial"] = ("trial", np.array([0]))
        attrs: dict[str, Any] = {"simulator": f"Brian2 {self.b2.__version__}"}
        attrs["dt"] = min(
            milliseconds(self.b2, m.clock.dt if m in states else m.source.clock.dt)
            for m in (*spikes, *states)
        )
        if spikes:
            coords |= self._spikes(coords)
            attrs |= {"closed": "right"} | self._event() | self._about()
        if states:
            coords["time"] = ("time", self.times[states[0].name])
        variables = self._states(states, kept)
        return labels.dataset(variables, coords, source="model", attrs=attrs)

    def _window(self, window: Any) -> tuple[float, float] | None:
        """When spikes were observed [ms]; None: not known."""
        if not self.spikes:
            return None
        ms = self.b2.ms
        stop = max(milliseconds(self.b2, m.source.clock.t) for m in self.spikes)
        if window is None:
            known = all(each in _FROM_START and each.active for each in self.spikes)
            return (0.0, stop) if known else None
        edges = [each / ms if isinstance(each, self.b2.Quantity) else each for each in window]
        if len(edges) != 2 or not 0 <= edges[0] < edges[1] <= stop + 1e-6:
            raise LabelError(
                f"window must be the start and stop [ms] of what was observed, within the "
                f"{told(stop)} ms of the run, got {window}."
            )
        return float(edges[0]), float(edges[1])

    def _event(self) -> dict[str, str]:
        """The event, where it is another than a spike."""
        events = {each.event for each in self.spikes}
        if len(events) > 1:
            raise LabelError(
                f"the monitors recorded different events, {sorted(events)}: label those of each "
                "event by themselves."
            )
        event = events.pop()
        return {} if event == "spike" else {"event": event}

    def _about(self) -> dict[str, Any]:
        """The observed window where it is known, and what was not read."""
        lost = [
            f"{monitor.name}.{name}: values at spikes have no place here"
            for monitor in self.spikes
            for name in sorted(monitor.record_variables - {"i", "t"})
        ]
        attrs: dict[str, Any] = {"not_read": lost} if lost else {}
        return attrs if self.window is None else attrs | {"window": list(self.window)}

    def _spikes(self, coords: dict[str, Any]) -> dict[str, Any]:
        time, unit = [], []
        for monitor in self.spikes:
            step = milliseconds(self.b2, monitor.source.clock.dt)
            at = np.asarray(monitor.t / self.b2.ms, float)
            time.append(end_of_steps(monitor, at, step, True))
            unit.append(self.watched.places(monitor, monitor.i))
            self._check_inside(monitor, time[-1], step)
        time, unit = np.concatenate(time), np.concatenate(unit).astype(np.int64)
        # Two monitors of the same units saw the same spikes.
        time, unit = np.unique(np.stack([time, unit]), axis=1)
        columns = {
            "spike_time": time,
            "spike_unit": unit.astype(np.int64),
            "spike_trial": np.zeros(time.size, np.int64),
        }
        return spike_table(columns, {dim: coords[dim][1] for dim in ("unit", "trial")})

    def _check_inside(self, monitor: Any, time: np.ndarray, step: float) -> None:
        if self.window is None:
            return
        start, stop = self.window
        outside = time[(time <= start - 1e-6) | (time > stop + 1e-6)]
        if outside.size:
            raise LabelError(
                f"{monitor.name} has {outside.size} spikes outside of window="
                f"({told(start)}, {told(stop)}) ms, from {told(outside.min())} to "
                f"{told(outside.max())} ms (ends of their steps of {step:g} ms): "
                "it was observed then as well."
            )

    def _states(self, monitors: Sequence[Any], kept: np.ndarray) -> dict[str, tuple]:
        values: dict[str, np.ndarray] = {}
        units: dict[str, str] = {}
        for monitor in monitors:
            place = np.searchsorted(kept, self.watched.places(monitor))
            for name in sorted(monitor.record_variables):
                array, unit = _plain(self.b2, getattr(monitor, name))
                whole = values.setdefault(name, np.full((array.shape[1], kept.size), np.nan))
                whole[:, place] = array.T
                if units.setdefault(name, unit) != unit:
                    raise LabelError(
                        f"{name!r} is in {unit} in {monitor.source.name} and in {units[name]} in "
                        "another group: label the groups one by one."
                    )
        dims = ("trial", "time", "unit")
        return {n: (dims, x[None], units[n], n.replace("_", " ")) for n, x in values.items()}

    def _sample_times(self, monitor: Any) -> np.ndarray:
        """Sample k + 1 of Brian2, at the start of step k + 1, is the state after step k."""
        group = self.watched.group(monitor)
        step = milliseconds(self.b2, group.clock.dt)
        late = after_integration(self.b2, monitor, group)
        time = np.asarray(monitor.t / self.b2.ms, float)
        return end_of_steps(monitor, time, step, late)


def _plain(b2: Any, quantity: Any) -> tuple[np.ndarray, str]:
    """Numbers in our units."""
    if not isinstance(quantity, b2.Quantity) or b2.have_same_dimensions(quantity, 1):
        return np.asarray(quantity, float), "1"
    for name, (unit, size) in _UNITS.items():
        if b2.have_same_dimensions(quantity, getattr(b2, name)):
            return np.asarray(quantity, float) / size, unit
    return np.asarray(quantity, float), str(quantity.dim)


def _population_rate(b2: Any, monitors: Sequence[Any]) -> xr.Dataset:
    """Rates of groups, one unit for each, as of `neurodyn.analysis.population_rate`."""
    steps = [milliseconds(b2, m.clock.dt) for m in monitors]
    starts = [
        end_of_steps(m, np.asarray(m.t / b2.ms, float), step, False)
        for m, step in zip(monitors, steps, strict=True)
    ]
    if len(set(steps)) > 1 or any(not np.array_equal(each, starts[0]) for each in starts):
        spans = {m.name: f"{t.size} bins" for m, t in zip(monitors, starts, strict=True)}
        raise LabelError(
            f"the PopulationRateMonitors recorded at different times ({spans}): label them one by "
            "one."
        )
    rates = [np.asarray(m.rate / b2.Hz, float) for m in monitors]
    return labels.dataset(
        {"rate": (("time", "unit"), np.stack(rates, axis=1), "Hz", "firing rate")},
        {
            # The middle of the step that the rate is of.
            "time": starts[0] + 0.5 * steps[0],
            "population": ("unit", np.array([m.source.name for m in monitors])),
            "n_units": ("unit", np.array([len(m.source) for m in monitors])),
        },
        source="model",
        kind="rate",
        attrs={"bin_width": steps[0]},
    )
