"""Branches of fixed points over a parameter, with their bifurcations."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.curves import (
    Point,
    Root,
    corrected,
    described,
    directions,
    followed,
    on_segment,
    root_at,
    special,
)
from neurodyn.analysis.equilibria.families import Family, Where, start_of
from neurodyn.analysis.equilibria.field import Field, field_of
from neurodyn.analysis.equilibria.inputs import constant_inputs
from neurodyn.analysis.equilibria.linear import labelled
from neurodyn.analysis.equilibria.modes import fastest_first, stability_of
from neurodyn.analysis.equilibria.states import Names, names_of, vectors
from neurodyn.common.checks import check_whole

#: Size of states, in that of the starts, at which a branch ends.
_FAR = 100.0


class _Row(NamedTuple):
    point: Point
    kind: str
    branch: int


def continuation(
    system: Any,
    parameter: Where,
    points: Any,
    span: tuple[float, float],
    inputs: Any = None,
    *,
    step: float = 0.04,
    switch: bool = True,
    n_points: int = 2000,
    n_branches: int = 50,
) -> xr.Dataset:
    r"""Follow fixed points of a map or a flow over a parameter, through folds and onto branches.

    Pseudo-arclength continuation: from a point of a branch one step along its direction, then back
    onto the branch by Newton's method in the plane at right angles. So branches are followed where
    they turn back. Between two points, sign changes of test functions tell of bifurcations, which
    are then located by bisection. All is in double precision; noise is left out.

    Parameters
    ----------
    system
        A map, or a flow without spikes, memory or dependence on time.
    parameter
        Name of an array of the system, or a function that returns it, as for
        ``equinox.tree_at``; or the number of an input. Of an array with one entry it is the value;
        of a larger one a factor of all entries (1: as they are), such as the gain of weights.
    points
        Where branches start, at the parameter that the system has: fixed points of
        :func:`fixed_points`, or states close to such points ``(d,)`` or ``(point, d)``.
    span
        Lowest and highest value of the parameter; that of the system lies between them.
    inputs
        Constant input ``(input,)``. Default: that of the points if there is one, else 0.
    step
        Largest step along a branch, relative to the span of the parameter and to the size of the
        states (the root mean square of the starts' entries, at least 1, times the square root of
        their number). Steps are smaller where branches bend. Two bifurcations of a kind that lie
        within one step may be missed. A branch ends at 100 sizes of the states.
    switch
        Whether to follow the other branch through each branch point, too.
    n_points, n_branches
        Points of half a branch, and branches, at most.

    Returns
    -------
    Dataset on ``equilibrium``, the points of each branch in order:

    ``parameter``, ``branch`` (equilibrium)
        Coordinates: value of the parameter, and number of the branch.
    ``state`` (equilibrium, unit), ``eigenvalue_real``, ``eigenvalue_imag`` (equilibrium, component)
        The points, and eigenvalues of the Jacobian [1/ms], of a map of its step.
    ``stability``, ``n_unstable`` (equilibrium)
        As in :func:`fixed_points`; "neutral" at bifurcations.
    ``kind`` (equilibrium)
        "regular"; "fold"; "Hopf", of maps "Neimark-Sacker" (a pair of complex eigenvalues crosses)
        and "flip" (period doubling); "transcritical" and "pitchfork", where two branches cross;
        and "multiple", where several eigenvalues cross at once and branches are not followed.

    The attribute ``n_left_out`` counts branches beyond `n_branches`.

    Raises
    ------
    TypeError
        For spiking systems, things that are no system, and parameters that are no numbers.
    ValueError, LabelError
        If there is no such parameter, starts lead to no fixed point, or options are out of range.

    References
    ----------
    Keller, in "Applications of Bifurcation Theory", 1977. Kuznetsov, "Elements of Applied
    Bifurcation Theory", 2004, chapter 10. Allgower & Georg, "Numerical Continuation Methods", 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, models
    >>> lorenz = models.reference.Lorenz63(rho=0.5)
    >>> branches = analysis.continuation(lorenz, "rho", np.zeros(3), (0.0, 30.0))
    >>> bends = branches.isel(equilibrium=np.flatnonzero(branches["kind"] != "regular"))
    >>> for kind, rho in zip(bends["kind"].values[:2], bends["parameter"].values[:2]):
    ...     print(kind, rho.round(4))
    pitchfork 1.0
    Hopf 24.7368
    """
    low, high = _span(span)
    check_whole(10, n_points=n_points)
    check_whole(1, n_branches=n_branches)
    if not 0 < step <= 0.5:
        raise ValueError(f"step must be above 0 and at most 0.5, got {step}.")
    with jax.enable_x64(True):
        field = field_of(system, "branches of fixed points")
        names = names_of(field)
        u, where = _input(field, points, inputs), parameter
        now, name = start_of(field, where, u)
        if not low <= now <= high:
            raise ValueError(f"{name} is {now:g} in the system, outside of the span {low, high}.")
        z = vectors(field, names, points, "points")[0].reshape(-1, field.size)
        if not len(z) or not np.isfinite(z).all():
            raise ValueError("`points` must hold finite states, at least one.")
        size = max(1.0, float(np.sqrt((z**2).mean()))) * np.sqrt(field.size)
        scales = np.array([size, high - low])
        family = Family(field, jnp.asarray(u), scales, where)
        starts = [np.append(row / size, now / (high - low)) for row in z]
        ends = low / (high - low), high / (high - low)
        with np.errstate(over="ignore", invalid="ignore"):  # far away, where branches end
            rows, left = _branches(family, starts, ends, step, switch, n_points, n_branches)
    return _label(rows, left, field, names, scales, name)


def _span(span: Any) -> tuple[float, float]:
    array = np.asarray(span, np.float64)
    if array.shape != (2,) or not np.isfinite(array).all() or array[0] >= array[1]:
        raise ValueError(f"span must be (low, high) of the parameter, got {span!r}.")
    return float(array[0]), float(array[1])


def _input(field: Field, points: Any, inputs: Any) -> Float[np.ndarray, " input"]:
    if inputs is None and isinstance(points, xr.Dataset) and "inputs" in points:
        inputs = points["inputs"].drop_vars("equilibrium", errors="ignore")
    sets = constant_inputs(field, inputs)[0]
    if (sets != sets[:1]).any():
        raise ValueError("branches have one constant input: select the points of one.")
    return sets[0]


def _branches(family, starts, ends, step, switch, n_points, n_branches):
    """All branches through the starts, and those that cross them."""
    upwards = np.zeros(len(starts[0]))
    upwards[-1] = 1.0
    todo = [(_start(family, start, upwards), None) for start in starts]
    rows: list[list[_Row]] = []
    crossed: list[np.ndarray] = []
    left = 0
    while todo:
        at, along = todo.pop(0)
        known = along is not None
        direction = along if known else described(family, at, upwards).along
        if not known and _on(family, rows, at.at):
            continue
        if len(rows) >= n_branches:
            left += 1
            continue
        halves = []
        for sign in (-1.0, 1.0):
            if halves and len(halves[0]) > 1 and halves[0][-1].point is halves[0][0].point:
                halves.append([])  # a closed curve
                continue
            seen = _half(family, at, sign * direction, ends, step, n_points, len(rows), known)
            again = known and len(seen) > 2 and _on(family, rows, seen[2].point.at)
            halves.append([] if again else seen)
        if known and not any(halves):
            continue
        branch = halves[0][:0:-1] + (halves[1] or halves[0][:1])
        rows.append(_settled(family, branch, crossed, todo, switch))
    return rows, left


def _start(family: Family, guess: np.ndarray, upwards: np.ndarray) -> Root:
    at = corrected(family, guess, upwards)
    if at is None:
        raise ValueError(
            "a start leads to no fixed point, or to one at a bifurcation: start from points of "
            "analysis.fixed_points, at another value of the parameter."
        )
    return at


def _half(family, at, along, ends, step, n_points, branch, crossing) -> list[_Row]:
    """One side of a branch, its special points in their places, cut at the ends of the span.

    Where it starts at a branch point (`crossing`), tests have no sign there.
    """
    low, high = ends

    def inside(x):
        return low <= x[-1] <= high and bool(np.linalg.norm(x[:-1]) < _FAR)

    found = followed(family, at, along, inside, step, n_points)
    rows = [_Row(found[0], "regular", branch)]
    for first, second in itertools.pairwise(found):
        if not low <= second.at[-1] <= high:
            second = _cut(family, first, second, low if second.at[-1] < low else high)
        if not (crossing and first is found[0]):
            rows += [_Row(point, kind, branch) for kind, point in special(family, first, second)]
        rows.append(_Row(second, "regular", branch))
    return rows


def _cut(family: Family, first: Point, second: Point, end: float) -> Point:
    """The point of a branch at an end of the span."""
    share = (end - first.at[-1]) / (second.at[-1] - first.at[-1])
    guess = first.at + share * (second.at - first.at)
    guess[-1] = end
    normal = np.zeros(len(guess))
    normal[-1] = 1.0
    at = corrected(family, guess, normal)
    return second if at is None else described(family, at, first.along)


def _on(family: Family, rows: list[list[_Row]], at: np.ndarray) -> bool:
    """Whether a point lies on a branch that is known."""
    for branch in rows:
        places = np.stack([row.point.at for row in branch])
        length = np.linalg.norm(np.diff(places, axis=0), axis=1)
        near = np.linalg.norm(places - at, axis=1)
        for i in np.flatnonzero(np.minimum(near[:-1], near[1:]) <= length + 1e-9):
            if on_segment(family, at, places[i], places[i + 1]):
                return True
    return False


def _settled(family, branch, crossed, todo, switch) -> list[_Row]:
    """A branch whose branch points have their kinds; what crosses there is to be followed."""
    rows = []
    for row in branch:
        kind = row.kind
        if kind == "branch":
            kind, other = directions(family, row.point.at, row.point.along)
            new = all(np.linalg.norm(row.point.at - at) > 1e-5 for at in crossed)
            if new and other is not None:
                crossed.append(row.point.at)
                if switch:
                    todo.append((root_at(family, row.point.at), other))
        rows.append(row._replace(kind=kind))
    return rows


def _label(
    rows: list[list[_Row]], left: int, field: Field, names: Names, scales: np.ndarray, name: str
) -> xr.Dataset:
    every = [row for branch in rows for row in branch]
    at = np.stack([row.point.at for row in every])
    values = np.stack([row.point.values for row in every])
    values = np.take_along_axis(values, fastest_first(values, field.is_map), -1)
    kind = np.array([row.kind for row in every])
    words, index = stability_of(values, field.is_map)
    words = np.where(kind == "regular", words, "neutral")
    of_step = "1" if field.is_map else "1/ms"
    on = ("equilibrium",)
    variables = {
        "state": ((*on, names.dim), at[:, :-1] * scales[0], names.units, "state"),
        "eigenvalue_real": ((*on, "component"), values.real, of_step, "eigenvalue, real part"),
        "eigenvalue_imag": ((*on, "component"), values.imag, of_step, "eigenvalue, imaginary part"),
        "stability": (on, words, "1", "linear stability"),
        "n_unstable": (on, index, "1", "number of growing directions"),
        "kind": (on, kind, "1", "kind of point"),
    }
    coords = {
        "parameter": (*on, at[:, -1] * scales[1], "1", name),
        "branch": (*on, np.array([row.branch for row in every]), "1", "branch"),
    }
    return labelled(variables, names, coords, type(field.system).__name__, n_left_out=left)
