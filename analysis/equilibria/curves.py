"""Curves of fixed points by pseudo-arclength continuation, and the special points on them.

Points are vectors of the scaled state and, last, the scaled parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float

from neurodyn.analysis.equilibria.families import Family

#: Steps of Newton's method at most, and the last step's size at which it has converged.
_NEWTON, _CONVERGED = 12, 1e-11
#: Smallest cosine of the angle between the directions of two points that follow each other.
_STRAIGHT = 0.95
#: Smallest step, relative to the largest.
_SMALLEST = 1e-5
_HALVINGS = 44

Vector = Float[np.ndarray, " d_and_1"]


class Point(NamedTuple):
    """A point of a curve.

    Attributes
    ----------
    at, along
        The point, and the direction of the curve there, of length 1.
    values
        Eigenvalues of the Jacobian of a flow, or of the step of a map.
    tests
        Numbers whose sign changes at special points, by their kind.
    """

    at: Vector
    along: Vector
    values: Complex[np.ndarray, " d"]
    tests: dict[str, float]


class Root(NamedTuple):
    """A zero of the rate, and the derivatives of the rate there."""

    at: Vector
    slopes: Float[np.ndarray, "d d_and_1"]


def corrected(family: Family, guess: Vector, normal: Vector) -> Root | None:
    """The point of the curve in the plane through a guess, by Newton's method; None if none."""
    point, size, slopes = _corrected(family, guess, normal)
    return Root(np.asarray(point), np.asarray(slopes)) if float(size) <= _CONVERGED else None


def root_at(family: Family, at: Vector) -> Root:
    """A point that is known to be a zero."""
    return Root(at, np.asarray(_slopes(family, at)))


@eqx.filter_jit
def _corrected(family, guess, normal):
    def step(carry):
        x, _, k = carry
        J = jnp.concatenate([jax.jacfwd(family.rate)(x), normal[None]])
        off = jnp.append(family.rate(x), normal @ (x - guess))
        move = jnp.linalg.solve(J, off)
        return x - move, jnp.linalg.norm(move) / (1 + jnp.linalg.norm(x)), k + 1

    def more(carry):
        _, size, k = carry
        return (size > _CONVERGED) & (k < _NEWTON)

    x, size, _ = jax.lax.while_loop(more, step, (guess, jnp.inf, 0))
    return x, size, jax.jacfwd(family.rate)(x)


@eqx.filter_jit
def _slopes(family, x):
    return jax.jacfwd(family.rate)(x)


@eqx.filter_jit
def _bend(family, x, a, b):
    """Second derivative along two directions."""

    def first(y):
        return jax.jvp(family.rate, (y,), (a,))[1]

    return jax.jvp(first, (x,), (b,))[1]


def described(family: Family, root: Root, before: Vector) -> Point:
    """A point of a curve, its direction within a right angle of that before."""
    at, J = root
    d = len(at) - 1
    bordered = np.vstack([J, before])
    try:
        along = np.linalg.solve(bordered, np.append(np.zeros(d), 1.0))
    except np.linalg.LinAlgError:
        along = before
    along = along / np.linalg.norm(along)
    own = J[:, :d] / float(family.scales[0])
    values = np.linalg.eigvals(own + np.eye(d) if family.field.is_map else own)
    tests = {"fold": along[-1], "branch": np.linalg.slogdet(np.vstack([J, along]))[0]}
    pairs = _pairs(values.astype(np.complex128))
    if family.field.is_map:
        real = values[values.imag == 0].real
        tests["flip"] = np.prod(np.sign(real + 1)) if real.size else 1.0
        tests["Neimark-Sacker"] = _parity(pairs[0] * pairs[1] - 1)
    else:
        tests["Hopf"] = _parity(pairs[0] + pairs[1])
    return Point(at, along, values.astype(np.complex128), tests)


def _pairs(values: Complex[np.ndarray, " d"]):
    i, j = np.triu_indices(len(values), 1)
    return values[i], values[j]


def _parity(z: Complex[np.ndarray, " pair"]) -> float:
    """Sign of a product of numbers that are real or come in conjugate pairs."""
    real = z[np.abs(z.imag) <= 1e-12 * (1 + np.abs(z))].real
    return -1.0 if (real < 0).sum() % 2 else 1.0


def followed(
    family: Family,
    start: Root,
    along: Vector,
    inside: Callable[[Vector], bool],
    largest: float,
    n_points: int,
) -> list[Point]:
    """Points of a curve from a start in a direction, the start first, until it leaves or closes."""
    points = [described(family, start, along)]
    if points[0].along @ along < 0.5:  # a start at a branch point has no direction of its own
        points[0] = points[0]._replace(along=along)
    step = 0.1 * largest
    while len(points) < n_points:
        last = points[-1]
        root = corrected(family, last.at + step * last.along, last.along)
        new = None if root is None else described(family, root, last.along)
        if new is None or not _close(last, new, step):
            step /= 2
            if step < _SMALLEST * largest:
                break
            continue
        if len(points) > 4 and on_segment(family, start.at, last.at, new.at):
            points.append(points[0])
            break
        points.append(new)
        if not inside(new.at):
            break
        step = min(1.3 * step, largest)
    return points


