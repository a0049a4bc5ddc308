"""Basins of attraction: at which stable point a system ends from each start."""

from __future__ import annotations

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.equilibria.field import Field, field_of
from neurodyn.analysis.equilibria.inputs import each_input
from neurodyn.analysis.equilibria.linear import labelled
from neurodyn.analysis.equilibria.modes import growth_of
from neurodyn.analysis.equilibria.planes import Plane
from neurodyn.analysis.equilibria.states import Names, names_of, vectors

#: Distance, in extents of starts and points, beyond which a run counts as diverged.
_FAR = 1e6
#: Default duration in slowest timescales of the points.
_TIMESCALES = 30.0
_MOST_STEPS = 100_000
OUTCOMES = ("point", "elsewhere", "moving", "diverged")


def basins(
    system: Any,
    points: xr.Dataset,
    starts: Any,
    inputs: Any = None,
    *,
    duration: float | None = None,
    tolerance: float = 0.01,
    rtol: float = 1e-6,
    solver: diffrax.AbstractSolver | None = None,
) -> xr.Dataset:
    """At which stable point each start ends, by simulation without noise, in double precision.

    A run ends at the first stable point that it comes close to: within `tolerance` times the
    distance from there to the nearest other point, whether that is stable or not.

    Parameters
    ----------
    system
        A map, or a flow without spikes, memory or dependence on time.
    points
        Its fixed points with this input, from :func:`fixed_points`, saddles too: those between
        basins set how close is close.
    starts
        States to start from: a run, a DataArray or array of states, a `State` with leading axes, or
        a field of :func:`flow_field`, whose grid is taken.
    inputs
        Constant input ``(input,)``, or one for each start. Default: that of the points.
    duration
        Longest simulated time [ms], of maps in steps. Default: 30 times the slowest timescale of
        all points, because the distance to a stable point falls by a factor e in each.
    tolerance
        See above; 0.01 lies well inside the linear neighbourhood of most points.
    rtol
        Relative error of the solver in each step, for flows; the absolute one is a thousandth of
        it, times the extent of starts and points.
    solver
        Of flows; default ``diffrax.Tsit5()``. Stiff systems need ``diffrax.Kvaerno5()``.

    Returns
    -------
    Dataset on the dims of the starts (here ``...``):

    ``basin`` (...)
        Label of the equilibrium where the run ends, -1 where there is none.
    ``outcome`` (...)
        "point"; "elsewhere", at rest at a state that is not among the stable points; "moving" still
        after `duration` (limit cycle, chaos, or slow); or "diverged".
    ``arrival`` (...)
        Time when it came close [ms, or steps], NaN if it did not.
    ``state`` (..., unit)
        The last state.
    ``share``, ``share_low``, ``share_high`` (equilibrium)
        Share of the starts that end there, and its 95 % interval (Clopper & Pearson), which is of
        use where starts are drawn independently: on a grid it says nothing.

    Raises
    ------
    ValueError
        If no point is stable, points have several inputs, or options are out of range.

    References
    ----------
    Menck, Heitzig, Marwan & Kurths, Nat. Phys. 2013 (basin stability). Clopper & Pearson,
    Biometrika 1934.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> W = 2 * np.eye(1, dtype="float32")
    >>> model = models.CTRNN(1, 1, 1, W=W, form="current", key=0)  # x' = -x + 2 tanh(x)
    >>> points = analysis.fixed_points(model, n_starts=64)
    >>> ends = analysis.basins(model, points, np.array([[-0.5], [0.5], [3.0]]))
    >>> points["state"].sel(equilibrium=ends["basin"]).values.ravel().round(3)
    array([-1.915,  1.915,  1.915])
    """
    for name, value in (("tolerance", tolerance), ("rtol", rtol), ("duration", duration)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value}.")
    if not {"state", "stability"} <= set(points):
        raise ValueError("`points` must be a Dataset of fixed points, from analysis.fixed_points.")
    with jax.enable_x64(True):
        field = field_of(system, "basins")
        names = names_of(field)
        z, coords, lead = _states(field, names, starts)
        flat = z.reshape(-1, field.size)
        if not len(flat) or not np.isfinite(flat).all():
            raise ValueError("starts must be finite states, at least one.")
        u = each_input(field, _input(points, inputs), z.shape[:-1], lead, coords)
        targets, radius, which = _targets(field, names, points, flat, tolerance)
        extent = float(np.linalg.norm(np.ptp(np.concatenate([flat, targets]), axis=0))) or 1.0
        longest = _slowest(points, field.is_map) * _TIMESCALES if duration is None else duration
        given = tuple(jnp.asarray(a) for a in (targets, radius, longest, extent, rtol))
        solver = diffrax.Tsit5() if solver is None else solver
        at = jnp.asarray(flat), jnp.asarray(u.reshape(len(flat), -1))
        ends = _run(field, *at, given, solver)
        last, arrival, speed = (np.asarray(a) for a in ends)
    gap = np.linalg.norm(last[:, None] - targets, axis=-1) - radius
    there = gap.argmin(1)
    near = np.take_along_axis(gap, there[:, None], 1)[:, 0] <= 0
    far = ~(np.linalg.norm(last - flat.mean(0), axis=1) < _FAR * extent)  # True for NaN
    resting = speed * longest <= 1e-6 * extent * _TIMESCALES
    outcome = np.select([near, far, resting], [0, 3, 1], 2)
    basin = np.where(near, which[there], -1)
    unit = "1" if field.is_map else "ms"
    shape = z.shape[:-1]
    arrived = np.where(near, arrival, np.nan).reshape(shape)
    variables = {
        "basin": (lead, basin.reshape(shape), "1", "equilibrium where it ends"),
        "outcome": (lead, np.array(OUTCOMES)[outcome].reshape(shape), "1", "how it ends"),
        "arrival": (lead, arrived, unit, "time of arrival"),
        "state": ((*lead, names.dim), last.reshape(z.shape), names.units, "last state"),
    }
    variables |= _shares(basin, which)
    about = {"duration": float(longest), "tolerance": tolerance, "rtol": rtol}
    coords = dict(coords) | {"equilibrium": which}
    return labelled(variables, names, coords, type(system).__name__, lead, **about)


