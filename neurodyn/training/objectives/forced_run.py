"""Runs along data that force the state."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.engine.inputs import trials_for
from neurodyn.kernels import forced_scan
from neurodyn.params import with_values
from neurodyn.params.use import indexed_parameters, is_indexed
from neurodyn.system import State
from neurodyn.task import Trial

#: Stands where each trial has a row of its own.
_ROW = object()


@runtime_checkable
class Forceable(Protocol):
    """A map whose state an observation says something about.

    Attributes
    ----------
    n_inputs, n_outputs, n_units
        External inputs, observed variables, latent units.
    n_forced
        How many units, from the first on, an observation determines.
    """

    n_inputs: Any
    n_outputs: Any
    n_units: Any

    @property
    def n_forced(self) -> int:
        """How many units, from the first on, an observation determines."""

    def step(self, z: Float[Array, " unit"], u: Any = None) -> Float[Array, " unit"]:
        """The state after ``z``."""

    def infer(self, x: Float[Array, " output"]) -> Float[Array, " unit"]:
        """The state that an observation points to."""

    def readout(self, state: State) -> Float[Array, " output"]:
        """The observation of a state."""


def forced_predictions(
    model: Any, trials: Trial, strength: Float[Array, "time unit"]
) -> Float[Array, "trial time output"]:
    """Predictions of each window after its first sample, read before the state is forced.

    Parameters
    ----------
    model
        A :class:`Forceable` map.
    trials
        Windows: ``targets`` (trial, time + 1, output), and external ``inputs`` of which row t acts
        in the step from sample t to t + 1.
    strength
        How far each unit is pulled after each step.
    """
    model = with_values(model)
    given = trials_for(model, trials)
    rows = [jax.vmap(x.row)(given) for x in indexed_parameters(model)]
    shared, static = eqx.partition(_with_rows(model, [_ROW] * len(rows)), eqx.is_inexact_array)
    params = (shared, rows)

    def per_trial(function, axis=0):
        """Apply a method of each trial's own model to a batch along that axis."""

        def batched(params, *batch):
            shared, rows = params
            whole = eqx.combine(shared, static)
            along = jax.vmap(
                lambda rows, batch: function(_with_rows(whole, rows), *batch),
                in_axes=(0, axis),
                out_axes=axis,
            )
            return along(rows, batch)

        return batched

    # The recurrence has trials on its last axis, `trials` on their first.
    infer = per_trial(lambda m, x: m.infer(x))
    x = jnp.swapaxes(trials.targets, 0, 1)
    n, rest = model.n_forced, model.n_units - model.n_forced
    signal = jax.vmap(lambda x: infer(params, x)[:, :n].T)(x[1:])
    signal = jnp.pad(signal, ((0, 0), (0, rest), (0, 0)))
    inputs = jnp.transpose(trials.inputs, (1, 2, 0))[:-1] if model.n_inputs else None
    step, every = per_trial(lambda m, z, u: m.step(z, u), axis=1), None
    if not rows and hasattr(model, "steps"):
        step, every = _side_by_side(static)
    z = forced_scan(step, params, infer(params, x[0]).T, signal, strength, inputs, every=every)
    read = per_trial(lambda m, z: m.readout(State(z)))
    return jax.vmap(lambda z: read(params, z.T), out_axes=1)(z)


def _side_by_side(static: Any) -> tuple[Callable, Callable]:
    """Steps of all trials, and of all trials at all times, as columns of one matrix."""

    def step(params, z, u):
        return eqx.combine(params[0], static).steps(z, u)

    def every(params, z, u):
        n_steps, _, n_trials = z.shape
        columns = [
            None if x is None else jnp.swapaxes(x, 0, 1).reshape(x.shape[1], -1) for x in (z, u)
        ]
        after = step(params, *columns)
        return jnp.swapaxes(after.reshape(-1, n_steps, n_trials), 0, 1)

    return step, every


def _with_rows(model: Any, rows: list) -> Any:
    """The model with these values in place of its indexed parameters, or of what marks them."""
    left = iter(rows)

    def fill(x):
        return next(left) if x is _ROW or is_indexed(x) else x

    return jax.tree.map(fill, model, is_leaf=is_indexed)
