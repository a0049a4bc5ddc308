"""Lyapunov exponents of any map or flow."""

from __future__ import annotations

import warnings
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis.dynamics.kaplan_yorke import kaplan_yorke_dimension
from neurodyn.analysis.dynamics.tangent import (
    check_dt,
    forward_solver,
    frame_growth,
    initial_states,
    is_noisy,
    state_size,
)
from neurodyn.analysis.shared.double import as_double
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import check_whole, whole
from neurodyn.common.random import as_key
from neurodyn.engine.inputs import as_batch, check_finite, check_state, check_trial
from neurodyn.engine.start import has_drive_noise
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSpiking

#: Blocks of the trajectory whose scatter gives the standard error.
N_BLOCKS = 20
#: Points of the running estimate, at most.
N_RUNNING = 200


def lyapunov(
    system: AbstractMap | AbstractFlow | Any,
    inputs: Any = None,
    *,
    n_steps: int,
    dt: float | int | None = None,
    n_exponents: int | None = None,
    transient: int = 1000,
    every: int = 1,
    solver: diffrax.AbstractSolver | None = None,
    state: Any = None,
    key: Any = None,
    trial: Any = None,
    n_trials: int | None = None,
    double: bool = True,
) -> xr.Dataset:
    r"""Lyapunov exponents along trajectories of a map or a flow.

    A frame of orthonormal deviations is carried along by the derivative of the step (Jacobian times
    vector, so that no Jacobian is formed) and made orthonormal again by QR decomposition; the
    exponents are the mean rates at which its edges grow. All in one compiled scan.

    The drive is the same for the trajectory and for its deviations: inputs are those given, and
    noise is drawn once. So a driven or noisy system gets its conditional exponents, which are
    negative where the system forgets its initial state.

    Parameters
    ----------
    system
        A map, or a flow without spikes. Every float of its state counts as a dimension, delay rings
        and traces in `memory` included.
    inputs
        As for :func:`neurodyn.integrate`: ``(time, *batch, input)`` with
        ``transient + n_steps`` rows, a callable of time [ms], or None.
    n_steps
        Steps to average over, a multiple of `every`.
    dt
        Step [ms]. Needed for flows. For maps without it, exponents are per step.
    n_exponents
        Number of exponents, the largest ones; default all.
    transient
        Steps before the average, in which trajectory and frame settle.
    every
        Steps between decompositions. One is safe; more is faster where the state is large. Edges
        must not shrink below the resolution of the precision in between.
    solver
        Of a flow, as for :func:`neurodyn.integrate`; default ``diffrax.Tsit5()``, of order 5, and
        ``diffrax.Euler()`` with noise. The exponents are those of the map that the solver makes of
        the flow; halve `dt` to see its effect.
    state
        State to start from (with leading trial axis where there are several).
    key
        Seed or key of initial states and noise.
    trial
        The running trials, for parameters indexed by sequence or subject.
    n_trials
        Number of trials, where `inputs` do not tell it.
    double
        Whether to compute in double precision, also for a system in single precision. In single
        precision, exponents carry errors of about 1e-4 of the largest one, and strongly negative
        ones more.

    Returns
    -------
    xarray.Dataset
        ``lyapunov`` (trial, exponent)
            Exponents [1/ms] (natural logarithm), the largest first; per step for maps without `dt`.
            A direction that a step annihilates has minus infinity.
        ``standard_error`` (trial, exponent)
            From the scatter of 20 blocks of the trajectory.
        ``running`` (trial, time, exponent)
            Estimate so far, to see it converge; times grow in equal ratios.
        ``kaplan_yorke`` (trial)
            Dimension, see :func:`kaplan_yorke_dimension`.
        ``status`` (trial)
            ``"ok"``; ``"diverged"``: the trajectory or its deviations left the range of numbers,
            and everything else about the trial is NaN; ``"unstable fixed point"``: the trajectory
            started exactly there and never left (such as a network without bias at zero), so that
            its exponents are not those of the attractor; a warning says so too. Start elsewhere,
            with `state` or a random initial state.

    Raises
    ------
    TypeError
        For a spiking flow (its deviations jump at spikes), or something that is no system.
    ValueError
        On numbers, shapes, inputs or states that do not fit, a missing `dt` or `key`.

    References
    ----------
    Benettin, Galgani, Giorgilli & Strelcyn, Meccanica 15:9, 1980. Kaplan & Yorke, in Functional
    Differential Equations and Approximation of Fixed Points, 1979.

    Examples
    --------
    >>> from neurodyn import analysis, models
    >>> result = analysis.lyapunov(models.reference.Logistic(r=4.0), n_steps=20_000)
    >>> round(float(result["lyapunov"][0, 0]), 2)  # log 2
    0.69
    """
    dt = _check(system, dt, n_steps, every, transient)
    as_it_is = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    with jax.enable_x64(double or as_it_is):
        if double:
            system, inputs, state, trial = map(as_double, (system, inputs, state, trial))
        batch = as_batch(system, inputs, n_trials=n_trials, dt=dt)
        wanted = transient + n_steps
        if batch.n_steps not in (None, wanted):
            raise ValueError(
                f"`inputs` must have transient + n_steps = {transient} + {n_steps} rows, "
                f"got {batch.n_steps}."
            )
        if batch.held:
            check_finite(batch.source)
        if not batch.batched:
            state, trial = jax.tree.map(lambda a: jnp.asarray(a)[None], (state, trial))
        check_state(state, batch.n_trials)
        check_trial(system, trial)
        key = as_key(key)
        dt_array = jnp.asarray(1.0 if dt is None else dt, jnp.result_type(float))
        if state is None:
            state = initial_states(system, dt_array, trial, key, batch.n_trials)
        size = state_size(state)
        k = size if n_exponents is None else whole("n_exponents", n_exponents, 1, size)
        noisy = is_noisy(system, state, trial, batch.source)
        if (noisy or has_drive_noise(system)) and key is None:
            raise ValueError(f"This {type(system).__name__} has noise: pass `key=` (a seed).")
        solver = forward_solver(system, solver, noisy)
        found = frame_growth(
            system,
            batch.source,
            dt_array,
            solver,
            state,
            key,
            trial,
            noisy,
            transient,
            n_steps // every,
            every,
            k,
        )
        logs, finite, rests = (np.asarray(each) for each in found)
    logs = logs.astype(np.float64)
    return _label(logs, finite, rests, dt, every, transient, size, type(system).__name__, double)


