"""Which diffrax solvers a fixed clock can run."""

from typing import Any

import diffrax
import jax

#: Solvers with a state of their own across steps, which jumps of inputs and spikes invalidate.
_MULTISTEP = (diffrax.ReversibleHeun, diffrax.LeapfrogMidpoint)
#: Solvers for equations in two parts, e.g. position and velocity; a flow has a single drift.
_SPLIT = (
    diffrax.SemiImplicitEuler,
    diffrax.AbstractFosterLangevinSRK,
    diffrax.KenCarp3,
    diffrax.KenCarp4,
    diffrax.KenCarp5,
    diffrax.Sil3,
)
_FOR_NOISE = (
    diffrax.EulerHeun,
    diffrax.ItoMilstein,
    diffrax.StratonovichMilstein,
    diffrax.AbstractSRK,
)


def check_solver(solver: Any) -> None:
    """Refuse objects that are no solver, and solvers that need more than a fixed clock."""
    if not isinstance(solver, diffrax.AbstractSolver):
        raise TypeError(f"`solver` must be a diffrax solver, got {type(solver).__name__}.")
    name = type(solver).__name__
    if isinstance(solver, diffrax.AbstractWrappedSolver):
        check_solver(solver.solver)
    if isinstance(solver, _MULTISTEP):
        raise ValueError(
            f"{name} carries state across steps, which inputs that jump and spikes would "
            "invalidate. Use Heun or Tsit5 here, or nd.solve."
        )
    if isinstance(solver, _SPLIT):
        raise ValueError(f"{name} needs equations in two parts; use Heun, Tsit5 or Kvaerno3.")
    if isinstance(solver, diffrax.AbstractImplicitSolver) and not isinstance(
        solver.root_finder.rtol, (int, float, jax.Array)
    ):
        raise ValueError(
            f"{name} solves an equation in each step and, without an adaptive step, needs its own "
            f"tolerance: pass {name}(root_finder=diffrax.VeryChord(rtol=1e-5, atol=1e-6))."
        )


def check_noise_solver(solver: diffrax.AbstractSolver, noisy: bool) -> None:
    """Refuse solvers that would treat the noise wrongly, and solvers for noise without any."""
    name = type(solver).__name__
    inner: Any = solver.solver if isinstance(solver, diffrax.AbstractWrappedSolver) else solver
    if not noisy and isinstance(inner, _FOR_NOISE):
        raise ValueError(f"{name} is for noise, and this system has none: use Euler or Heun.")
    if noisy and inner is not solver:
        raise ValueError(
            f"{name} takes parts of a step, but the noise is drawn for whole steps: use {name} "
            "without noise, or the solver inside it with a shorter dt."
        )
    if noisy and isinstance(solver, diffrax.AbstractImplicitSolver):
        raise ValueError(
            f"{name} would be implicit in the noise too, which is neither Ito's nor Stratonovich's "
            "sense of it: use Euler, Heun or ShARK."
        )
