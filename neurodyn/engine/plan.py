"""The checked arguments of :func:`neurodyn.integrate`, which its compiled part takes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree, UInt

from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.record import Save
from neurodyn.system import AbstractSystem, Drive, State


class Plan(NamedTuple):
    """A checked run. Fields that are not named here are arguments of `integrate`, in one form.

    Attributes
    ----------
    inputs
        A Drive of arrays ``(time, trial, ...)``, or a callable of time [ms].
    state, trial
        With a leading trial axis, or None.
    batched
        Whether the inputs came with a trial axis, which the result then has too.
    window
        First and last (exclusive) step that is recorded.
    """

    system: AbstractSystem
    inputs: Drive | Callable[[Any], Any]
    dt: Float[Array, ""]
    solver: diffrax.AbstractSolver
    state: State | None
    key: PRNGKeyArray | None
    save: Save
    force: Callable[[Any, State, Drive], State] | None
    record_forced: bool
    interventions: tuple[AbstractIntervention, ...]
    trial: PyTree
    length: Int[Array, ""] | None
    n_steps: int
    n_trials: int
    batched: bool
    first_trial: UInt[Array, ""]
    start: Int[Array, ""]
    checkpoint: bool
    window: tuple[int, int]

    @property
    def held(self) -> bool:
        """Whether the inputs are arrays, of which each row is held for a step."""
        return isinstance(self.inputs, Drive)

    @property
    def apart(self) -> bool:
        """Whether states are recorded before they are forced, and so carried beside the forced."""
        return self.force is not None and not self.record_forced

    @property
    def last_step(self) -> Any:
        """Number of the last step that counts."""
        return self.n_steps - 1 if self.length is None else self.length - 1
