"""The units of one kind of neuron as a Brian2 NeuronGroup."""

from __future__ import annotations

import keyword
from typing import Any, NamedTuple

import numpy as np

from neurodyn.engine.drive import Drive
from neurodyn.models.spiking.bridge.neurons import Equations
from neurodyn.models.spiking.bridge.synapses import Receptor
from neurodyn.models.spiking.network.assemble import units_of
from neurodyn.models.spiking.synapses.inputs import CurrentInput
from neurodyn.params.base import value_of


class Kind(NamedTuple):
    """Units of one kind of neuron, one NeuronGroup."""

    name: str
    first: int
    stop: int
    neuron: Any
    equations: Equations


def valid_name(name: str) -> str:
    """A name as a part of Brian2's names."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise ValueError(f"Brian2: {name!r} is no valid name; use letters, digits and underscores.")
    return name


class GroupWriter:
    """Writes the NeuronGroup of one kind of neuron."""

    def __init__(self, b2, network, kind, receptors, drive, clock, izh2003):
        self.b2, self.network, self.kind, self.clock = b2, network, kind, clock
        self.receptors: dict[str, Receptor] = receptors
        self.izh2003 = izh2003
        self.values: dict[str, np.ndarray] = {}
        self.namespace: dict[str, Any] = {}
        self.fresh: list[str] = []
        self.current = self._current(drive)

    def _own(self, values: Any) -> np.ndarray:
        """The part of values on units that belongs to this kind."""
        values = np.asarray(value_of(values), float)
        return values[self.kind.first : self.kind.stop]

    def _current(self, drive: Drive | None) -> str:
        network, terms = self.network, []
        if network.bias is not None:
            terms.append(self._parameter("bias", self._own(network.bias)))
        terms += [r.current for r in self.receptors.values() if r.current is not None]
        if network.current_noise_std is not None:
            self._parameter("current_noise_std", self._own(network.current_noise_std))
            self.fresh.append("I_noise = current_noise_std*randn()")
            terms.append("I_noise")
        if drive is not None and drive.input is not None:
            terms += self._inputs(drive.input)
        if drive is not None and drive.current is not None:
            terms.append(self._array("injected", self._columns(drive.current)))
        return " + ".join(terms) or "0"

    def _columns(self, values: np.ndarray) -> np.ndarray:
        return values[:, self.kind.first : self.kind.stop]

    def _inputs(self, values: np.ndarray) -> list[str]:
        terms = []
        for name, first, stop in self.network.input_channels:
            mine, each = values[:, first:stop], self.network.inputs[name]
            if isinstance(each, CurrentInput):
                spread = np.zeros((each.n, self.network.n_units))
                span = units_of(each.to, self.network.slices, "input")
                spread[:, slice(*span)] = _input_weights(each)
                terms.append(self._array(valid_name(name), self._columns(mine @ spread)))
        return terms

    def _array(self, name: str, values: np.ndarray) -> str:
        """A current that is given for every step, as a TimedArray."""
        self.namespace[f"{name}_current"] = self.b2.TimedArray(values, **self.clock)
        return f"{name}_current(t, i)"

    def _parameter(self, name: str, values: np.ndarray) -> str:
        self.values[name] = values
        return name

    def _rates(self) -> dict[str, str]:
        rates = dict(self.kind.equations.rates)
        for receptor in self.receptors.values():
            rates |= receptor.rates
        return rates

    def _model(self) -> str:
        lines = []
        for name, rate in self._rates().items():
            if self.izh2003:
                lines.append(f"{name} : 1")
                continue
            noise = ""
            if name == "v" and self.network.noise is not None:
                self._parameter("noise", self._own(self.network.noise))
                noise = " + noise*xi/sqrt(ms)"
            held = " (unless refractory)" if name == "v" and self._refractory else ""
            lines.append(f"d{name}/dt = ({rate})/ms{noise} : 1{held}")
        lines.append(f"I = {self.current} : 1")
        lines += [f"{name} : 1" for r in self.receptors.values() for name in r.declared]
        lines += ["I_noise : 1"] if self.fresh else []
        lines += ["refractory_period : second (constant)"] if self._refractory else []
        for receptor in self.receptors.values():
            for name, values in receptor.parameters.items():
                self._parameter(name, self._own(values))
        for name in self.kind.equations.parameters:
            self._parameter(name, np.asarray(value_of(getattr(self.kind.neuron, name)), float))
        if self.izh2003 and self.network.noise is not None:
            self._parameter("noise", self._own(self.network.noise))
        return "\n".join([*lines, *(f"{name} : 1 (constant)" for name in self.values)])

    @property
    def _refractory(self) -> bool:
        return self.network.refractory is not None

    def group(self, cell: Any, x: Any) -> Any:
        """The NeuronGroup, with parameters, initial state and regular operations."""
        equations = self.kind.equations
        group = self.b2.NeuronGroup(
            self.kind.stop - self.kind.first,
            self._model(),
            threshold=equations.threshold,
            reset="\n".join(equations.reset),
            **({"refractory": "refractory_period"} if self._refractory else {}),
            **({} if self.izh2003 else {"method": "euler"}),
            namespace=self.namespace,
            name=self.kind.name,
            **self.clock,
        )
        for name, values in (self.values | cell._asdict()).items():
            setattr(group, name, np.asarray(values, float))
        if self._refractory:
            group.refractory_period = self._own(self.network.refractory) * self.b2.ms
        if self.fresh:
            # Drawn before each step, so that the first step has a new current as well.
            group.run_regularly("\n".join(self.fresh), when="before_groups", **self.clock)
        if self.izh2003:
            group.run_regularly(self._steps_of_2003(), when="groups", **self.clock)
        advance = [line for r in self.receptors.values() for line in r.advance]
        if advance:
            group.run_regularly("\n".join(advance), when="after_groups", **self.clock)
        return group

    def _steps_of_2003(self) -> str:
        """Two half-steps of v, then u from the new v; the synapses from the old state."""
        rates = self._rates()
        others = {name: rate for name, rate in rates.items() if name not in ("v", "u")}
        lines = [f"old_{name} = {rate}" for name, rate in others.items()]
        lines += [f"v += 0.5*(dt/ms)*({rates['v']})"] * 2
        lines += [f"u += (dt/ms)*({rates['u']})"] if "u" in rates else []
        lines += [f"{name} += (dt/ms)*old_{name}" for name in others]
        if self.network.noise is not None:
            lines.append("v += noise*sqrt(dt/ms)*randn()")
        return "\n".join(lines)


def _input_weights(each: CurrentInput) -> np.ndarray:
    """Weights ``(channel, unit)``; with one axis, of a channel to all units, or one to each."""
    W = np.asarray(value_of(each.W), float)
    if W.ndim == 2:
        return W
    return W[None] if each.n == 1 else np.diag(W)
