"""Whether the results of a function depend on its arguments, found without running it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array, PyTree

from neurodyn.engine.drive import Drive
from neurodyn.params import with_values
from neurodyn.system import AbstractMap, AbstractSpiking, AbstractSystem, State


def depends(function: Callable[[Array], PyTree], value: Array) -> bool:
    """Whether any array that ``function(value)`` returns is computed from ``value``.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> depends(lambda x: jnp.sin(x), jnp.ones(3)), depends(lambda x: jnp.ones(3), jnp.ones(3))
    (True, False)
    """
    jaxpr = jax.make_jaxpr(lambda v: eqx.filter(function(v), eqx.is_array))(value).jaxpr
    return any(reached(jaxpr, [True]))


def reached(jaxpr: Any, given: list[bool]) -> list[bool]:
    """Which outputs of a program are computed from marked inputs."""
    marked = {v for v, mark in zip(jaxpr.invars, given, strict=True) if mark}

    def is_marked(v: Any) -> bool:
        return not isinstance(v, core.Literal) and v in marked

    for equation in jaxpr.eqns:
        inputs = [is_marked(v) for v in equation.invars]
        if not any(inputs):
            continue
        inner = _called(equation)
        outputs = [True] * len(equation.outvars) if inner is None else reached(inner, inputs)
        marked |= {v for v, mark in zip(equation.outvars, outputs, strict=True) if mark}
    return [is_marked(v) for v in jaxpr.outvars]


def _called(equation: Any) -> Any:
    """The program that an equation calls with its own inputs, e.g. a compiled function.

    None for loops and branches: each of their results counts as computed from all inputs.
    """
    inner = [getattr(p, "jaxpr", p) for p in equation.params.values()]
    inner = [p for p in inner if isinstance(p, core.Jaxpr)]
    sizes = len(equation.invars), len(equation.outvars)
    loops = ("scan", "while", "cond")
    if equation.primitive.name in loops or len(inner) != 1:
        return None
    return inner[0] if (len(inner[0].invars), len(inner[0].outvars)) == sizes else None


def check_current(
    system: AbstractSystem,
    state: State,
    drive: Drive,
    trial: Any,
    *,
    dt: Any,
    n_units: int | None,
    key: Any,
) -> None:
    """Refuse a current that would have no effect.

    Parameters
    ----------
    system
        The resolved system.
    state, drive, trial
        Those of one trial in one step.
    dt
        Step [ms].
    n_units
        Number of units.
    key
        Key of the draws of the step.

    Raises
    ------
    TypeError
        If no state depends on the current of the drive.
    ValueError
        If the current is one of another number of units.
    """
    current = drive.current
    if current is None:
        return
    what = type(system).__name__
    if n_units is not None and jnp.shape(current)[-1:] not in ((), (n_units,)):
        raise ValueError(
            f"The drive brings a current for {jnp.shape(current)[-1]} units, but this {what} has "
            f"{n_units}."
        )

    def after(current):
        u = Drive(drive.input, drive.target, drive.gate, current)
        return stepped(with_values(system, trial), state, u, dt, key)

    if not depends(after, jnp.asarray(current)):
        raise TypeError(
            f"{what} does not read the current that is injected into its units, so it would have "
            "no effect. Its class has to add `u.current` (unless it is None) to the input of its "
            "units in drift or update; or use Clamp, or an input."
        )


def stepped(own: Any, state: State, drive: Drive, dt: Any, key: Any) -> PyTree:
    """All parts of the next state of one trial, in the step at time 0."""
    u = eqx.tree_at(lambda u: u.step, drive, jnp.zeros((), jnp.int32), is_leaf=lambda x: x is None)
    if isinstance(own, AbstractMap):
        return own.update(state, u, key=key)
    t = jnp.zeros((), jnp.result_type(dt))
    parts = own.drift(t, state, u), own.diffusion(t, state, u)
    if isinstance(own, AbstractSpiking):
        spikes = own.spike(own.crossing(state))
        return parts, spikes, own.after(t, dt, state, spikes, u, key=key)
    return parts
