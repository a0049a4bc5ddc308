"""Limit cycles of flows, by shooting, with their Floquet multipliers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Complex, Float

from neurodyn.analysis.equilibria.field import Field, field_of
from neurodyn.analysis.equilibria.inputs import constant_inputs
from neurodyn.analysis.equilibria.linear import labelled
from neurodyn.analysis.equilibria.modes import fastest_first, growth_of
from neurodyn.analysis.equilibria.orbits import at_rate, carried, states_at, steps
from neurodyn.analysis.equilibria.states import names_of, vectors
from neurodyn.common.checks import check_whole

#: A trajectory returns where it comes as close as this, relative to its extent.
_RETURN = 0.05
#: Distance after one period, relative to the extent, at which the cycle is closed.
_CLOSED = 1e-9
_ROUNDS = 12
#: Distance of a multiplier's modulus from 1 up to which the cycle is neutral.
_NEUTRAL = 1e-6


def limit_cycle(
    system: Any,
    start: Any,
    inputs: Any = None,
    *,
    duration: float = 1000.0,
    period: float | None = None,
    n: int = 128,
) -> xr.Dataset:
    r"""The limit cycle that a flow settles on, or one close to a start: states, period, stability.

    A run tells where the trajectory returns. Newton's method on the return map (shooting) then
    closes the cycle, with derivatives from the linearised flow, in double precision.

    Parameters
    ----------
    system
        A flow without spikes, memory or dependence on time. Noise is left out.
    start
        State to start from ``(d,)``, as for :func:`linearise`.
    inputs
        Constant input ``(input,)``. Default 0.
    duration
        Time that the run may take to settle [ms]; 1000 ms by default, which is 10 cycles at 10 Hz.
        Of it the last 16384 steps of the solver at most.
    period
        A guess of the period [ms]: then `start` is taken as it is, close to the cycle, which may be
        unstable.
    n
        Points of the cycle.

    Returns
    -------
    Dataset with

    ``state`` (phase, unit)
        States at even steps of time. The coordinate ``phase`` runs from 0 to 2 pi [rad]; it is 0
        where the first entry of the state is highest. ``elapsed`` (phase) is the time from there
        [ms].
    ``period``
        Duration of a cycle [ms].
    ``multiplier_real``, ``multiplier_imag`` (component)
        Floquet multipliers, the largest first: factors by which small pushes grow in a cycle. One
        is 1, of a push along the cycle.
    ``growth_rate`` (component)
        Their growth rates (Floquet exponents) [1/ms].
    ``stability``
        "stable", "unstable", or "neutral" (another modulus is 1 within 1e-6), of the others.
    ``inputs`` (input)
        The input.

    The attribute ``error`` is the distance of the multiplier of the cycle itself from 1: how
    accurate the linearised flow is.

    Raises
    ------
    TypeError
        For maps (see :func:`cycles`), spiking systems, and things that are no system.
    ValueError
        If the run comes to rest, diverges or does not return, or no cycle is found close to it.

    References
    ----------
    Kuznetsov, "Elements of Applied Bifurcation Theory", 2004, chapter 10.

    Examples
    --------
    >>> from neurodyn import analysis, models
    >>> cycle = analysis.limit_cycle(models.reference.VanDerPol(mu=1.0), [2.0, 0.0], duration=100)
    >>> cycle["period"].item().__round__(6), cycle["stability"].item()
    (6.663287, 'stable')
    """
    check_whole(8, n=n)
    for name, value in (("duration", duration), ("period", period)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value}.")
    with jax.enable_x64(True):
        field = field_of(system, "limit cycle")
        if field.is_map:
            raise TypeError(
                f"{type(system).__name__} is a map: analysis.cycles finds those of "
                "piecewise-linear maps, and analysis.bifurcation shows the others."
            )
        names = names_of(field)
        u = constant_inputs(field, inputs)[0]
        z = vectors(field, names, start, "start")[0]
        if z.ndim != 1 or not np.isfinite(z).all() or len(u) != 1:
            raise ValueError(f"start must be one finite state, with one input, got {z.shape}.")
        u, z = jnp.asarray(u[0]), jnp.asarray(z)
        if period is None:
            z, guess, extent = _return(field, z, u, duration)
        else:
            guess, extent = period, float(np.linalg.norm(z)) or 1.0
        z, period = _closed(field, z, u, guess, extent)
        z = _highest(field, z, u, period, extent, n)
        states = states_at(field, z, u, np.arange(n) * period / n, extent)
        slopes = np.asarray(carried(field, states, u, period / n, extent)[1])
    multipliers, error = _multipliers(slopes)
    others = np.delete(np.abs(multipliers), np.abs(multipliers - 1).argmin())
    word = "stable" if (others < 1 - _NEUTRAL).all() else "unstable"
    word = "neutral" if (np.abs(others - 1) <= _NEUTRAL).any() else word
    growth = growth_of(multipliers, True) / period
    variables = {
        "state": (("phase", names.dim), np.asarray(states), names.units, "state"),
        "period": ((), period, "ms", "period"),
        "multiplier_real": (("component",), multipliers.real, "1", "multiplier, real part"),
        "multiplier_imag": (("component",), multipliers.imag, "1", "multiplier, imaginary part"),
        "growth_rate": (("component",), growth, "1/ms", "growth rate of the mode"),
        "stability": ((), word, "1", "linear stability"),
    }
    if field.system.n_inputs:
        variables["inputs"] = (("input",), np.asarray(u), "1", "constant input")
    share = np.arange(n) / n
    coords = {
        "phase": ("phase", 2 * np.pi * share, "rad", "phase"),
        "elapsed": ("phase", period * share, "ms", "time from phase 0"),
    }
    about = {"error": error}
    return labelled(variables, names, coords, type(system).__name__, ("phase",), **about)


def _return(field: Field, z: Any, u: Any, duration: float):
    """The last state of a run, the time since it was last there, and the extent of the run."""
    # As arrays, because the program would be compiled again for each other number.
    span, scale = jnp.asarray(duration), jnp.asarray(1.0)
    times, found = (np.asarray(a) for a in steps(field, z, u, span, scale))
    known = np.isfinite(times) & np.isfinite(found).all(-1)
    times, found = times[known], found[known]
    if not len(times) or np.abs(found[-1]).max() > 1e6 * (1 + np.abs(z).max()):
        raise ValueError("the run diverges: start elsewhere.")
    late = found[times >= times[-1] / 2]
    extent = float(np.linalg.norm(np.ptp(late, axis=0)))
    last, size = found[-1], float(np.linalg.norm(late, axis=1).max())
    along = at_rate(field, last[None], u)[0]
    still = np.linalg.norm(np.ptp(found[times >= 0.9 * times[-1]], axis=0))
    if still <= 1e-4 * (1 + size) or not along.any():
        raise ValueError(
            "the run comes to rest at a fixed point and not on a cycle: see analysis.fixed_points."
        )
    ahead = (found - last) @ along
    near = np.linalg.norm(found - last, axis=1)
    crossing = np.flatnonzero((ahead[:-1] < 0) & (ahead[1:] >= 0))[:-1]
    closest = np.minimum(near[crossing], near[crossing + 1])
    step = np.linalg.norm(found[crossing + 1] - found[crossing], axis=1)
    back = crossing[closest <= _RETURN * extent + 0.6 * step]
    if not len(back):
        raise ValueError(
            f"the run does not return within {times[-1]:g} ms: raise `duration`, or it is no cycle "
            "(several frequencies, chaos: see analysis.lyapunov)."
        )
    k = back[-1]
    share = -ahead[k] / (ahead[k + 1] - ahead[k])
    return jnp.asarray(last), times[-1] - times[k] - share * (times[k + 1] - times[k]), extent


def _closed(field: Field, z: Any, u: Any, period: float, extent: float):
    """A state on the cycle and its period, by Newton's method on the return."""
    reference, along = np.asarray(z), at_rate(field, z[None], u)[0]
    along = along / np.linalg.norm(along)
    z, first = reference.copy(), period
    for _ in range(_ROUNDS):
        after, slopes = (np.asarray(a)[0] for a in carried(field, z[None], u, period, extent))
        off = np.append(after - z, along @ (z - reference))
        if not np.isfinite(off).all():
            break
        if np.linalg.norm(off) <= _CLOSED * extent:
            return jnp.asarray(z), float(period)
        rate = at_rate(field, after[None], u)[0]
        matrix = np.block([[slopes - np.eye(len(z)), rate[:, None]], [along, np.zeros(1)]])
        move = np.linalg.lstsq(matrix, -off, rcond=None)[0]
        # Far from the cycle a whole step may lead to another one, or to a period of 0.
        move *= min(1.0, 0.3 * period / max(abs(move[-1]), 1e-300))
        z, period = z + move[:-1], period + move[-1]
    raise ValueError(
        f"no cycle with a period near {first:g} ms was found close to the start: raise `duration`, "
        "so that the run settles."
    )


def _highest(field: Field, z: Any, u: Any, period: float, extent: float, n: int) -> Any:
    """The state of a cycle where its first entry is highest."""
    states = states_at(field, z, u, np.arange(n) * period / n, extent)
    z = states[int(np.asarray(states)[:, 0].argmax())]
    for _ in range(4):
        rate = jax.jvp(lambda x: field.rate(x, u), (z,), (field.rate(z, u),))
        speed, bend = float(rate[0][0]), float(rate[1][0])
        wait = -speed / bend if bend < 0 else 0.0
        if abs(wait) > period / n or abs(wait) < 1e-12 * period:
            break
        z = carried(field, z[None], u, wait % period, extent)[0][0]
    return z


def _multipliers(slopes: Float[np.ndarray, "phase d d"]) -> tuple[Complex[np.ndarray, " d"], float]:
    """Floquet multipliers, the largest first, and how far the one of the cycle is from 1."""
    whole = np.eye(slopes.shape[-1])
    for slope in slopes:
        whole = slope @ whole
    values = np.linalg.eigvals(whole).astype(np.complex128)
    values = values[fastest_first(values, True)]
    return values, float(np.abs(values - 1).min())
