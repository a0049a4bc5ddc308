"""Fixed and slow points of any map or flow."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.dynamics.pieces import PiecewiseLinear
from neurodyn.analysis.dynamics.piecewise_linear import exact_fixed_points
from neurodyn.analysis.equilibria.field import Field, field_of
from neurodyn.analysis.equilibria.inputs import constant_inputs, input_names
from neurodyn.analysis.equilibria.linear import derivatives, labelled, variables_of
from neurodyn.analysis.equilibria.search import distinct, polished, search
from neurodyn.analysis.equilibria.states import Names, names_of, vectors
from neurodyn.analysis.shared.draws import generator as generator_of
from neurodyn.common.checks import check_whole
from neurodyn.common.progress import bar


def fixed_points(
    system: Any,
    inputs: Any = None,
    *,
    starts: Any = None,
    n_starts: int | None = None,
    jitter: float = 0.5,
    tolerance: float = 1e-10,
    slow: float | None = None,
    apart: float = 1e-3,
    outlier: float = 10.0,
    max_steps: int = 400,
    dt: float | None = None,
    key: Any = 0,
    progress: bool | None = None,
    **exact: Any,
) -> xr.Dataset:
    r"""Fixed points of a map or a flow, and slow points if asked for, with their linear dynamics.

    From many starts the squared speed is lowered by damped least squares (Levenberg-Marquardt) in
    double precision, until a search stands still or the speed has a minimum above 0. Points that
    lie close together are one. So saddles and unstable points are found as well as stable ones; a
    search does not prove that there are no others. Piecewise-linear maps without inputs (the PLRNN
    family) are solved exactly instead, unless `starts` are given.

    Parameters
    ----------
    system
        A map, or a flow without spikes. Noise is left out: points are those of the drift.
    inputs
        Constant input ``(input,)``; or several ``(set, input)``, each with points of its own. A
        DataArray's second dim, such as ``condition``, gives its labels to the points, and names of
        its inputs stay. Default 0.
    starts
        States to start from: a run with the variables that record the state (best: of the task that
        the network was trained on), a DataArray or array of states, or a `State` with leading axes.
        Default: `n_starts` states drawn from a standard normal distribution.
    n_starts
        Number of searches for each input, 1024 by default. States are drawn from `starts`, each at
        most once where there are enough. Of the exact solution's heuristic: starts in a round.
    jitter
        Standard deviation of the noise added to `starts`, relative to that of each entry of the
        state. Saddles lie between the states that a network visits, so that it helps.
    tolerance
        Speed of a fixed point, relative to the scale of the state (the root mean square distance of
        the starts from their mean) [1/ms, or per step for maps].
    slow
        Speed, likewise, up to which minima of the speed are kept as slow points. Default: none.
    apart
        Distance, relative to the same scale, up to which points with the same input are one.
    outlier
        Points further from the mean of the starts than this many scales are left out, and counted
        in the attribute `n_outliers`, because no trajectory comes there.
    max_steps
        Steps of a search, at most.
    dt
        Step of a map [ms], so that speeds and timescales are in ms. Without it they are in steps.
    key
        Seed or key of starts and jitter.
    progress
        Whether to show a bar; None: if it takes longer than 2 s.
    **exact
        ``method``, ``virtual``, ``states`` and the other options of :func:`cycles`, for the exact
        solution of piecewise-linear maps.

    Returns
    -------
    Dataset on ``equilibrium``, for each input fixed points before slow ones, and the most stable
    first: by the number of growing directions, then by the largest growth rate, the lowest first.
    It has all variables of :func:`linearise`, and

    ``state`` (equilibrium, unit), ``inputs`` (equilibrium, input)
        The points and their inputs; the dim of the state is as in :func:`linearise`.
    ``speed`` (equilibrium)
        Length of the rate of change there [units of the state per ms, or per step].
    ``kind`` (equilibrium)
        "fixed" or "slow".
    ``stability``, ``n_unstable`` (equilibrium)
        "stable", "saddle", "unstable" (all directions grow), or "neutral" (one does neither to
        1e-9, so that linear theory does not tell); and the number of growing directions (index).
    ``n_starts`` (equilibrium)
        Searches that ended there.

    ``equilibrium`` has size 0 where there are none. The attributes ``n_searches``, ``n_outliers``,
    ``n_moving`` (searches that ended nowhere), ``scale`` and ``tolerance`` tell of the search. Of
    the exact solution see :func:`cycles`.

    Raises
    ------
    TypeError
        For spiking systems, systems with other memory (delays, plastic weights), and things that
        are no system.
    ValueError, LabelError
        If inputs vary in time, or inputs, starts or options do not fit the system.

    References
    ----------
    Sussillo & Barak, "Opening the black box", Neural Comput. 2013. Golub & Sussillo,
    FixedPointFinder, J. Open Source Softw. 2018. Moré, "The Levenberg-Marquardt algorithm", 1978.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> W = 2 * np.eye(1, dtype="float32")
    >>> model = models.CTRNN(1, 1, 1, W=W, form="current", key=0)  # x' = -x + 2 tanh(x)
    >>> points = analysis.fixed_points(model, n_starts=64)
    >>> abs(points["state"].values.ravel()).round(4), points["stability"].values
    (array([1.915, 1.915, 0.   ]), array(['stable', 'stable', 'unstable'], dtype='<U8'))
    """
    if isinstance(system, PiecewiseLinear) and starts is None and inputs is None:
        rounds = {} if n_starts is None else {"starts": n_starts}
        return exact_fixed_points(system, key=key, **rounds, **exact)
    if exact:
        raise TypeError(
            f"{', '.join(exact)}: of the exact solution, for piecewise-linear maps without inputs "
            f"and starts, and not of a search; {type(system).__name__} is searched."
        )
    n_starts = 1024 if n_starts is None else n_starts
    check_whole(1, n_starts=n_starts, max_steps=max_steps)
    for name, value in (("tolerance", tolerance), ("outlier", outlier), ("dt", dt)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value}.")
    for name, value in (("jitter", jitter), ("apart", apart), ("slow", slow or 0.0)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a number of at least 0, got {value}.")
    with jax.enable_x64(True):
        field = field_of(system, "fixed points")
        names = names_of(field)
        sets, dim, coords = constant_inputs(field, inputs)
        z, scale, centre = _starts(field, names, starts, n_starts, jitter, key)
        which = np.repeat(np.arange(len(sets)), len(z))
        z, u = np.tile(z, (len(sets), 1)), sets[which]
        with bar("searching fixed points", len(z), show=progress) as advance:
            found = search(
                field, z, u, tolerance=tolerance * scale, max_steps=max_steps, progress=advance
            )
        step = scale * (1.0 if dt is None or not field.is_map else dt)
        near = np.linalg.norm(found.states - centre, axis=1) <= outlier * scale
        still = found.speed <= max(tolerance, slow or 0.0) * step
        kept = np.flatnonzero(still & near)
        kept = kept[np.argsort(found.speed[kept], kind="stable")]
        first, place = distinct(found.states[kept], which[kept], apart * scale)
        # Of none, one is labelled and left out again, so that an empty result has all variables.
        chosen = kept[first] if len(kept) else np.zeros(1, np.int64)
        states, u = jnp.asarray(found.states[chosen]), jnp.asarray(u[chosen])
        states = polished(field, states, u)
        linear = jax.tree.map(np.asarray, derivatives(field, states, u))
    about: dict[str, Any] = {
        "n_searches": len(z),
        "n_outliers": int((still & ~near).sum()),
        "n_moving": int((~still).sum()),
        "scale": scale,
        "tolerance": tolerance,
    }
    speed = np.linalg.norm(linear.rate, axis=1) / (step / scale)
    variables = variables_of(field, names, ("equilibrium",), linear, dt) | {
        "state": (("equilibrium", names.dim), np.asarray(states), names.units, "state"),
        "rate": (("equilibrium", names.dim), linear.rate, "1", "rate of change"),
        "speed": ("equilibrium", speed, "1", "speed"),
        "n_starts": (
            "equilibrium",
            np.bincount(place, minlength=len(chosen)),
            "1",
            "searches that ended there",
        ),
    }
    kind = np.where(speed <= tolerance * scale, "fixed", "slow")
    variables["kind"] = ("equilibrium", kind, "1", "kind of point")
    if field.system.n_inputs:
        variables["inputs"] = (("equilibrium", "input"), np.asarray(u), "1", "constant input")
    points: dict[str, Any] = {
        n: ("equilibrium", c.values[which[chosen]], *_about(c)) for n, c in coords.items()
    }
    if dim is not None and dim not in points:
        points[dim] = ("equilibrium", which[chosen], "1", "number of the input")
    points |= input_names(inputs)
    result = labelled(variables, names, points, type(system).__name__, **about)
    order = np.lexsort(
        [result["growth_rate"].values[:, 0], result["n_unstable"].values, kind != "fixed"]
    )
    if dim is not None:
        order = order[np.argsort(which[chosen][order], kind="stable")]
    order = order[: len(first)]
    return result.isel(equilibrium=order).assign_coords(equilibrium=np.arange(len(order)))


def _about(c: xr.Variable) -> tuple[str, str]:
    return c.attrs.get("units", "1"), c.attrs.get("long_name", "label of the input")


def _starts(
    field: Field, names: Names, starts: Any, n: int, jitter: float, key: Any
) -> tuple[Float[np.ndarray, "start d"], float, Float[np.ndarray, " d"]]:
    """States to start from, their scale and their mean."""
    generator = generator_of(key, needed_for="fixed_points")
    if starts is None:
        return generator.standard_normal((n, field.size)), np.sqrt(field.size), np.zeros(field.size)
    array, _, _ = vectors(field, names, starts, "starts")
    flat = array.reshape(-1, array.shape[-1])
    flat = flat[np.isfinite(flat).all(-1)]
    if not len(flat):
        raise ValueError("starts hold no finite state.")
    centre = flat.mean(0)
    scale = float(np.sqrt(((flat - centre) ** 2).sum(-1).mean())) or float(
        np.linalg.norm(centre) or 1.0
    )
    rows = generator.permutation(len(flat))
    rows = np.concatenate([rows] * (n // len(flat) + 1))[:n]
    noise = generator.standard_normal((n, flat.shape[1]))
    spread = flat.std(0) if len(flat) > 1 else np.full(flat.shape[1], scale)
    return flat[rows] + jitter * spread * noise, scale, centre
