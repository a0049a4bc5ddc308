"""The interfaces of everything that evolves: flows, spiking flows and maps.

A system describes **one** trial; the drivers (:func:`neurodyn.integrate`, :func:`neurodyn.solve`,
:func:`neurodyn.simulate`) add time, trials and labels.
"""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from neurodyn.common.random import as_key
from neurodyn.common.reprs import brief
from neurodyn.engine.drive import Drive
from neurodyn.params import trainable

__all__ = [
    "AbstractFlow",
    "AbstractMap",
    "AbstractSpiking",
    "AbstractSystem",
    "ChecksStep",
    "HasPotentials",
    "HasStartTime",
    "InfersState",
    "MarksFirstStep",
    "PrefersSolver",
    "ReadsTargets",
    "SizedByStep",
    "State",
    "SupportsFused",
    "Variable",
    "as_key",
    "described",
]


class State(NamedTuple):
    """What a system carries from one step to the next.

    Attributes
    ----------
    x
        Pytree of float arrays that a solver integrates.
    memory
        Pytree of everything else (delay rings, traces, plastic weights, counters); no solver
        touches it.
    """

    x: PyTree
    memory: PyTree = None


class Variable(NamedTuple):
    """How one observed variable is labelled.

    Attributes
    ----------
    dims
        Its dims beyond trial and time, e.g. ``("unit",)``.
    units
        Its physical units, e.g. ``"Hz"``, ``"mV"``, ``"1"``.
    long_name
        A phrase for axis labels.
    kind
        ``"rate"``, ``"hidden"``, ``"voltage"``, ``"current"``, ``"weight"``, ``"trace"`` ...
    """

    dims: tuple[str, ...]
    units: str
    long_name: str
    kind: str


#: What models of other libraries have, and where it is here.
_ELSEWHERE = {
    **dict.fromkeys(
        ("parameters", "named_parameters"),
        "its arrays are fields, and nd.params.trainable(model) marks those that train",
    ),
    "state_dict": "nd.save(path, model) and nd.load(path) keep it",
    "load_state_dict": "nd.load(path) returns the model that nd.save wrote",
    "forward": "nd.simulate(model, task) runs it, nd.integrate(model, inputs, dt=dt) on arrays",
    "run": "nd.simulate(model, dt=dt, n_steps=n) runs it",
    "simulate": "it is a function, nd.simulate(model, task)",
    "fit": "it is a function, nd.fit(model, task, steps=n, key=0)",
    "train": "nd.fit(model, task, steps=n, key=0) trains it, and there is no mode to set",
    "eval": "there is no mode to set",
    "hidden_size": "it is called n_units",
    "input_size": "it is called n_inputs",
    "output_size": "it is called n_outputs",
}


class AbstractSystem(eqx.Module):
    """What every system offers, whatever its notion of time.

    Attributes
    ----------
    n_inputs, n_outputs
        Sizes of the input and of the readout.
    """

    n_inputs: eqx.AbstractVar[int]
    n_outputs: eqx.AbstractVar[int]

    def __repr__(self) -> str:
        return described(self)

    def __getattr__(self, name: str) -> Any:
        said = f"'{type(self).__name__}' object has no attribute '{name}'"
        raise AttributeError(f"{said}; {_ELSEWHERE[name]}." if name in _ELSEWHERE else said)

    @abc.abstractmethod
    def initial_state(self, *, dt: Any, trial: PyTree = None, key: PRNGKeyArray | None = None):
        """State before the first step.

        Parameters
        ----------
        dt
            Step of the run [ms]; delay rings need it.
        trial
            The trial about to run, or None.
        key
            For random initial states.

        Returns
        -------
        State
        """

    @abc.abstractmethod
    def readout(self, state: State) -> Float[Array, " output"]:
        """The output in this state."""

    @abc.abstractmethod
    def observe(self, state: State) -> dict[str, Array]:
        """Named variables in this state; the names are those of :meth:`variables`."""

    @abc.abstractmethod
    def variables(self) -> dict[str, Variable]:
        """Labels of what :meth:`observe` returns."""

    @abc.abstractmethod
    def unit_coords(self) -> dict[str, Any]:
        """Coordinates on ``unit`` (``area``, ``ei``, ``tau``...).

        A value is an array on ``unit``, or ``(dim, array)`` for another dim, perhaps with units and
        long name after them.
        """


def described(system: AbstractSystem, *about: str, hide: Sequence[str] = ()) -> str:
    """Describe a system in at most five lines; arguments as for `neurodyn.common.reprs.brief`."""
    try:
        free = eqx.filter(system, trainable(system))
        n = sum(x.size for x in jax.tree.leaves(free))
    except Exception:  # a tree of the same structure without its arrays, such as a filter
        return brief(system, *about, hide=hide)
    return brief(system, *about, f"{n:,} trainable parameters", hide=hide)


