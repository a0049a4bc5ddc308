"""Abilities that a system may have besides its interface: one protocol for each.

A class has an ability when it has the methods or attributes of the protocol; nothing is inherited.
"""

from typing import Any, Protocol, runtime_checkable

import jax
from jaxtyping import Array, Float, Int, PyTree

__all__ = [
    "ChecksStep",
    "DividesUnits",
    "HasDriveNoise",
    "HasPotentials",
    "HasRoom",
    "HasStartTime",
    "HasUnitAxes",
    "InfersState",
    "MarksFirstStep",
    "PrefersSolver",
    "ReadsTargets",
    "SizedByStep",
    "SupportsFused",
    "check_step",
]


@runtime_checkable
class SupportsFused(Protocol):
    """A system that can run a whole batch of trials through one fast kernel."""

    @property
    def can_fuse(self) -> bool:
        """Whether the kernel covers this system as configured (static)."""

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
        system without noise, of diffusion or of the drive. With ``length``, rows from there on are
        meaningless.
        """


@runtime_checkable
class HasPotentials(Protocol):
    """A spiking system that says which parts of its state are potentials.

    A step uses potentials several times (spike test, reset, records) and other variables once.
    """

    def potentials(self, x: PyTree) -> PyTree:
        """``x`` with a bool in place of each array: whether the array holds potentials."""


@runtime_checkable
class HasDriveNoise(Protocol):
    """A flow whose noise is a current into its units, drawn anew for each step and held over it.

    The drivers on a fixed clock add it to the current of the drive. Drivers that choose their own
    steps refuse such a system, because the strength of this noise refers to the step.
    """

    def drive_noise(self, dt: Any) -> Float[Array, " unit"] | None:
        """Standard deviation of the current for steps of ``dt`` [ms]; None without such noise."""


@runtime_checkable
class HasStartTime(Protocol):
    """A system that starts at a time of its own, e.g. at the time of its first observation.

    The clock of an autonomous run starts there; inputs and trials bring their own clock.
    """

    def start_time(self, dt: float) -> float:
        """Time of the state before the first step [ms], for steps of ``dt`` [ms]."""

    def time_unit(self) -> str:
        """Unit of that time: "ms", or "1" for systems that count in steps."""


@runtime_checkable
class MarksFirstStep(Protocol):
    """A system whose first step differs from the others; labelled runs mark this step.

    Attributes
    ----------
    first_step
        The difference in words: the long name of the coordinate `first_step` on `time`.
    """

    first_step: Any


@runtime_checkable
class InfersState(Protocol):
    """A system that can start from an observation, from which it infers its state."""

    def infer(self, x: Float[Array, " output"]) -> Any:
        """The state ``x`` inferred from one observation."""


@runtime_checkable
class PrefersSolver(Protocol):
    """A system with a default solver of its own, for runs that name none."""

    @property
    def solver(self) -> Any:
        """A diffrax solver with a fixed step."""


@runtime_checkable
class ReadsTargets(Protocol):
    """A system whose input of a step is the observation that its output predicts or explains.

    Attributes
    ----------
    reads_targets
        Whether the targets of trials without inputs are its inputs.
    """

    reads_targets: Any


@runtime_checkable
class SizedByStep(Protocol):
    """A system whose memory depends in size on the step, e.g. because of delays."""

    def sized(self, dt: float) -> Any:
        """The system with memory for steps of ``dt`` [ms]; 0 means continuous time."""


@runtime_checkable
class HasRoom(Protocol):
    """A system with arrays of random size, such as lists of synapses."""

    def with_room(self) -> Any:
        """The same system, padded so that others drawn like it run the same compiled program."""


@runtime_checkable
class HasUnitAxes(Protocol):
    """A system that says which axes of its arrays go over units, for a mesh with an axis `unit`.

    Without it, an array is split along the last axis that has as many entries as there are units.
    What is split changes speed and memory, never a result by more than rounding.
    """

    def unit_axes(self) -> dict[str, int | None]:
        """Axis of the arrays in a field, by its name, such as ``{"gates": 0, "cells.tau": None}``.

        None keeps them whole on each device. Fields that are left out are split as without this
        method. Weights ``(pre, post)`` are best split by the units that they go to, since a device
        then computes all input of its own units.
        """


@runtime_checkable
class DividesUnits(Protocol):
    """A system whose arrays are rearranged before several devices can hold a part of each."""

    def divided(self, n: int) -> Any:
        """The same system, with arrays for ``n`` devices, which divide the number of its units.

        Raises
        ------
        ValueError
            If a part of it cannot be divided; the error says what to do instead.
        """


@runtime_checkable
class ChecksStep(Protocol):
    """A system that can refuse an unsuitable step before compilation."""

    def check_step(self, dt: float) -> None:
        """Raise ValueError when ``dt`` [ms] is too long; traced values are not checked."""


def check_step(system: Any, dt: Any) -> None:
    """Refuse a step that is too long for a system, if the system can tell.

    Every driver and every objective of training calls it, once.

    Parameters
    ----------
    system
        Any system.
    dt
        Step [ms]; a traced step is not checked.

    Raises
    ------
    ValueError
        If the system refuses the step, see :class:`ChecksStep`.
    """
    if isinstance(system, ChecksStep) and not isinstance(dt, jax.core.Tracer):
        system.check_step(float(dt))


def with_room(system: Any) -> Any:
    """The system, with arrays of the same sizes as others drawn from its laws where it can."""
    return system.with_room() if isinstance(system, HasRoom) else system
