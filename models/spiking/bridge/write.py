"""A network of ours as a Brian2 Network."""

from __future__ import annotations

import keyword
from typing import Any, NamedTuple

import diffrax
import numpy as np

from neurodyn.engine.drive import Drive, as_drive
from neurodyn.models.spiking.bridge.neurons import Equations, equations_of
from neurodyn.models.spiking.bridge.synapses import Receptor, receptor_of, written
from neurodyn.models.spiking.cells.schemes import Izh2003
from neurodyn.models.spiking.network.assemble import units_of
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.network.weights import CSR
from neurodyn.models.spiking.synapses.inputs import CurrentInput, SpikeInput
from neurodyn.params import with_values
from neurodyn.params.base import value_of

__all__ = ["write"]


class _Kind(NamedTuple):
    """Units of one kind of neuron, one NeuronGroup."""

    name: str
    first: int
    stop: int
    neuron: Any
    equations: Equations


def write(network: Any, inputs: Any, *, dt: float, variables: Any, key: Any) -> Any:
    """See :func:`neurodyn.io.to_brian2`."""
    import brian2 as b2

    if not isinstance(network, Network):
        raise TypeError(
            f"to_brian2 translates a spiking.Network, got {type(network).__name__}; of a model "
            "that wraps one, pass the network inside."
        )
    network.check_step(dt)
    network = with_values(network).sized(dt)
    state = network.initial_state(dt=dt, key=key)
    izh2003 = _check_supported(network)
    drive = None if inputs is None else _checked(network, inputs)
    kinds = _kinds(network)
    receptors = {name: receptor_of(_valid(name), s) for name, s in network.synapses.items()}
    clock = {"dt": float(dt) * b2.ms}
    groups = [
        _Writer(b2, network, kind, receptors, drive, clock, izh2003).group(
            state.x.cells[k], state.x
        )
        for k, kind in enumerate(kinds)
    ]
    senders = _senders(b2, network, drive, clock)
    parts: list[Any] = [*groups, *senders.values()]
    for name, each in network.projections.items():
        parts += _synapses(b2, name, each, network, kinds, groups, senders, receptors, clock)
    parts += _monitors(b2, kinds, groups, variables, clock)
    return b2.Network(*parts)


def _check_supported(network: Network) -> bool:
    """Whether the scheme is that of 2003; refuses what has no counterpart."""
    if not isinstance(network.solver, (diffrax.Euler, Izh2003)):
        raise ValueError(
            f"Brian2: the scheme {type(network.solver).__name__} has no counterpart; 'euler' and "
            "'izh2003' have."
        )
    if network.decoder is not None and (
        network.decoder.feedback is not None or network.decoder.rule is not None
    ):
        raise ValueError(
            "Brian2: a readout that learns or feeds back cannot be translated. A readout that only "
            "listens is left out: it follows from the spikes."
        )
    for name, each in network.projections.items():
        if each.rule is not None:
            raise ValueError(
                f"Brian2: the rule {type(each.rule).__name__} of projection {name!r} cannot be "
                "translated; build the network without it."
            )
    izh2003 = isinstance(network.solver, Izh2003)
    if izh2003 and network.refractory is not None:
        raise ValueError("Brian2: the scheme 'izh2003' is not translated with refractory periods.")
    return izh2003


def _checked(network: Network, inputs: Any) -> Drive:
    """What drives the network, ``(time, input)``, as NumPy arrays."""
    drive = as_drive(inputs)
    values = None if drive.input is None else np.asarray(drive.input, float)
    current = None if drive.current is None else np.asarray(drive.current, float)
    for what, array, n in (("inputs", values, network.n_inputs), ("current", current, None)):
        wanted = network.n_units if n is None else n
        if array is not None and (array.ndim != 2 or array.shape[1] != wanted):
            raise ValueError(
                f"Brian2 runs one trial: `{what}` must be (time, {wanted}), got {array.shape}."
            )
    return Drive(input=values, current=current)


def _kinds(network: Network) -> list[_Kind]:
    kinds, first = [], 0
    for k, neuron in enumerate(network.kinds):
        name = "cells" if len(network.kinds) == 1 else f"cells_{k}"
        kinds.append(_Kind(name, first, first + neuron.n, neuron, equations_of(neuron)))
        first += neuron.n
    return kinds