def _states(field: Field, names: Names, starts: Any):
    if isinstance(starts, xr.Dataset) and "rate_x" in starts:
        axes = starts["axes"].transpose(names.dim, "component").values
        plane = Plane(axes, starts["centre"].values, ("x", "y"), None)
        grid = plane.states(starts["x"].values, starts["y"].values)
        return grid, {str(n): starts[n].variable for n in ("x", "y")}, ("x", "y")
    return vectors(field, names, starts, "starts")


def _input(points: xr.Dataset, inputs: Any) -> Any:
    """The input given, or the one that all points have."""
    if inputs is not None or "inputs" not in points:
        return inputs
    own = points["inputs"].transpose(..., "input")
    own = own.values.reshape(-1, own.sizes["input"])
    if len(own) and (own != own[0]).any():
        raise ValueError("the points are those of several inputs: select the points of one.")
    return own[0] if len(own) else None


def _targets(field: Field, names: Names, points: xr.Dataset, starts: np.ndarray, tolerance: float):
    """States of the stable points, how close is close to each, and their labels."""
    every = vectors(field, names, points["state"], "points")[0]
    stable = points["stability"].values == "stable"
    if not stable.any():
        raise ValueError(
            "no point is stable, so that there are no basins: see analysis.limit_cycle for cycles."
        )
    targets = every[stable]
    apart = np.linalg.norm(targets[:, None] - every, axis=-1)
    apart[apart <= 0] = np.inf
    room = apart.min(1)
    spread = np.linalg.norm(starts[:, None] - targets, axis=-1).max(0)
    room = np.where(np.isfinite(room), room, np.where(spread > 0, spread, 1.0))
    return targets, tolerance * room, points["equilibrium"].values[stable]


def _slowest(points: xr.Dataset, is_map: bool) -> float:
    """Slowest timescale of all points [ms, or steps]."""
    values = points["eigenvalue_real"].values + 1j * points["eigenvalue_imag"].values
    growth = np.abs(growth_of(values, is_map))
    growth = growth[np.isfinite(growth) & (growth > 1e-9 * np.abs(values).max())]
    return max(1 / growth.min(), 1.0 if is_map else 0.0) if growth.size else 1.0


@eqx.filter_jit
def _run(field, starts, inputs, given, solver):
    targets, radius, longest, extent, rtol = given
    middle = starts.mean(0)

    def over(z):
        near = (jnp.linalg.norm(z[None] - targets, axis=-1) <= radius).any()
        return near | ~(jnp.linalg.norm(z - middle) < _FAR * extent)

    def one(pair):
        z, u = pair
        last, time = (_steps if field.is_map else _solved)(
            field, z, u, over, longest, rtol, rtol * 1e-3 * extent, solver
        )
        return last, time, jnp.linalg.norm(field.rate(last, u))

    return jax.lax.map(one, (starts, inputs), batch_size=256)


def _steps(field, z, u, over, longest, *_) -> tuple[Float[Array, " d"], Float[Array, ""]]:
    def step(carry):
        z, t = carry
        return z + field.rate(z, u), t + 1.0

    return jax.lax.while_loop(
        lambda carry: ~over(carry[0]) & (carry[1] < longest), step, (z, jnp.zeros(()))
    )


def _solved(field, z, u, over, longest, rtol, atol, solver):
    found = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, z, u: field.rate(z, u)),
        solver,
        0.0,
        longest,
        None,
        z,
        u,
        stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
        event=diffrax.Event(lambda t, z, args, **kwargs: over(z)),
        max_steps=_MOST_STEPS,
        throw=False,
    )
    return found.ys[-1], found.ts[-1]


def _shares(basin: np.ndarray, which: np.ndarray) -> dict[str, tuple]:
    n = len(basin)
    k = (basin == which[:, None]).sum(1)
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, scipy.special.betaincinv(np.maximum(k, 1), n - k + 1, 0.025), 0.0)
        high = np.where(k < n, scipy.special.betaincinv(k + 1, np.maximum(n - k, 1), 0.975), 1.0)
    on = ("equilibrium",)
    return {
        "share": (on, k / n, "1", "share of the starts that end there"),
        "share_low": (on, low, "1", "lower end of the 95 % interval of the share"),
        "share_high": (on, high, "1", "upper end of the 95 % interval of the share"),
    }
