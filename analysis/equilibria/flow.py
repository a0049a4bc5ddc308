"""How a system moves on a plane of its state space: flow field and nullclines."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from contourpy import contour_generator
from jaxtyping import Float

from neurodyn.analysis.equilibria.field import field_of
from neurodyn.analysis.equilibria.inputs import constant_inputs
from neurodyn.analysis.equilibria.linear import labelled
from neurodyn.analysis.equilibria.planes import plane_of
from neurodyn.analysis.equilibria.states import names_of
from neurodyn.analysis.shared.results import results
from neurodyn.common.checks import check_whole


def flow_field(
    system: Any,
    inputs: Any = None,
    *,
    plane: Any = None,
    limits: Any = None,
    centre: Any = None,
    n: int = 25,
) -> xr.Dataset:
    r"""Rate of change of a system on a grid: of its whole state, or on a plane through it.

    At the point :math:`z = c + x a + y b` of the plane through the centre c with the axes a and b,
    the rate of change :math:`f(z)` has the parts :math:`a \cdot f` and :math:`b \cdot f` in the
    plane. Of a map, the rate is the difference that a step makes. Noise is left out.

    Parameters
    ----------
    system
        A map, or a flow without spikes, memory or dependence on time.
    inputs
        Constant input ``(input,)``, or several ``(set, input)`` for a field each; of a labelled
        array the second dim, such as ``condition``, becomes one of the result. Default 0.
    plane
        A Dataset: the first two principal axes of a run (with the variables that record the
        state) or of fixed points, or those of :func:`pca`. Two entries of the state by their
        labels, such as ``(0, 3)`` or ``("v", "w")``. Or two axes ``(2, d)``, which are brought to
        length 1 and to right angles, the first one in place. Default: both entries of a state of
        two, because that is all there is.
    limits
        Range of each axis, ``((low, high), (low, high))``, measured from the centre. Default: that
        of the states of `plane`, and a fifth more on each side.
    centre
        State through which the plane goes: it holds the coordinates off the plane. Default: the
        mean of the states of `plane`, and 0 for entries and axes.
    n
        Points along each axis, 25 by default, because arrows that are closer overlap.

    Returns
    -------
    Dataset on ``x`` and ``y`` (before these the dim of several inputs):

    ``rate_x``, ``rate_y`` (x, y)
        Rate of change along the axes [units of the state per ms, or per step].
    ``speed`` (x, y)
        Length of the whole rate of change.
    ``leaving`` (x, y)
        Share of that length at right angles to the plane, from 0 (the flow stays in the plane) to
        1 (it leaves straight). Where it is large, arrows and nullclines tell little.
    ``axes`` (unit, component), ``centre`` (unit)
        The axes and the centre, on the dim of the state.

    Raises
    ------
    TypeError
        For spiking systems and things that are no system.
    ValueError, LabelError
        If the plane, its limits or the inputs do not fit the system.

    References
    ----------
    Strogatz, "Nonlinear Dynamics and Chaos", 1994, chapter 6.

    Examples
    --------
    >>> from neurodyn import analysis, models
    >>> neuron = models.reference.FitzHughNagumo(I=0.5)
    >>> field = analysis.flow_field(neuron, limits=((-2.5, 2.5), (-1, 2)), n=3)
    >>> field["rate_x"].sel(x=0.0).values  # v' = v - v**3 / 3 - w + I
    array([ 1.5,  0. , -1.5])
    """
    check_whole(2, n=n)
    with jax.enable_x64(True):
        field = field_of(system, "flow field")
        names = names_of(field)
        sets, dim, coords = constant_inputs(field, inputs)
        found = plane_of(field, names, plane, centre)
        (x_low, x_high), (y_low, y_high) = _limits(found.limits if limits is None else limits)
        x, y = np.linspace(x_low, x_high, n), np.linspace(y_low, y_high, n)
        z = found.states(x, y).reshape(-1, field.size)
        rate = np.asarray(_rates(field, jnp.asarray(z), jnp.asarray(sets)))
    rate = rate.reshape(len(sets), n, n, -1)
    inside = rate @ found.axes
    speed = np.linalg.norm(rate, axis=-1)
    off = np.linalg.norm(rate - inside @ found.axes.T, axis=-1)
    lead = () if dim is None else (dim,)
    dims, per = (*lead, "x", "y"), names.units if field.is_map else f"{names.units}/ms"

    def shaped(a):
        return a[0] if dim is None else a

    share = off / np.where(speed > 0, speed, 1.0)
    variables = {
        "rate_x": (dims, shaped(inside[..., 0]), per, f"rate of change of {found.names[0]}"),
        "rate_y": (dims, shaped(inside[..., 1]), per, f"rate of change of {found.names[1]}"),
        "speed": (dims, shaped(speed), per, "speed"),
        "leaving": (dims, shaped(share), "1", "share of the speed that leaves the plane"),
        "axes": ((names.dim, "component"), found.axes, "1", "axes of the plane"),
        "centre": ((names.dim,), found.centre, names.units, "centre of the plane"),
    }
    if field.system.n_inputs:
        variables["inputs"] = ((*lead, "input"), shaped(sets), "1", "constant input")
    grid = {
        "x": ("x", x, names.units, found.names[0]),
        "y": ("y", y, names.units, found.names[1]),
    }
    return labelled(variables, names, coords | grid, type(system).__name__, (*lead, "x", "y"))


@eqx.filter_jit
def _rates(field, states, inputs):
    def of_input(u):
        return jax.lax.map(lambda z: field.rate(z, u), states, batch_size=1024)

    return jax.vmap(of_input)(inputs)


def _limits(limits: Any) -> Float[np.ndarray, "2 2"]:
    if limits is None:
        raise ValueError(
            "give the `limits` of the plane, ((low, high), (low, high)), because two axes or "
            "entries do not tell where states lie."
        )
    array = np.asarray(limits, np.float64)
    if array.shape != (2, 2) or not np.isfinite(array).all() or (array[:, 0] >= array[:, 1]).any():
        raise ValueError(f"limits must be ((low, high), (low, high)), got {limits!r}.")
    return array


def nullclines(field: xr.Dataset) -> xr.Dataset:
    """Lines on which one of the two rates of a flow field is zero.

    Fixed points of a system of two dimensions lie where the lines cross. On a plane
    through a larger system the rates along the plane are zero there, and states may still leave it.

    Parameters
    ----------
    field
        Dataset of :func:`flow_field` with one input; a finer grid (``n=200``) gives lines that are
        accurate to a small part of the distance of its points.

    Returns
    -------
    Dataset on ``vertex``: ``x`` and ``y``, the corners of the lines in order, with coordinates
    ``line`` (number of the line) and ``axis`` ("x" or "y", the rate that is zero).

    Raises
    ------
    ValueError
        If the field has other dims than x and y.

    Examples
    --------
    >>> from neurodyn import analysis, models
    >>> neuron = models.reference.FitzHughNagumo(I=0.5)
    >>> field = analysis.flow_field(neuron, limits=((-2.5, 2.5), (-1, 2)), n=100)
    >>> lines = analysis.nullclines(field)
    >>> of_w = lines.isel(vertex=lines["axis"].values == "y")  # w = (v + a) / b, a line
    >>> bool(abs(of_w["y"] - (of_w["x"] + 0.7) / 0.8).max() < 1e-6)
    True
    """
    rates = {axis: field[f"rate_{axis}"] for axis in ("x", "y")}
    if set(rates["x"].dims) != {"x", "y"}:
        raise ValueError(
            f"nullclines are those of one field (x, y), got {rates['x'].dims}: select one input."
        )
    rates = {name: rate.sortby(["x", "y"]) for name, rate in rates.items()}
    x, y = rates["x"]["x"].values, rates["x"]["y"].values
    corners, line, axis = [np.empty((0, 2))], [], []
    for name, rate in rates.items():
        for found in contour_generator(x, y, rate.transpose("y", "x").values).lines(0.0):
            corners.append(np.asarray(found, np.float64))
            line += [len(corners) - 2] * len(found)
            axis += [name] * len(found)
    places = np.concatenate(corners)
    units = field["x"].attrs.get("units", "1")
    return results(
        {
            "x": ("vertex", places[:, 0], units, field["x"].attrs.get("long_name", "x")),
            "y": ("vertex", places[:, 1], units, field["y"].attrs.get("long_name", "y")),
        },
        {
            "line": ("vertex", np.array(line, np.int64), "1", "number of the line"),
            "axis": ("vertex", np.array(axis, "<U1"), "1", "axis whose rate is zero"),
        },
        kind=None,
        values=False,
        dims=["vertex"],
    )
