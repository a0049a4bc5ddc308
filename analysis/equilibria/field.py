"""A system as a function of one flat vector: how its state moves, with constant inputs."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from neurodyn.analysis.shared.double import as_double
from neurodyn.engine.dependence import depends, reached
from neurodyn.params.use import whole_model
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSpiking, Drive, State


class Field(eqx.Module):
    """How the state of a system moves, as a function of flat vectors.

    Attributes
    ----------
    system
        The system with the values of its parameters, in double precision.
    example
        A state of one trial; what of it does not move is taken from here.
    with_memory
        Whether floats in `memory` count as dimensions, because the next state depends on them.
    """

    system: Any
    example: State
    with_memory: bool = eqx.field(static=True)

    @property
    def is_map(self) -> bool:
        """Whether the system is a map, which moves in steps."""
        return isinstance(self.system, AbstractMap)

    @property
    def size(self) -> int:
        """Number of dimensions."""
        return sum(a.size for a in jax.tree.leaves(self.moving(self.example)))

    def moving(self, state: State) -> PyTree:
        """The part of a state that counts."""
        return _floats((state.x, state.memory)) if self.with_memory else _floats(state.x)

    def flat(self, state: State) -> Float[Array, " d"]:
        """The vector of a state."""
        return jnp.concatenate([jnp.ravel(a) for a in jax.tree.leaves(self.moving(state))])

    def state(self, z: Float[Array, " d"]) -> State:
        """The state of a vector."""
        leaves, structure = jax.tree.flatten(self.moving(self.example))
        parts = jnp.split(z, np.cumsum([a.size for a in leaves])[:-1])
        shaped = [part.reshape(a.shape) for part, a in zip(parts, leaves, strict=True)]
        moving = jax.tree.unflatten(structure, shaped)
        x, memory = moving if self.with_memory else (moving, None)
        return State(eqx.combine(x, self.example.x), eqx.combine(memory, self.example.memory))

    def rate(self, z: Float[Array, " d"], u: Float[Array, " input"]) -> Float[Array, " d"]:
        """Rate of change [per ms] of a flow; of a map the difference that a step makes."""
        return _moved(self, self.state(z), u) - (z if self.is_map else 0.0)

    def output(self, z: Float[Array, " d"]) -> Float[Array, " output"]:
        """The output in a state."""
        return self.system.readout(self.state(z))


def _moved(field: Field, state: State, u: Any) -> Float[Array, " d"]:
    return field.flat(_next(field.system, state, u))


def _next(system: Any, state: State, u: Any, t: Any = 0.0) -> State:
    """Of a map the next state, of a flow the rate of change of ``x``."""
    drive = Drive(input=u if system.n_inputs else None, step=jnp.zeros((), jnp.int32))
    if isinstance(system, AbstractMap):
        return system.update(state, drive, key=None)
    return State(system.drift(jnp.asarray(t, jnp.float64), state, drive), state.memory)


def _floats(tree: PyTree) -> PyTree:
    return eqx.filter(tree, eqx.is_inexact_array)


def field_of(system: Any, what: str) -> Field:
    """The field of a system; to be called, and used, with 64-bit numbers enabled.

    Noise is left out: the field is that of the drift of a flow.

    Parameters
    ----------
    system
        A map, or a flow without spikes.
    what
        What is asked of it, for error messages: "fixed points", say.

    Raises
    ------
    TypeError
        If it spikes, is no system, needs noise for its step, or carries other memory than floats.
    ValueError
        If it changes with time, or holds parameters of several subjects or that are not finite.
    """
    name = type(system).__name__
    if isinstance(system, AbstractSpiking):
        raise TypeError(
            f"{name} spikes, so that its state jumps and its flow has no {what} in the usual "
            "sense: look at a rate network, or at the averaged (mean-field) rates."
        )
    if not isinstance(system, (AbstractMap, AbstractFlow)):
        raise TypeError(
            f"`system` must be a map or a flow, got {name}; of an ensemble, pass its members one "
            "by one."
        )
    system = as_double(whole_model(system))
    floats = [a for a in jax.tree.leaves(system) if eqx.is_inexact_array(a)]
    if not all(np.isfinite(np.asarray(a)).all() for a in floats):
        raise ValueError(f"{name} has parameters that are NaN or infinite.")
    state = as_double(system.initial_state(dt=1.0, key=jax.random.key(0)))
    u = jnp.zeros(system.n_inputs)
    try:
        moved = eqx.filter_eval_shape(_next, system, state, u)
    except Exception as error:  # a user's own class may raise anything
        raise TypeError(
            f"{name} cannot move without noise or a trial, so that it has no {what}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(moved, State):
        raise TypeError(f"`update` of {name} must return a State, got {type(moved).__name__}.")
    if isinstance(system, AbstractFlow) and depends(
        lambda t: _next(system, state, u, t).x, jnp.zeros(())
    ):
        raise ValueError(
            f"{name} changes with time, so that it has no {what}: pass the system at one time."
        )
    return Field(system, state, _uses_memory(system, state, u, what))


def _uses_memory(system: Any, state: State, u: Any, what: str) -> bool:
    """Whether ``x`` moves in a way that depends on the memory."""
    leaves, structure = jax.tree.flatten(eqx.filter(state.memory, eqx.is_array))
    if not leaves:
        return False

    def x_after(leaves, x):
        memory = eqx.combine(jax.tree.unflatten(structure, leaves), state.memory)
        return _floats(_next(system, State(x, memory), u).x)

    x, fixed = eqx.partition(state.x, eqx.is_array)
    program = jax.make_jaxpr(lambda m, x: x_after(m, eqx.combine(x, fixed)))(leaves, x).jaxpr
    n = len(program.invars)
    used = [any(reached(program, [i == k for i in range(n)])) for k in range(len(leaves))]
    name = type(system).__name__
    if any(used) and isinstance(system, AbstractFlow):
        raise TypeError(
            f"{name} carries memory from step to step (delays, plastic weights) on which its flow "
            f"depends, so that its state alone has no {what}."
        )
    other = [leaf.dtype for leaf, use in zip(leaves, used, strict=True) if use]
    if any(not jnp.issubdtype(dtype, jnp.inexact) for dtype in other):
        raise TypeError(
            f"{name} depends on memory that is no float ({', '.join(map(str, other))}), such as a "
            f"counter, so that it has no {what}."
        )
    return any(used)
