"""The orthogonal matrix that brings one operator closest to another, by a monotone ascent."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, PRNGKeyArray

Matrix = Float[Array, "r r"]
Matrices = Float[Array, "start r r"]
#: Steps of all starts, starts that go on, and their steps at most.
_FIRST, _KEPT, _MOST = 150, 4, 5000


def best_rotation(key: PRNGKeyArray, a: Matrix, b: Matrix, n_starts: int) -> Matrix:
    """The orthogonal C with the largest ``<a, C b C'>`` that was found.

    Neither the norms of the operators nor multiples of the identity in them change the best C.
    Without these the overlap bends less, and steps can be longer.
    """
    r = a.shape[0]
    a, b = (x / jnp.maximum(jnp.linalg.norm(x), jnp.finfo(x.dtype).tiny) for x in (a, b))
    c = _starts(key, a, b, n_starts)
    a, b = (x - jnp.eye(r, dtype=x.dtype) * jnp.trace(x) / r for x in (a, b))
    (sa, ka), (sb, kb) = _parts(a), _parts(b)
    low, high = (jnp.linalg.eigvalsh(x) for x in (sa, sb))
    # The most negative eigenvalue that the quadratic form can have: that of its symmetric part,
    # and that of its skew one. With it added, the overlap is convex.
    bend = jnp.linalg.norm(ka, 2) * jnp.linalg.norm(kb, 2)
    bend -= jnp.minimum(low[0] * high[-1], low[-1] * high[0])

    def overlap(c: Matrices) -> Float[Array, " start"]:
        return jnp.sum((_turned(c) @ a @ c) * b[None], (-2, -1))

    def slope(c: Matrices) -> Matrices:
        return sa @ c @ sb - ka @ c @ kb + bend * c

    c, reached = _climb(c, slope, overlap, _FIRST)
    best = jax.lax.top_k(reached, min(_KEPT, n_starts))[1]
    c, reached = _climb(c[best], slope, overlap, _MOST)
    return c[jnp.argmax(reached)]


def _climb(
    c: Matrices,
    slope: Callable[[Matrices], Matrices],
    overlap: Callable[[Matrices], Float[Array, " start"]],
    most: int,
) -> tuple[Matrices, Float[Array, " start"]]:
    """Go up from each start until no entry of a matrix moves, for `most` steps at most."""
    n, tolerance = len(c), jnp.finfo(c.dtype).eps ** 0.6

    def step(at):
        c, before, height, age, number, _ = at
        # Extrapolated steps; one that goes down is not taken, and a plain one follows.
        ahead = c + (age / (age + 3))[:, None, None] * (c - before)
        new = _polar(slope(ahead))
        reached = overlap(new)
        up = (reached >= height) | (age == 0)
        moved = jnp.where(up, jnp.abs(new - c).max((-2, -1)), jnp.inf)
        taken = jnp.where(up[:, None, None], new, c)
        age, height = jnp.where(up, age + 1, 0.0), jnp.where(up, reached, height)
        return taken, c, height, age, number + 1, moved

    def going(at):
        return (at[4] < most) & (at[5] > tolerance).any()

    zero = jnp.zeros(n, c.dtype)
    found = jax.lax.while_loop(going, step, (c, c, overlap(c), zero, 0, zero + jnp.inf))
    return found[0], found[2]


def _starts(key: PRNGKeyArray, a: Matrix, b: Matrix, n: int) -> Matrices:
    """Random orthogonal matrices, and those that lay eigenvectors of `a` on those of `b`."""
    r, kind = a.shape[0], a.dtype
    of_random, of_angle, of_phase, of_axis = jax.random.split(key, 4)
    free = jnp.linalg.qr(jax.random.normal(of_random, (n // 2, r, r), kind))[0]
    sign = jnp.where(jnp.arange(n // 2) % 2, -1, 1) * jnp.linalg.det(free)
    free = free.at[:, :, 0].multiply(sign[:, None])
    n -= n // 2
    angle = jax.random.uniform(of_angle, (n,), kind, 0, jnp.pi)
    random = jax.random.normal(of_phase, (2, n, r), kind)
    axis = jnp.where(jnp.arange(n) % 4 == 3, -1, jax.random.randint(of_axis, (n,), 0, r))
    vectors = jax.vmap(_axes, (None, 0, 0, 0))
    u, v = vectors(a, angle, axis, random[0]), vectors(b, angle, axis, random[1])
    return jnp.concatenate([free, _polar(jnp.real(u @ jnp.conj(_turned(v))))])


def _axes(
    a: Matrix, angle: Float[Array, ""], axis: Array, random: Float[Array, " r"]
) -> Complex[Array, "r r"]:
    """Eigenvectors of the Hermitian ``cos(angle) symmetric part + i sin(angle) skew part``.

    Of a normal operator they are its own. In other coordinates they are the same vectors up to
    phases, which are fixed by their products with one of them, or with a random vector.
    """
    symmetric, skew = _parts(a)
    vectors = jnp.linalg.eigh(jax.lax.complex(jnp.cos(angle) * symmetric, jnp.sin(angle) * skew))[1]
    one = vectors[:, axis]
    one = one / jnp.sqrt(_phase(one @ one))
    fixed = jnp.where(axis < 0, random.astype(one.dtype), one)
    return vectors * jnp.conj(_phase(fixed @ vectors))[None, :]


def _phase(z: Complex[Array, ...]) -> Complex[Array, ...]:
    return jnp.where(z == 0, 1, z / jnp.where(z == 0, 1, jnp.abs(z)).astype(z.dtype))


def _parts(a: Matrix) -> tuple[Matrix, Matrix]:
    return (a + a.T) / 2, (a - a.T) / 2


def _turned(c: Array) -> Array:
    return jnp.swapaxes(c, -1, -2)


def _polar(c: Matrices) -> Matrices:
    u, _, v = jnp.linalg.svd(c, full_matrices=False)
    return u @ v
