"""How pushes shift the phase of a limit cycle."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis.equilibria.field import field_of
from neurodyn.analysis.equilibria.linear import labelled
from neurodyn.analysis.equilibria.orbits import at_rate, carried, inward
from neurodyn.analysis.equilibria.states import names_of, vectors


def phase_response(system: Any, cycle: xr.Dataset) -> xr.Dataset:
    r"""Phase response of a stable limit cycle: how far a small push at each phase shifts it.

    The response :math:`Z(\theta)` is the gradient of the asymptotic phase. It solves the adjoint
    equation :math:`\dot Z = -J^T Z` along the cycle with period T, and
    :math:`Z \cdot \dot x = 2 \pi / T`. Between the points of the cycle it is carried backwards by
    the linearised flow, where it is stable.

    Parameters
    ----------
    system
        The flow.
    cycle
        Its limit cycle, from :func:`limit_cycle`.

    Returns
    -------
    Dataset on ``phase``, as in the cycle:

    ``phase_response`` (phase, unit)
        Shift of phase [rad] by a push of one unit of the state, in the limit of small pushes;
        positive: later cycles come earlier.
    ``input_response`` (phase, input)
        Rate of shift [rad/ms] by one unit of input in addition.

    The attribute ``error`` is the largest relative deviation of :math:`Z \cdot \dot x` from
    :math:`2 \pi / T`.

    Raises
    ------
    TypeError
        For spiking systems: their state jumps, and a push may skip a spike.
    ValueError
        If the cycle is not stable, because then a pushed state does not come back to it, or is not
        that of the system.

    References
    ----------
    Ermentrout & Terman, "Mathematical Foundations of Neuroscience", 2010, chapter 8. Brown, Moehlis
    & Holmes, Neural Comput. 2004.

    Examples
    --------
    >>> from neurodyn import analysis, models
    >>> oscillator = models.reference.VanDerPol(mu=0.01)  # x = 2 cos(phase), v = -2 sin(phase)
    >>> cycle = analysis.limit_cycle(oscillator, [2.0, 0.0], duration=1000, n=8)
    >>> shift = analysis.phase_response(oscillator, cycle)["phase_response"]
    >>> round(shift.sel(latent="x").values[2].item(), 2)  # at phase pi / 2: a push in x delays
    -0.5
    """
    if not {"state", "period", "stability"} <= set(cycle):
        raise ValueError("`cycle` must be the Dataset of a cycle, from analysis.limit_cycle.")
    if cycle["stability"].item() != "stable":
        raise ValueError(
            f"the cycle is {cycle['stability'].item()}, so that pushed states do not come back to "
            "it and have no phase."
        )
    period = float(cycle["period"])
    cycle = cycle.sortby("phase")
    with jax.enable_x64(True):
        field = field_of(system, "phase response")
        names = names_of(field)
        z = vectors(field, names, cycle["state"].transpose("phase", ...), "cycle")[0]
        u = jnp.asarray(cycle["inputs"].values if "inputs" in cycle else np.zeros(0))
        extent = float(np.linalg.norm(np.ptp(z, axis=0)))
        after, slopes = (
            np.asarray(a) for a in carried(field, jnp.asarray(z), u, period / len(z), extent)
        )
        rates = at_rate(field, z, u)
        pushed = np.asarray(inward(field, jnp.asarray(z), u))
    if not np.allclose(after, np.roll(z, -1, axis=0), atol=1e-5 * extent):
        raise ValueError("these states are no cycle of the system with this input.")
    found = _adjoint(slopes, rates, 2 * np.pi / period)
    error = np.abs((found * rates).sum(1) * period / (2 * np.pi) - 1).max()
    per = "rad" if names.units == "1" else f"rad/({names.units})"
    variables = {
        "phase_response": (("phase", names.dim), found, per, "phase response"),
    }
    if field.system.n_inputs:
        of_input = np.einsum("pd,pdi->pi", found, pushed)
        variables["input_response"] = (
            ("phase", "input"),
            of_input,
            "rad/ms",
            "phase response to input",
        )
    coords = {n: cycle[n].variable for n in ("phase", "elapsed")}
    return labelled(variables, names, coords, type(system).__name__, ("phase",), error=float(error))


def _adjoint(slopes: np.ndarray, rates: np.ndarray, frequency: float) -> np.ndarray:
    """The periodic solution of the adjoint equation at the points of a cycle."""
    whole = np.eye(slopes.shape[-1])
    for slope in slopes:
        whole = slope @ whole
    values, left = np.linalg.eig(whole.T)
    z = left[:, np.abs(values - 1).argmin()].real
    z = z * frequency / (z @ rates[0])
    found = np.empty_like(rates)
    # Once around to lose what is not periodic, since that decays backwards.
    for k in [*range(len(slopes) - 1, -1, -1)] * 2:
        z = slopes[k].T @ z
        found[k] = z
    return found * (frequency / (found[0] @ rates[0]))
