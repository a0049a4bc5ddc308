"""Bifurcation diagrams: the long-run behaviour of a system for each value of a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.dynamics.tangent import check_dt, initial_states, resting
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.engine.start import is_stochastic
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSpiking

POINTS = ("samples", "maxima", "minima", "section")


def bifurcation(
    system: Any,
    parameter: str | Callable[[Any], Any],
    values: Any,
    *,
    n_steps: int,
    dt: float | int | None = None,
    transient: int = 1000,
    points: str | None = None,
    output: int = 0,
    section: tuple[int, float] | None = None,
    n_points: int = 200,
    n_trials: int = 1,
    solver: diffrax.AbstractSolver | None = None,
    key: Any = None,
) -> xr.Dataset:
    """Points that a system visits in the long run, for each value of one of its parameters.

    All values run side by side in one compiled program.

    Parameters
    ----------
    system
        A map, or a flow without spikes.
    parameter
        Name of an array of the system, or a function that returns the array out of it, as for
        ``equinox.tree_at``. A name compiles once, every new function anew.
    values
        Values to try: numbers, or arrays of the parameter's shape, one a row.
    n_steps
        Steps that are recorded.
    dt
        Step of the solver [ms]; needed for flows.
    transient
        Steps before the recorded ones, in which the system settles.
    points
        Points of the chosen output that are kept: ``"samples"``, the last `n_points` of
        them (default for maps); ``"maxima"`` (default for flows) or ``"minima"``, local ones,
        refined by a parabola through three samples; ``"section"``, the output where another one
        crosses a level upwards (Poincaré), interpolated between two samples.
    output
        Number of the output to look at.
    section
        With ``points="section"``: number of the output that crosses, and the level.
    n_points
        Room for the points of a trajectory; the last ones are kept.
    n_trials
        Starts for each value, to see attractors that coexist; several need a key.
    solver
        Of flows; default ``diffrax.Tsit5()``.
    key
        Seed or key of initial states (the same for all values) and noise.

    Returns
    -------
    xr.Dataset
        ``point`` (sweep, trial, sample), filled up with NaN; ``n_points`` (sweep, trial), how many
        there were in all, so that points which did not fit show; ``status`` (sweep, trial): "ok",
        "diverged", or "at rest": the run never left the state that it started from, which need
        not be stable (give the system a random initial state, and pass a key). The coordinate
        ``value`` (sweep) holds the parameter's values where they are numbers.

    Raises
    ------
    ValueError, TypeError
        If there is no such parameter, values do not fit it, or numbers are out of range.

    Examples
    --------
    >>> from neurodyn import analysis, models
    >>> sweep = analysis.bifurcation(models.reference.Logistic(), "r", [2.8, 3.2], n_steps=100)
    >>> [len(np.unique(p[p > 0].round(4))) for p in sweep["point"].values[:, 0]]
    [1, 2]
    """
    points = _check(system, points, dt, section, n_steps, transient, n_points, n_trials)
    name = parameter if isinstance(parameter, str) else "value"
    arrays = _values(system, parameter, name, values)
    if isinstance(system, AbstractFlow) and solver is None:
        solver = (
            diffrax.Euler() if is_stochastic(system, 1.0 if dt is None else dt) else diffrax.Tsit5()
        )
    if max(output, section[0] if section else 0) >= system.n_outputs or output < 0:
        raise ValueError(
            f"{type(system).__name__} has {system.n_outputs} outputs; `output` and `section` must "
            f"name one of them from 0 on, got {output} and {section}."
        )
    key, step = as_key(key), jnp.asarray(1.0 if dt is None else dt, jnp.result_type(float))
    crossing, level = (0, 0.0) if section is None else section
    cut, steps = (crossing, jnp.asarray(level, arrays.dtype)), (transient, n_steps)
    found, count, finite, rests = _sweep(
        system, parameter, arrays, step, solver, key, steps, n_trials, points, output, cut, n_points
    )
    return _label(found, count, finite, rests, arrays, name, points, output, system, dt, section)


@eqx.filter_jit
def _sweep(
    system, parameter, values, dt, solver, key, steps, n_trials, points, output, cut, n_points
):
    (transient, n_steps), (crossing, level) = steps, cut

    def one(value):
        own = eqx.tree_at(lambda s: _parameter(s, parameter), system, value)
        options = {"dt": dt, "key": key, "solver": solver, "n_trials": n_trials}
        state = start = initial_states(own, dt, None, key, n_trials)
        if transient:  # the transient is not recorded
            nothing = Save(outputs=None)
            state = integrate(own, n_steps=transient, save=nothing, **options).final_state
        run = integrate(own, n_steps=n_steps, state=state, start=transient, **options)
        x = jnp.moveaxis(run.outputs, 1, 0)
        pick = jax.vmap(lambda x: _points(x[:, output], x[:, crossing], level, points))
        here, value = pick(x)
        keep = jax.vmap(lambda h, v: _last(h, v, n_points))(here, value)
        still = (x == x[:, :1]).all((1, 2)) & resting(start, run.final_state)
        return *keep, jnp.isfinite(x).all((1, 2)), still

    # Side by side: a loop over the values compiles no faster, and runs slower.
    return jax.vmap(one)(values)


def _points(x: Float[Array, " time"], c: Float[Array, " time"], level: Any, points: str):
    """Whether there is a point at each sample, and its value."""
    if points == "samples":
        return jnp.ones(x.shape, bool), x
    if points == "section":
        before, after = c[:-1], c[1:]
        here = (before < level) & (after >= level)
        share = (level - before) / jnp.where(here, after - before, jnp.ones_like(after))
        return here, x[:-1] + share * (x[1:] - x[:-1])
    sign = 1.0 if points == "maxima" else -1.0
    left, middle, right = sign * x[:-2], sign * x[1:-1], sign * x[2:]
    here = (middle > left) & (middle >= right)
    bend = jnp.where(here, left - 2 * middle + right, -jnp.ones_like(middle))
    return here, sign * (middle - (right - left) ** 2 / (8 * bend))


def _last(here, value, n_points: int):
    """The last points, in order, and how many there were."""
    count = here.sum(dtype=jnp.int32)
    rank = jnp.cumsum(here, dtype=jnp.int32) - 1 - jnp.maximum(count - n_points, 0)
    at = jnp.where(here & (rank >= 0), rank, n_points)
    empty = jnp.full(n_points, jnp.nan, value.dtype)
    return empty.at[at].set(value, mode="drop"), count


def _label(found, count, finite, rests, values, name, points, output, system, dt, section):
    found, count, finite = np.asarray(found), np.asarray(count), np.asarray(finite)
    found = np.where(finite[..., None], found, np.nan)
    called = "samples" if points == "samples" else f"{points} of an output"
    both = ("sweep", "trial")
    status = np.where(np.asarray(rests), "at rest", np.where(finite, "ok", "diverged"))
    variables = {
        "point": ((*both, "sample"), found, "1", called, "statistic"),
        "n_points": (both, np.where(finite, count, 0), "1", "points there were"),
        "status": (both, status, "1", "outcome of the run"),
    }
    coords = {}
    if values.ndim == 1:
        coords["value"] = ("sweep", np.asarray(values, np.float64), "1", name)
    attrs = {"system": type(system).__name__, "parameter": name, "points": points, "output": output}
    attrs |= {} if dt is None else {"dt": float(dt)}
    attrs |= {} if section is None else {"section": [float(s) for s in section]}
    return results(variables, coords, kind=None, values=False, **attrs)


# --- checks ----------------------------------------------------------------------------------


def _check(system, points, dt, section, n_steps, transient, n_points, n_trials) -> str:
    if isinstance(system, AbstractSpiking) or not isinstance(system, (AbstractFlow, AbstractMap)):
        raise TypeError(
            f"`system` must be a map or a flow without spikes, got {type(system).__name__}."
        )
    flow = isinstance(system, AbstractFlow)
    check_dt(system, dt)
    points = ("maxima" if flow else "samples") if points is None else points
    if points not in POINTS:
        raise ValueError(f"`points` must be one of {', '.join(POINTS)}, got {points!r}.")
    if (points == "section") != (section is not None):
        raise ValueError('`section` = (output, level) goes with `points="section"`, and only then.')
    check_whole(3, n_steps=n_steps)
    check_whole(0, transient=transient)
    check_whole(1, n_points=n_points, n_trials=n_trials)
    return points


def _parameter(system, parameter):
    return getattr(system, parameter) if isinstance(parameter, str) else parameter(system)


def _values(system, parameter, name, values) -> Float[Array, "sweep ..."]:
    try:
        now = _parameter(system, parameter)
    except AttributeError:
        own = [f for f, v in vars(system).items() if eqx.is_inexact_array(v)]
        raise ValueError(
            f"{type(system).__name__} has no parameter {name!r}; it has {', '.join(own)}."
        ) from None
    if not eqx.is_inexact_array(now):
        raise TypeError(
            f"{name!r} of {type(system).__name__} is no array of numbers that could be swept."
        )
    given = np.asarray(values)
    if given.dtype.kind not in "iuf" or given.shape[1:] != now.shape or given.size == 0:
        raise ValueError(
            f"`values` must be numbers of shape (sweep, *{now.shape}), got {given.dtype} of shape "
            f"{given.shape}."
        )
    if not np.isfinite(given).all():
        raise ValueError("`values` holds NaN or infinite values.")
    return jnp.asarray(given, now.dtype)
