"""The interfaces of dynamical systems: flows, spiking flows and maps.

A system describes **one** trial; the drivers (:func:`neurodyn.integrate`, :func:`neurodyn.solve`,
:func:`neurodyn.simulate`) add time, trials and labels. Abilities that only some systems have are
protocols in :mod:`neurodyn.engine.abilities`.
"""

import abc
from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from neurodyn.common.reprs import brief
from neurodyn.params.describe import described


class State(NamedTuple):
    """The state that a system carries from one step to the next.

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


class Drive(eqx.Module):
    """All that a system receives in one step; absent parts are None.

    Attributes
    ----------
    input
        The task's input, ``(input,)``.
    target
        The wanted output, for online learning and teacher forcing, ``(output,)``.
    gate
        Gates of online learning rules.
    current
        Current injected into the units, ``(unit,)``, in the unit of their summed input. The drivers
        refuse a current into a system that does not read it.
    step
        Number of the step, set by the driver. It is the same for all trials, so that JAX keeps a
        branch on it a branch under ``vmap``.
    """

    input: PyTree = None
    target: PyTree = None
    gate: PyTree = None
    current: PyTree = None
    step: PyTree = None

    __repr__ = brief


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


#: Attributes that models of other libraries have, and where to find the same here.
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
    """The part of the interface that flows and maps share.

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
            Key for random initial states.

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
        """Labels of the variables that :meth:`observe` returns."""

    @abc.abstractmethod
    def unit_coords(self) -> dict[str, Any]:
        """Coordinates on ``unit`` (``area``, ``ei``, ``tau``...).

        A value is an array on ``unit``, or ``(dim, array)`` for another dim, perhaps with units and
        long name after them.
        """


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
    """A flow whose units spike; spikes act between the steps of the flow."""

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
        """State at the end of a step: deliver spikes, then reset units, then learn."""


class AbstractMap(AbstractSystem):
    """A system in discrete time."""

    @abc.abstractmethod
    def update(self, state: State, u: Drive, *, key: PRNGKeyArray | None) -> State:
        """The next state."""
