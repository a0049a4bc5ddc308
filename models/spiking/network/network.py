"""Networks of spiking neurons: populations, synapses, projections, inputs and a readout."""

from collections.abc import Mapping
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.random import as_key
from neurodyn.engine.units import as_mask
from neurodyn.models.spiking.cells.neuron import AbstractNeuron
from neurodyn.models.spiking.cells.schemes import as_scheme
from neurodyn.models.spiking.cells.surrogate import AbstractSurrogate, FastSigmoid
from neurodyn.models.spiking.network import assemble, checking, labelling, step
from neurodyn.models.spiking.network import groups as cells
from neurodyn.models.spiking.network.divided import AbstractDivisible
from neurodyn.models.spiking.network.population import Population
from neurodyn.models.spiking.network.projection import Connection, Projection
from neurodyn.models.spiking.network.readout import Readout
from neurodyn.models.spiking.network.state import NetworkX
from neurodyn.models.spiking.synapses.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse
from neurodyn.params import AbstractParameter
from neurodyn.params.base import changed
from neurodyn.params.describe import described
from neurodyn.system import State


class Network(AbstractDivisible):
    """A network of spiking neurons, or uncoupled ones.

    In each step the scheme advances neurons and synapses. Then follow, in this order: spikes, their
    arrival at the synapses (with short-term plasticity and delays), jumps of the potential, the
    readout, learning rules, and the reset. This is Brian2's order. A spike of step k (from
    ``k dt``) has the time of the end of the step, ``(k + 1) dt``.

    Parameters
    ----------
    populations
        Neurons by name: :class:`Population`, or bare neurons; or a single one of these, which is
        then named "cells". Units are numbered in this order.
    synapses
        Kinetics of the receptors by name, each with a state on all units.
    projections
        :class:`Projection` by name.
    inputs
        :class:`CurrentInput` and :class:`SpikeInput` by name; they take consecutive channels of the
        input. None: no input.
    sources
        :class:`Poisson` sources by name.
    bias
        Constant current: a number, one for each unit, or a dict of these by population; numbers and
        laws stay fixed, a parameter is trained.
    noise
        Amplitude of white noise on the potential [mV per square root of ms], given like `bias`.
    current_noise_std
        Standard deviation of a normal current that is drawn anew for each step and held over it, as
        in Izhikevich's program of 2003, given like `bias`. Unlike that of `noise` its effect
        depends on the step.
    readout
        The readout; None: no output.
    surrogate
        The derivative of a spike; default :class:`FastSigmoid`.
    detach_reset
        Whether to stop the gradient through the reset.
    scheme
        ``"euler"`` (all from old values), ``"izh2003"``, ``"exact"`` (for linear equations),
        ``"exponential_euler"``, ``"rk2"``, ``"rk4"``, ``"heun"``, or any diffrax solver with a
        fixed step, for runs that name no solver.
    key
        Seed or key of everything that is drawn when the network is built.

    Raises
    ------
    ValueError, TypeError
        If a name is unknown, a size does not fit, or something drawn has no key.

    References
    ----------
    Stimberg, Brette & Goodman, "Brian 2, an intuitive and efficient neural simulator", eLife
    8:e47314, 2019 (the order inside a step).
    Neftci, Mostafa & Zenke, "Surrogate gradient learning in spiking neural networks", IEEE Signal
    Process. Mag. 36:51, 2019.

    Examples
    --------
    >>> import neurodyn as nd
    >>> from neurodyn.models import spiking
    >>> cell = spiking.Network(spiking.Izhikevich2003(1, "RS"), bias=10.0)
    >>> nd.simulate(cell, dt=0.5, n_steps=2000, save=()).sizes["spike"]
    23
    """

    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    sizes: tuple[int, ...] = eqx.field(static=True)
    signs: tuple[int, ...] = eqx.field(static=True)
    cell_type: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[AbstractNeuron, ...]
    refractory: Float[Array, " unit"] | AbstractParameter | None
    synapses: dict[str, AbstractSynapse]
    projections: dict[str, Connection]
    inputs: dict[str, CurrentInput | SpikeInput]
    input_channels: tuple[tuple[str, int, int], ...] = eqx.field(static=True)
    sources: dict[str, Poisson]
    bias: Float[Array, " unit"] | AbstractParameter | None
    noise: Float[Array, " unit"] | AbstractParameter | None
    current_noise_std: Float[Array, " unit"] | AbstractParameter | None
    decoder: Readout | None
    surrogate: AbstractSurrogate
    detach_reset: bool = eqx.field(static=True)
    clocked: bool = eqx.field(static=True)
    scheme_name: str | None = eqx.field(static=True)
    own_scheme: diffrax.AbstractSolver | None

    reference: ClassVar[tuple[str, ...]] = ("stimberg2019", "neftci2019")
    renamed_fields: ClassVar[dict[str, str]] = {"current_noise": "current_noise_std"}

    def __init__(
        self,
        populations: Mapping[str, Population | AbstractNeuron] | Population | AbstractNeuron,
        *,
        synapses: Mapping[str, AbstractSynapse] | None = None,
        projections: Mapping[str, Projection] | None = None,
        inputs: Mapping[str, CurrentInput | SpikeInput] | None = None,
        sources: Mapping[str, Poisson] | None = None,
        bias: Any = None,
        noise: Any = None,
        current_noise_std: Any = None,
        readout: Readout | None = None,
        surrogate: AbstractSurrogate | None = None,
        detach_reset: bool = False,
        scheme: Any = "euler",
        key: Any = None,
    ):
        key = as_key(key)
        parts = assemble.populations_of(populations)
        self.names = tuple(parts)
        self.sizes = tuple(part.n for part in parts.values())
        self.signs = tuple(part.ei for part in parts.values())
        self.cell_type = tuple(name for part in parts.values() for name in part.cell_type)
        self.n_units = sum(self.sizes)
        self.kinds, self.refractory = assemble.kinds_of(parts)
        self.synapses = assemble.synapses_of(
            synapses, self.n_units, labelling.cell_labels(self.kinds)
        )
        # JAX sorts the keys of dicts: they are sorted here; the order of inputs is stored apart.
        sources = assemble.by_name("sources", sources, '{"noise": spiking.Poisson(...)}')
        inputs = assemble.by_name("inputs", inputs, '{"step": spiking.CurrentInput(1)}')
        self.sources = dict(sorted(sources.items()))
        assemble.check_names(self.names, inputs, self.sources)
        self.input_channels = assemble.channels_of(inputs)
        self.n_inputs = sum(each.n for each in inputs.values())
        keys = assemble.keys(key, ("inputs", "projections", "bias", "noise", "current", "readout"))
        self.inputs = assemble.inputs_of(inputs, self.slices, keys["inputs"])
        self.projections = assemble.connect(
            assemble.by_name("projections", projections, '{"rec": spiking.Projection(...)}'),
            self.slices,
            self.synapses,
            inputs | self.sources,
            self.unit_signs(),
            keys["projections"],
        )
        checking.check_jumps(self)
        self.bias = assemble.on_units("bias", bias, self.slices, keys["bias"])
        self.noise = assemble.on_units("noise", noise, self.slices, keys["noise"], low=True)
        held = "current_noise_std", current_noise_std
        self.current_noise_std = assemble.on_units(*held, self.slices, keys["current"], low=True)
        self.decoder = None if readout is None else readout.bound(self.n_units, keys["readout"])
        self.n_outputs = 0 if readout is None else readout.n_outputs
        self.surrogate = FastSigmoid() if surrogate is None else surrogate
        solver, named = as_scheme(scheme), isinstance(scheme, str)
        # A file holds the name of a scheme, not a class of another library.
        self.scheme_name, self.own_scheme = (scheme, None) if named else (None, solver)
        self.detach_reset, self.clocked = bool(detach_reset), True

    # --- parts -------------------------------------------------------------------------------

    @property
    def slices(self) -> dict[str, slice]:
        """The units of each population."""
        edges = np.cumsum((0, *self.sizes))
        return {n: slice(int(edges[i]), int(edges[i + 1])) for i, n in enumerate(self.names)}

    @property
    def solver(self) -> diffrax.AbstractSolver:
        """The solver of runs that name none."""
        return as_scheme(self.scheme_name) if self.own_scheme is None else self.own_scheme

    def unit_signs(self) -> np.ndarray:
        """Sign of each unit: 1, -1, or 0 where none was given."""
        return np.repeat(np.asarray(self.signs, np.int64), self.sizes)

    def check_step(self, dt: float) -> None:
        """Raise ValueError where `dt` [ms] is too long for a time constant, a delay or a rate."""
        checking.check_step(self, dt)

    def sized(self, dt: float) -> "Network":
        """A copy with buffers for the delays at this step [ms]; 0: for continuous time.

        Raises
        ------
        ValueError
            For continuous time, if something in the network needs steps.
        """
        if dt == 0:
            checking.check_continuous(self)
            return changed(self, clocked=False)
        if all(each.delay is None for each in self.projections.values()):
            return self
        sized = {name: each.sized(dt) for name, each in self.projections.items()}
        return changed(self, projections=sized)

    def with_room(self) -> "Network":
        """A copy whose arrays have the same sizes in all networks drawn from the same laws."""
        roomy = {name: each.with_room() for name, each in self.projections.items()}
        return changed(self, projections=roomy)

    # --- dynamics ----------------------------------------------------------------------------

    def initial_state(self, *, dt, trial=None, key=None):
        del trial
        return step.start(self, dt, key)

    def drift(self, t, state, u):
        del t
        x = state.x
        rates = cells.rates(self.kinds, x.cells, self.current(state, u), step.free(self, state))
        synapses = {name: self.synapses[name].drift(s) for name, s in x.synapses.items()}
        filter = None if x.filter is None else self.decoder.filter.drift(x.filter)
        clock = None if x.refractory is None else -jnp.ones_like(x.refractory)
        return NetworkX(rates, synapses, filter, clock)

    def current(self, state: State, u: Any = None) -> Float[Array, " unit"]:
        """Current into each unit: synapses, feedback, bias and, if given, the drive."""
        return step.current(self, state, u)

    def diffusion(self, t, state, u):
        del t, u
        if self.noise is None:
            return None
        silent = jax.tree.map(lambda _: None, state.x)
        free = step.free(self, state)
        return silent._replace(cells=cells.noise(self.kinds, silent.cells, self.noise, free))

    def crossing(self, state):
        return step.crossing(self, state)

    def potentials(self, x):
        none = jax.tree.map(lambda _: False, x)
        return none._replace(cells=tuple(cell._replace(v=True) for cell in none.cells))

    def spike(self, crossing):
        return self.surrogate(crossing)

    def after(self, t, dt, state, spikes, u, *, key):
        return step.after(self, t, dt, state, spikes, u, key)

    # --- variables ---------------------------------------------------------------------------

    def readout(self, state):
        if self.decoder is None:
            return jnp.zeros((0,), state.x.v.dtype)
        return self.decoder.z(state.x.filter, state.memory.readout)

    def observe(self, state):
        return labelling.observe(self, state)

    def variables(self):
        return labelling.variables(self)

    def __repr__(self) -> str:
        return described(self, *labelling.parts(self), hide=labelling.PARTS)

    def unit_coords(self):
        return {
            "population": np.repeat(np.asarray(self.names), self.sizes),
            "ei": self.unit_signs(),
            "cell_type": np.asarray(self.cell_type),
        }

    def cut(self, units: Any, *, incoming: bool = True, outgoing: bool = True) -> "Network":
        """Disconnect some units; they still receive bias, noise and injected currents.

        Parameters
        ----------
        units
            Unit numbers, names, or a mask, see :mod:`neurodyn.intervene`.
        incoming, outgoing
            Whether to remove the connections to them (from other units, sources and inputs) and
            from them (to other units and the readout).
        """
        kept = ~jnp.asarray(as_mask(self, units))
        return assemble.cut(self, kept, incoming=incoming, outgoing=outgoing)