def _valid(name: str) -> str:
    """A name as a part of Brian2's names."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
        raise ValueError(f"Brian2: {name!r} is no valid name; use letters, digits and underscores.")
    return name


class _Writer:
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
                terms.append(self._array(_valid(name), self._columns(mine @ spread)))
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
        """The NeuronGroup, with parameters, initial state and what happens in every step."""
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
            # The first step has a fresh current too: it is drawn before each of them.
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


def _senders(b2: Any, network: Network, drive: Drive | None, clock: dict) -> dict[str, Any]:
    """Groups of inputs and sources that send spikes."""
    senders = {}
    for name, first, stop in network.input_channels:
        each = network.inputs[name]
        if isinstance(each, SpikeInput):
            if drive is None or drive.input is None:
                raise ValueError(f"Brian2: the spikes of input {name!r} are needed: pass `inputs`.")
            counts = drive.input[:, first:stop]
            step, unit = np.nonzero(counts)
            if not np.isin(counts, (0, 1)).all():
                raise ValueError(
                    f"Brian2 lets a unit of a SpikeGeneratorGroup spike once in a step; input "
                    f"{name!r} has other counts than 0 and 1."
                )
            senders[name] = b2.SpikeGeneratorGroup(
                each.n, unit, step * clock["dt"], name=_valid(name), **clock
            )
    for name, source in network.sources.items():
        rates = np.broadcast_to(np.asarray(value_of(source.rate), float), (source.n,))
        senders[name] = b2.PoissonGroup(source.n, rates * b2.Hz, name=_valid(name), **clock)
    return senders


def _synapses(b2, name, each, network, kinds, groups, senders, receptors, clock) -> list[Any]:
    """The Synapses of one projection: one for each pair of groups that it connects."""
    values = np.asarray(value_of(each.weights.values), float)
    if isinstance(each.weights, CSR):
        pre, post = np.asarray(each.weights.pre), np.asarray(each.weights.post)
    else:
        pre, post = np.nonzero(values)
        values = values[pre, post]
    delay = None if each.delay is None else np.asarray(value_of(each.delay), float)
    if delay is not None:
        delay = np.broadcast_to(delay, values.shape)
    post = post + each.post[0]
    sides: list[tuple[Any, int, int]] = [(senders.get(each.source), 0, each.n_pre)]
    if each.source is None:
        pre = pre + each.pre[0]
        sides = [(g, k.first, k.stop) for g, k in zip(groups, kinds, strict=True)]
    on_pre, extra = receptors[each.synapse].on_pre, {}
    model = "weight : 1"
    if each.short_term is not None:
        model, on_pre, extra = _short_term(each.short_term, on_pre)
    found = []
    for source, low, high in sides:
        for group, kind in zip(groups, kinds, strict=True):
            mine = (pre >= low) & (pre < high) & (post >= kind.first) & (post < kind.stop)
            if not mine.any():
                continue
            synapses = b2.Synapses(
                source,
                group,
                model,
                on_pre=on_pre,
                name=_valid(name) if not found else f"{_valid(name)}_{len(found)}",
                **clock,
            )
            synapses.connect(i=pre[mine] - low, j=post[mine] - kind.first)
            synapses.weight = values[mine]
            for field, start in extra.items():
                setattr(synapses, field, start)
            if delay is not None:
                synapses.delay = delay[mine] * b2.ms
            found.append(synapses)
    return found


def _short_term(short_term: Any, on_pre: str) -> tuple[str, str, dict[str, float]]:
    """Tsodyks and Markram's terminals, one for each synapse here."""
    U, depression = (written(value_of(x)) for x in (short_term.U, short_term.depression))
    model = f"weight : 1\ndresources/dt = (1 - resources)/({depression}*ms) : 1 (event-driven)\n"
    start = {"resources": 1.0}
    if short_term.facilitation is None:
        release = [f"released = {U}*resources"]
    else:
        facilitation = written(value_of(short_term.facilitation))
        model += f"dused/dt = ({U} - used)/({facilitation}*ms) : 1 (event-driven)\n"
        release = [f"used += {U}*(1 - used)", "released = resources*used"]
        start["used"] = float(U)
    arrival = on_pre.replace("+= weight", "+= weight*released")
    return model, "\n".join([*release, "resources -= released", arrival]), start


def _monitors(b2, kinds, groups, variables, clock) -> list[Any]:
    found = []
    for kind, group in zip(kinds, groups, strict=True):
        suffix = kind.name.removeprefix("cells")
        found.append(b2.SpikeMonitor(group, name=f"spikes{suffix}"))
        if variables:
            unknown = sorted(set(variables) - set(group.variables))
            if unknown:
                own = [n for n in group.equations.names if n not in group.equations.parameter_names]
                raise ValueError(f"Brian2: there are no variables {unknown} in {kind.name}: {own}.")
            found.append(
                b2.StateMonitor(
                    group, list(variables), record=True, name=f"states{suffix}", **clock
                )
            )
    return found
