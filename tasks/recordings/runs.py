"""Runs of known systems in double precision: what the trajectories of tasks are made of."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.engine.solve import solve
from neurodyn.engine.start import is_stochastic
from neurodyn.system import AbstractFlow, AbstractMap

#: Steps of the solver that one sample may take, on average.
_MAX_STEPS = 200
#: Samples that the adaptive solver makes in one call.
_PIECE = 1000
#: Steps of the fixed clock in one sample, for flows with noise.
_SUBSTEPS = 20


def trajectories(
    system: Any,
    n_samples: int,
    *,
    dt: float,
    transient: int,
    n_trials: int,
    key: Any,
    rtol: float | None = 1e-8,
    atol: float | None = 1e-8,
    solver: diffrax.AbstractSolver | None = None,
) -> tuple[Float[np.ndarray, "trial time output"], dict[str, Any]]:
    """Raw trajectories in double precision, and how they were made.

    Parameters
    ----------
    system
        A flow without spikes, or a map.
    n_samples, dt, transient
        Samples of each after the transient, their step, and samples that are dropped before.
    n_trials
        How many trajectories.
    key
        Seed of their starts and of noise.
    rtol, atol
        Tolerances of the adaptive solver; both None: one step of the solver for each sample.
    solver
        Of diffrax; default ``Tsit5()``. Flows with noise run by Euler's method with 20 steps a
        sample, maps by themselves.

    Raises
    ------
    ValueError
        If a trajectory diverges, or a map is given a solver.
    """
    with jax.enable_x64(True):
        system = jax.tree.map(
            lambda a: a.astype(jnp.float64) if eqx.is_inexact_array(a) else a, system
        )
        n = transient + n_samples
        if isinstance(system, AbstractMap):
            if solver is not None:
                raise ValueError("A map takes its own steps: leave out `solver`.")
            made: dict[str, Any] = {}
            run = integrate(system, dt=dt, n_steps=n, n_trials=n_trials, key=key)
        elif is_stochastic(system, dt):
            made = {"solver": "Euler", "substeps": _SUBSTEPS}
            run = integrate(
                system,
                dt=dt / _SUBSTEPS,
                n_steps=_SUBSTEPS * n,
                n_trials=n_trials,
                key=key,
                solver=solver,
                save=Save(every=_SUBSTEPS),
            )
        else:
            solver = diffrax.Tsit5() if solver is None else solver
            made = {"solver": type(solver).__name__}
            if rtol is None and atol is None:
                run = integrate(system, dt=dt, n_steps=n, n_trials=n_trials, key=key, solver=solver)
            else:
                made |= {"rtol": rtol, "atol": atol}
                x = _solved(system, dt, n, n_trials, key, solver, rtol, atol)
                return _finite(x, type(system).__name__)[:, transient:], made
        x = np.moveaxis(np.asarray(run.outputs), 1, 0)
    return _finite(x, type(system).__name__)[:, transient:], made


def passed_on(part: str, name: str) -> Any:
    """The attribute or method of an object's part, under the same name."""
    return property(lambda self: getattr(getattr(self, part), name), doc=f"That of `{part}`.")


class _Later(AbstractFlow):
    """A flow whose clock starts late."""

    system: AbstractFlow
    t0: Float[Array, ""]

    n_inputs = passed_on("system", "n_inputs")
    n_outputs = passed_on("system", "n_outputs")
    initial_state = passed_on("system", "initial_state")
    readout = passed_on("system", "readout")
    observe = passed_on("system", "observe")
    variables = passed_on("system", "variables")
    unit_coords = passed_on("system", "unit_coords")

    def drift(self, t, state, u):
        return self.system.drift(self.t0 + t, state, u)

    def diffusion(self, t, state, u):
        return self.system.diffusion(self.t0 + t, state, u)


def _solved(system, dt, n, n_trials, key, solver, rtol, atol):
    """Samples of an adaptive solver, in pieces, since saving costs more with every sample."""
    ts = dt * np.arange(1, min(n, _PIECE) + 1)
    controller = diffrax.ClipStepSizeController(
        diffrax.PIDController(rtol=rtol, atol=atol), step_ts=jnp.asarray(ts)
    )
    state, pieces = None, []
    for first in range(0, n, len(ts)):
        run = solve(
            _Later(system, jnp.asarray(dt * first)),
            ts=ts,
            n_trials=n_trials,
            state=state,
            key=key if state is None else None,
            solver=solver,
            stepsize_controller=controller,
            max_steps=_MAX_STEPS * len(ts),
        )
        state = run.final_state
        pieces.append(np.asarray(run.outputs))
    return np.moveaxis(np.concatenate(pieces)[:n], 1, 0)


def _finite(x: Float[np.ndarray, "trial time output"], name: str) -> np.ndarray:
    bad = np.flatnonzero(~np.isfinite(x).all((1, 2)))
    if bad.size:
        raise ValueError(
            f"{bad.size} of {len(x)} trajectories of this {name} diverge: start "
            "nearer to the attractor, or with less spread."
        )
    return x
