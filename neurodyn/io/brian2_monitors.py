"""Label the spikes, states and rates that the monitors of Brian2 recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
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


def labelled(
    b2: Any, monitors: Sequence[Any], coords: Mapping[str, Any] | None
) -> xr.Dataset | xr.DataTree:
    """The run that monitors recorded; with rates of populations a DataTree."""
    run = _Labeller(b2, monitors, coords)
    rates = [each for each in monitors if isinstance(each, b2.PopulationRateMonitor)]
    if not rates:
        return run.dataset()
    parts = {"/population_rate": _population_rate(b2, rates)}
    if len(rates) < len(monitors):
        parts["/run"] = run.dataset()
    return xr.DataTree.from_dict(parts)


class _Labeller:
    """Labels spikes and states of one or more groups."""

    def __init__(self, b2: Any, monitors: Sequence[Any], coords: Mapping[str, Any] | None):
        self.b2 = b2
        self.spikes = [m for m in monitors if isinstance(m, b2.SpikeMonitor)]
        self.states = [m for m in monitors if isinstance(m, b2.StateMonitor)]
        self.groups = list({m.source.name: m.source for m in self.spikes + self.states}.values())
        self.sizes = [len(group) for group in self.groups]
        self.first = dict(
            zip([g.name for g in self.groups], np.cumsum([0, *self.sizes]), strict=False)
        )
        self.coords = dict(coords or {})
        self.coords.setdefault("population", np.repeat([g.name for g in self.groups], self.sizes))

    def dataset(self) -> xr.Dataset:
        """The run."""
        coords: dict[str, Any] = {"unit": np.arange(sum(self.sizes)), "trial": [0]}
        for name, value in self.coords.items():
            dim, value = value if isinstance(value, tuple) else ("unit", value)
            if dim == "unit" and len(value) != sum(self.sizes):
                raise LabelError(
                    f"coordinate {name!r} has {len(value)} values for {sum(self.sizes)} units: "
                    f"{dict(zip(self.first, self.sizes, strict=True))}."
                )
            coords[name] = (dim, np.asarray(value))
        coords |= self._spikes(coords)
        variables = self._states(coords)
        dt = {
            _ms(self.b2, m.clock.dt if m in self.states else m.source.clock.dt)
            for m in self.spikes + self.states
        }
        step = min(dt)
        attrs = {"dt": step, "simulator": f"Brian2 {self.b2.__version__}"}
        if self.spikes:
            stop = max(_ms(self.b2, m.source.clock.t) for m in self.spikes)
            attrs |= {"window": [0.0, stop], "closed": "right"}
        return labels.dataset(variables, coords, source="model", attrs=attrs)

    def _spikes(self, coords: dict[str, Any]) -> dict[str, Any]:
        if not self.spikes:
            return {}
        time, unit = [], []
        for monitor in self.spikes:
            step = _ms(self.b2, monitor.source.clock.dt)
            # From whole steps, so that times are those of our own runs to the bit.
            at = np.rint(np.asarray(monitor.t / self.b2.ms) / step).astype(np.int64)
            time.append((at + 1) * step)
            unit.append(np.asarray(monitor.i) + self.first[monitor.source.name])
        time, unit = np.concatenate(time), np.concatenate(unit).astype(np.int64)
        order = np.lexsort([unit, time])
        columns = {
            "spike_time": time[order],
            "spike_unit": unit[order],
            "spike_trial": np.zeros(time.size, np.int64),
        }
        return spike_table(columns, {dim: np.asarray(coords[dim]) for dim in ("unit", "trial")})

    def _states(self, coords: dict[str, Any]) -> dict[str, tuple]:
        if not self.states:
            return {}
        times = [np.asarray(m.t / self.b2.ms, float) for m in self.states]
        if any(t.shape != times[0].shape or not np.allclose(t, times[0]) for t in times):
            raise LabelError(
                "the StateMonitors recorded at different times: label them one by one, or give "
                "them the same dt and when."
            )
        coords["time"] = self._sample_times(times[0])
        values: dict[str, np.ndarray] = {}
        units: dict[str, str] = {}
        for monitor in self.states:
            if not np.array_equal(monitor.record, np.arange(len(monitor.source))):
                raise LabelError(
                    f"{monitor.name} recorded {len(monitor.record)} of {len(monitor.source)} units "
                    f"of {monitor.source.name}: use record=True."
                )
            place = slice(
                self.first[monitor.source.name],
                self.first[monitor.source.name] + len(monitor.source),
            )
            for name in monitor.record_variables:
                array, unit = _plain(self.b2, getattr(monitor, name))
                shape = (len(coords["time"]), sum(self.sizes))
                whole = values.setdefault(name, np.full(shape, np.nan))
                whole[:, place] = array.T
                if units.setdefault(name, unit) != unit:
                    raise LabelError(f"{name!r} has other units in {monitor.source.name}.")
        missing = [name for name, whole in values.items() if np.isnan(whole).all(0).any()]
        if missing:
            raise LabelError(
                f"{missing} were not recorded of all groups ({', '.join(self.first)}): label the "
                "groups one by one."
            )
        dims = ("trial", "time", "unit")
        return {n: (dims, x[None], units[n], n.replace("_", " ")) for n, x in values.items()}

    def _sample_times(self, time: np.ndarray) -> np.ndarray:
        """Sample k + 1 of Brian2, at the start of step k + 1, is the state after step k."""
        monitor = self.states[0]
        step = _ms(self.b2, monitor.clock.dt)
        late = monitor.when in ("end", "after_resets", "before_end", "after_end")
        return (np.rint(time / step) + (1 if late else 0)) * step


def _ms(b2: Any, time: Any) -> float:
    return round(float(time / b2.ms), 9)


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
    steps = [_ms(b2, m.clock.dt) for m in monitors]
    rates = [np.asarray(m.rate / b2.Hz, float) for m in monitors]
    if len(set(steps)) > 1 or len({r.size for r in rates}) > 1:
        raise LabelError("the PopulationRateMonitors recorded at different times.")
    at = np.rint(np.asarray(monitors[0].t / b2.ms) / steps[0])
    names = [m.source.name for m in monitors]
    return labels.dataset(
        {"rate": (("time", "unit"), np.stack(rates, axis=1), "Hz", "firing rate")},
        {
            # The middle of the step that the rate is of.
            "time": (at + 0.5) * steps[0],
            "population": ("unit", np.array(names)),
            "n_units": ("unit", np.array([len(m.source) for m in monitors])),
        },
        source="model",
        kind="rate",
        attrs={"bin_width": steps[0]},
    )