class AbstractFlow(AbstractSystem):
    """A system in continuous time: ``dx = drift dt + diffusion dW``, with time in ms."""

    @abc.abstractmethod
    def drift(self, t: Any, state: State, u: Drive) -> PyTree:
        """Rate of change of ``state.x`` [per ms]; same structure as ``state.x``."""

    @abc.abstractmethod
    def diffusion(self, t: Any, state: State, u: Drive) -> PyTree | None:
        """Noise amplitude of each entry of ``state.x`` [per sqrt(ms)], or None without noise.

        Noise is independent between entries. Where only some parts of ``x`` are noisy, the
        others get zeros, or None, so that nothing is drawn for them.
        """


class AbstractSpiking(AbstractFlow):
    """A flow whose units spike: events happen between the steps of the flow."""

    @abc.abstractmethod
    def crossing(self, state: State) -> Float[Array, " unit"]:
        """Distance beyond threshold; a unit spikes where this is >= 0."""

    @abc.abstractmethod
    def spike(self, crossing: Float[Array, " unit"]) -> Float[Array, " unit"]:
        """0/1 spikes from :meth:`crossing`, with the system's surrogate gradient."""

    @abc.abstractmethod
    def after(
        self,
        t: Any,
        dt: Any,
        state: State,
        spikes: Float[Array, " unit"],
        u: Drive,
        *,
        key: PRNGKeyArray | None,
    ) -> State:
        """What happens at the end of a step: delivery of spikes, then reset, then plasticity."""


class AbstractMap(AbstractSystem):
    """A system in discrete time."""

    @abc.abstractmethod
    def update(self, state: State, u: Drive, *, key: PRNGKeyArray | None) -> State:
        """The next state."""


@runtime_checkable
class SupportsFused(Protocol):
    """A system that can run a whole batch of trials through one fast kernel."""

    @property
    def can_fuse(self) -> bool:
        """Whether the kernel covers this system as configured (static)."""
        ...

    def fused(
        self,
        inputs: Float[Array, "time batch input"],
        x0: PyTree,
        *,
        dt: Any,
        noise: PyTree | None,
        length: Int[Array, ""] | int | None,
        last: bool,
    ) -> PyTree:
        """States after each step, time-major; with ``last`` only the one after the last step.

        ``noise`` holds standard normal draws, one per state entry and step, or is None for a
        system without noise. With ``length``, rows from there on are meaningless.
        """
        ...


@runtime_checkable
class HasPotentials(Protocol):
    """A spiking system that says which parts of its state are potentials.

    A step uses potentials again and again (events, reset, records), and other variables once.
    """

    def potentials(self, x: PyTree) -> PyTree:
        """A bool in place of each array of ``x``: whether it is potentials."""
        ...


@runtime_checkable
class HasStartTime(Protocol):
    """A system that starts at a time of its own, such as that of the observation it starts from.

    Runs that nothing drives start their clock there; inputs and trials have a clock of their own.
    """

    def start_time(self, dt: float) -> float:
        """Time of the state before the first step [ms], for steps of ``dt`` [ms]."""
        ...

    def time_unit(self) -> str:
        """Unit of that time: "ms", or "1" for steps that are no time."""
        ...


@runtime_checkable
class MarksFirstStep(Protocol):
    """A system whose first step differs from the others: labelled runs mark it.

    Attributes
    ----------
    first_step
        What is different about it: the long name of the coordinate `first_step` on `time`.
    """

    first_step: Any


@runtime_checkable
class InfersState(Protocol):
    """A system that can start from an observation, which says something about its state."""

    def infer(self, x: Float[Array, " output"]) -> Any:
        """The state ``x`` that an observation points to."""
        ...


@runtime_checkable
class PrefersSolver(Protocol):
    """A system that says how it is stepped where a run names no solver."""

    @property
    def solver(self) -> Any:
        """A diffrax solver with a fixed step."""
        ...


@runtime_checkable
class ReadsTargets(Protocol):
    """A system whose input of a step is the observation that its output is about.

    Attributes
    ----------
    reads_targets
        Whether it is fed with the targets of trials that have no inputs.
    """

    reads_targets: Any


@runtime_checkable
class SizedByStep(Protocol):
    """A system whose memory has a size that depends on the step, such as what delays hold."""

    def sized(self, dt: float) -> Any:
        """The system with memory of the size for steps of ``dt`` [ms]; 0: for continuous time."""
        ...


@runtime_checkable
class HasRoom(Protocol):
    """A system whose arrays have sizes that are drawn, such as lists of synapses."""

    def with_room(self) -> Any:
        """The same system in sizes that others drawn like it share, and so their programs."""
        ...


@runtime_checkable
class ChecksStep(Protocol):
    """A system that can tell before compilation that a step does not suit it."""

    def check_step(self, dt: float) -> None:
        """Raise ValueError when ``dt`` [ms] is too long (values that are traced are skipped)."""
        ...