def _close(last: Point, new: Point, step: float) -> bool:
    """Whether a new point is the next one of the same curve."""
    near = np.linalg.norm(new.at - last.at) <= 2 * step
    return bool(near and new.along @ last.along >= _STRAIGHT)


def on_segment(family: Family, at: Vector, first: Vector, second: Vector) -> bool:
    """Whether a point lies on the piece of curve between two of its points."""
    chord = second - first
    length = np.linalg.norm(chord)
    if not length:
        return bool(np.linalg.norm(at - first) < 1e-9)
    share = (at - first) @ chord / length**2
    if not -1e-9 <= share <= 1 + 1e-9:
        return False
    guess = first + share * chord
    if np.linalg.norm(guess - at) > 0.5 * length:
        return False
    found = corrected(family, guess, chord / length)
    return found is not None and bool(np.linalg.norm(found.at - at) < 1e-6)


def special(family: Family, first: Point, second: Point) -> list[tuple[str, Point]]:
    """Special points between two points of a curve, in order."""
    changed = [k for k in first.tests if first.tests[k] * second.tests[k] < 0]
    found = []
    for kind in changed:
        share, point = _located(family, first, second, lambda p, k=kind: p.tests[k])
        if kind == "Hopf" and not _turns(point.values.real, point.values):
            continue  # two real eigenvalues of opposite sign: a neutral saddle
        if kind == "Neimark-Sacker" and not _turns(np.abs(point.values) - 1, point.values):
            continue
        found.append((share, kind, point))
    if not found and _growing(family, first) != _growing(family, second):
        # Several eigenvalues cross at once, as in systems of equal parts.
        n = _growing(family, first)
        test = lambda p: 1.0 if _growing(family, p) == n else -1.0  # noqa: E731
        found.append((0.0, "multiple", _located(family, first, second, test)[1]))
    return [(kind, point) for _, kind, point in sorted(found, key=lambda f: f[0])]


def _growing(family: Family, point: Point) -> int:
    size = np.abs(point.values) - 1 if family.field.is_map else point.values.real
    return int((size > 0).sum())


def _turns(size: Float[np.ndarray, " d"], values: Complex[np.ndarray, " d"]) -> bool:
    """Whether the pair of eigenvalues that crosses is complex."""
    crossing = values[np.abs(size).argmin()]
    return bool(abs(crossing.imag) > 1e-6 * max(np.abs(values).max(), 1e-300))


def _located(family: Family, first: Point, second: Point, test: Callable[[Point], float]):
    """Where a test changes its sign between two points, by bisection."""
    low, high, sign = 0.0, 1.0, np.sign(test(first))
    chord = second.at - first.at
    normal = chord / np.linalg.norm(chord)
    best = second
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        root = corrected(family, first.at + middle * chord, normal)
        if root is None:  # close to a branch point, where Newton's method has no unique direction
            break
        best = described(family, root, normal)
        if np.sign(test(best)) == sign:
            low = middle
        else:
            high = middle
    return (low + high) / 2, best


def directions(family: Family, at: Vector, along: Vector) -> tuple[str, Vector | None]:
    """Kind of a branch point, and the direction of the other curve through it.

    The two directions solve the quadratic equation that the second derivatives of the rate give on
    the plane in which its first ones vanish.
    """
    J = np.asarray(_slopes(family, at))
    left, sizes, right = np.linalg.svd(J)
    floor = 1e-4 * max(sizes[0], 1.0 / float(family.scales[0]))
    if len(sizes) > 1 and sizes[-2] < floor:
        return "multiple", None
    plane = right[-2:]
    first = plane.T @ (plane @ along)
    first /= np.linalg.norm(first)
    second = plane[0] - (plane[0] @ first) * first
    if np.linalg.norm(second) < 0.5:
        second = plane[1] - (plane[1] @ first) * first
    second /= np.linalg.norm(second)
    weight = left[:, -1]
    mixed = weight @ np.asarray(_bend(family, at, first, second))
    own = weight @ np.asarray(_bend(family, at, second, second))
    size = max(abs(mixed), abs(own))
    other = second if size < 1e-9 else 2 * mixed * second - own * first
    other /= np.linalg.norm(other)
    straight = min(abs(other[-1]), abs(along[-1])) < 1e-3
    return "pitchfork" if straight else "transcritical", other
