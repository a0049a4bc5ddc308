"""Between Brian2 and us: networks there and back, and what its monitors recorded as labelled runs.

Brian2 (and the models that it is translated to) are imported when they are first needed.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.common.checks import number
from neurodyn.labels import LabelError
from neurodyn.spikes.build import spike_table

__all__ = ["from_brian2", "to_brian2"]

#: Where networks are translated; looked up by name, since models lie on a floor above.
_BRIDGE = "neurodyn.models.spiking.bridge"
#: Packages whose functions stand between a caller and this module; two only check types.
_INSIDE = ("neurodyn", "jaxtyping", "beartype")
#: Units of Brian2's dimensions here, and their size in SI units.
_UNITS = {
    "volt": ("mV", 1e-3),
    "amp": ("pA", 1e-12),
    "siemens": ("nS", 1e-9),
    "farad": ("pF", 1e-12),
    "hertz": ("Hz", 1.0),
    "second": ("ms", 1e-3),
}


def require_brian2() -> Any:
    """Brian2 itself.

    Raises
    ------
    ImportError
        Saying how to install it, if it is missing or cannot be imported with this NumPy.
    """
    try:
        import brian2
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"Brian2 could not be imported ({type(error).__name__}: {error}). Install it with `pip "
            "install 'brian2>=2.9' 'numpy<2.4'`: Brian2 2.9 does not import with numpy 2.4, which "
            f"removed ndarray.ptp; here is numpy {np.__version__}."
        ) from error
    return brian2


def to_brian2(
    network: Any,
    inputs: Any = None,
    *,
    dt: float,
    variables: Sequence[str] = (),
    key: Any = None,
) -> Any:
    """Translate a spiking network to a Brian2 Network that computes the same.

    Potentials are in mV, time in ms, and all variables are numbers without units, as in ours, so
    that equations look as they do in the documentation of the models. Each kind of neuron is one
    NeuronGroup ("cells", or "cells_0", "cells_1"...) with the units of its populations one after
    the other; each projection is a Synapses object of its own name. A SpikeMonitor "spikes" is
    included.

    Parameters
    ----------
    network
        A `neurodyn.models.spiking.Network`.
    inputs
        What drives it, ``(time, input)``, or a Drive of such: one trial, as for `integrate`.
    dt
        Step [ms].
    variables
        Variables that a StateMonitor "states" records of all units, by Brian2's names: ``"v"``,
        ``"u"``, ``"g_ampa"`` for a synapse called "ampa".
    key
        Seed or key for random initial states. With the key that `integrate` derives for a trial
        the start is the same.

    Returns
    -------
    brian2.Network
        Run it with ``net.run(duration * brian2.ms)``; in float64 spikes are then those of
        `neurodyn.integrate`, as long as nothing is drawn at random. Groups are ``net["cells"]`` and
        so on, their equations ``net["cells"].equations``.

    Raises
    ------
    ImportError
        If Brian2 cannot be imported; says what to do.
    TypeError, ValueError
        For what has no counterpart, by name: learning rules, readouts that learn or feed back,
        other schemes than "euler" and "izh2003", neurons or synapses of your own.

    Examples
    --------
    >>> import brian2  # doctest: +SKIP
    >>> from neurodyn.models import spiking
    >>> cell = spiking.Network(spiking.Izhikevich2003(1, "RS"), bias=10.0)
    >>> net = to_brian2(cell, dt=0.5)  # doctest: +SKIP
    >>> net.run(1000 * brian2.ms, namespace={})  # doctest: +SKIP
    """
    require_brian2()
    number("dt", dt, above=0)
    write = importlib.import_module(f"{_BRIDGE}.write").write
    return write(network, inputs, dt=float(dt), variables=tuple(variables), key=key)


def from_brian2(
    *objects: Any,
    coords: Mapping[str, Any] | None = None,
    namespace: Mapping[str, Any] | None = None,
    scheme: Any = None,
) -> Any:
    """Read a Brian2 Network as a model of ours, or label what Brian2's monitors recorded.

    Parameters
    ----------
    *objects
        A Network that has not run yet. Or SpikeMonitors, StateMonitors and PopulationRateMonitors
        of one run, in any mixture; those of several groups are put after each other along ``unit``,
        in the order given.
    coords
        Coordinates of units, such as ``model.unit_coords()`` of the network that was translated.
        Default: ``population``, the names of the groups. For monitors.
    namespace
        For a Network: values of the names that its equations hold. Default: the variables where
        this function is called, as Brian2 does it.
    scheme
        For a Network: the scheme of ours, as of `neurodyn.models.spiking.Network`. Default:
        Euler's, where the groups have that method; others are refused.

    Returns
    -------
    For a Network, a `neurodyn.models.spiking.Network`. Each NeuronGroup is a population of its
    name; groups are in the order of their names. Potentials are in mV, currents in pA where the
    equations have units. A SpikeGeneratorGroup is an input whose spikes are to be passed to
    `neurodyn.simulate`; a TimedArray is an input of currents likewise; a PoissonGroup is a source.
    For ``v > x`` a unit spikes at x too. Neurons may be Izhikevich's of 2003 or 2007, linear or
    adaptive exponential; see the how-to on spiking networks for what else is read.

    For monitors, a Dataset (trial, time, unit) as `simulate` returns, with one trial:
    ``spike_time`` [ms], ``spike_unit`` and ``spike_trial``; the variables of StateMonitors,
    potentials in mV, currents in pA, numbers without units as they are. `neurodyn.io.to_neo` takes
    it on. Spikes are labelled with the end of their step, as in all runs: Brian2's times plus the
    step. With
    PopulationRateMonitors a DataTree of ``run`` and ``population_rate``.

    Raises
    ------
    ImportError
        If Brian2 cannot be imported.
    TypeError
        If something else is given.
    ValueError
        For what a Network holds that has no counterpart, with its name and equation.
    LabelError
        If the monitors' groups or steps do not fit together, or not all units were recorded.

    Examples
    --------
    >>> run = from_brian2(spike_monitor, state_monitor)  # doctest: +SKIP
    >>> model = from_brian2(brian2.Network(group, synapses))  # doctest: +SKIP
    """
    b2 = require_brian2()
    if len(objects) == 1 and isinstance(objects[0], b2.Network):
        if namespace is None:
            namespace = _variables_of_caller()
        read = importlib.import_module(f"{_BRIDGE}.read").read
        return read(objects[0], namespace, scheme)
    kinds = (b2.SpikeMonitor, b2.StateMonitor, b2.PopulationRateMonitor)
    wrong = [type(each).__name__ for each in objects if not isinstance(each, kinds)]
    if wrong or not objects:
        raise TypeError(
            "from_brian2 takes a Network, or SpikeMonitors, StateMonitors and "
            "PopulationRateMonitors of one run, got "
            f" {wrong or 'nothing'}."
        )
    run = _Labeller(b2, objects, coords)
    rates = [each for each in objects if isinstance(each, b2.PopulationRateMonitor)]
    if not rates:
        return run.dataset()
    parts = {"/population_rate": _population_rate(b2, rates)}
    if len(rates) < len(objects):
        parts["/run"] = run.dataset()
    return xr.DataTree.from_dict(parts)


def _variables_of_caller() -> dict[str, Any]:
    """What a call from outside of this library sees."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


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