def _label(logs, finite, rests, dt, every, transient, size, name, double) -> xr.Dataset:
    rows, _, k = logs.shape
    row = every * (1.0 if dt is None else dt)
    logs = np.where(finite[None, :, None], logs, np.nan) / row
    with np.errstate(invalid="ignore"):
        sums = np.cumsum(logs, axis=0)
        blocks = np.stack([b.mean(0) for b in np.array_split(logs, N_BLOCKS)])
        error = blocks.std(0, ddof=1) / np.sqrt(N_BLOCKS)
    at = np.unique(np.geomspace(1, rows, min(rows, N_RUNNING)).astype(int)) - 1
    at[-1] = rows - 1
    running = np.moveaxis(sums[at] / (at + 1)[:, None, None], 0, 1)
    mean = sums[-1] / rows
    # An exponent is known up to about one over the time; below that, its sign has no meaning.
    zero = np.fmax(3 * error, 1 / (rows * row))
    dimension = [
        kaplan_yorke_dimension(values, zero=small, complete=k == size)
        for values, small in zip(mean, zero, strict=True)
    ]
    status = np.where(finite, "ok", "diverged").astype("U20")
    unstable = finite & rests & (mean[:, 0] > zero[:, 0])
    status[unstable] = "unstable fixed point"
    if unstable.any():
        warnings.warn(
            f"{unstable.sum()} of {unstable.size} trials of this {name} rest exactly at an "
            "unstable fixed point, from which they started, so that their exponents are not those "
            "of the attractor: start elsewhere, e.g. initial=params.Uniform(-0.1, 0.1) with a key, "
            "or pass `state`.",
            stacklevel=3,
        )
    units = "1" if dt is None else "1/ms"
    both, so_far = ("trial", "exponent"), "Lyapunov exponent, estimate so far"
    variables = {
        "lyapunov": (both, mean, units, "Lyapunov exponent", "statistic"),
        "standard_error": (both, error, units, "standard error of the exponent", "statistic"),
        "running": (("trial", "time", "exponent"), running, units, so_far, "statistic"),
        "kaplan_yorke": ("trial", np.array(dimension), "1", "Kaplan-Yorke dimension", "statistic"),
        "status": ("trial", status, "1", "outcome of the trial"),
    }
    step = "1" if dt is None else "ms"
    coords = {
        "time": ("time", (at + 1) * row, step, "time averaged over"),
        "exponent": ("exponent", np.arange(k), "1", "number of the exponent"),
    }
    attrs = {"n_steps": rows * every, "transient": transient, "every": every, "double": double}
    attrs |= {} if dt is None else {"dt": float(dt)}
    return results(variables, coords, kind=None, values=False, system=name, **attrs)


def _check(system, dt, n_steps, every, transient) -> float | None:
    if isinstance(system, AbstractSpiking):
        raise TypeError(
            f"{type(system).__name__} spikes, and deviations from a spiking trajectory jump at "
            "every spike: Lyapunov exponents are for maps and smooth flows."
        )
    if not isinstance(system, (AbstractMap, AbstractFlow)):
        raise TypeError(
            f"`system` must be a map or a flow, got {type(system).__name__}; of an ensemble, pass "
            "its members one by one."
        )
    check_dt(system, dt)
    check_whole(1, n_steps=n_steps, every=every)
    check_whole(0, transient=transient)
    if n_steps % every or n_steps // every < N_BLOCKS:
        raise ValueError(
            f"`n_steps` must be a multiple of every={every}, and at least {N_BLOCKS * every} for "
            f"an estimate of the error, got {n_steps}."
        )
    return None if dt is None else float(dt)
