"""Least squares of one and of two decaying exponentials, for many curves at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

#: Shortest time constant, in steps: its exponential is 2e-9 after one step.
SHORTEST = 0.05
#: Time constants tried before refinement: alone, and in pairs.
GRID, PAIR_GRID = 128, 24
#: Starts of the refinement of two exponentials, and its steps.
STARTS, REFINEMENTS = 4, 40
#: Units fitted at once, which bounds memory.
CHUNK = 256
PARAMETERS = {1: 2, 2: 4}

Lags = Float[Array, " lag"]
Pair = Float[Array, " exponential"]


class Decay(NamedTuple):
    """Fits of one autocorrelation; times in steps."""

    tau: Float[Array, ""]
    n_exponentials: Int[Array, ""]
    r2: Float[Array, ""]
    aic: Pair
    tau_single: Float[Array, ""]
    amplitude_single: Float[Array, ""]
    tau_double: Pair
    amplitude_double: Pair
    status: Int[Array, ""]


@jax.jit
def fit_units(
    lags: Lags, r: Float[Array, "lag unit"], bounds: Pair, least: Float[Array, ""]
) -> Decay:
    """Fit every unit; `bounds` are the shortest and longest time constant, in steps."""
    return jax.lax.map(partial(_fit, lags, bounds=bounds, least=least), r.T, batch_size=CHUNK)


def _fit(lags: Lags, r: Lags, bounds: Pair, least: Float[Array, ""]) -> Decay:
    """Both fits of one unit, and the choice."""
    undefined = jnp.isnan(r).any()
    r = jnp.where(undefined, jnp.zeros_like(r), r)
    ends = jnp.log(bounds)
    log_single, amplitude, single = _one(lags, r, ends)
    log_double, weights, double = _two(lags, r, ends)
    order = jnp.argsort(log_double)
    log_double, weights = log_double[order], weights[order]
    n = r.size
    # Residuals are at least as large as rounding, since smaller ones hold no information.
    floor = n * (4 * jnp.finfo(r.dtype).eps) ** 2
    rss = jnp.maximum(jnp.stack([single, double]), floor)
    count = jnp.asarray([PARAMETERS[1], PARAMETERS[2]], r.dtype)
    aic = 2 * count + n * jnp.log(rss / n)
    # The difference between two perfect fits is rounding, and no evidence for either.
    two = (aic[1] < aic[0]) & (rss[0] > floor) & (weights.min() >= least * weights.sum())
    log_tau = jnp.where(two, log_double[1], log_single)
    total = ((r - r.mean()) ** 2).sum()
    r2 = 1 - jnp.where(two, double, single) / jnp.where(total > 0, total, 1)
    shortest, longest = log_tau <= ends[0] + 1e-3, log_tau >= ends[1] - 1e-3
    no_decay = jnp.where(two, weights.sum(), amplitude) <= 0
    return Decay(
        jnp.exp(log_tau),
        1 + two.astype(jnp.int32),
        r2,
        aic,
        jnp.exp(log_single),
        amplitude,
        jnp.exp(log_double),
        weights,
        jnp.select([undefined, no_decay, shortest, longest], [1, 2, 3, 4], 0),
    )


def _one(lags: Lags, r: Lags, ends: Pair):
    """Best single exponential: log tau, amplitude, summed square error."""

    def solve(log_tau):
        decay = jnp.exp(-lags / jnp.exp(log_tau))
        scale = jnp.clip((decay * r).sum() / jnp.maximum((decay**2).sum(), 1e-30), 0, 1)
        return scale, ((r - scale * decay) ** 2).sum()

    grid = jnp.linspace(ends[0], ends[1], GRID)
    best = jnp.argmin(jax.vmap(lambda t: solve(t)[1])(grid))
    low, high = grid[jnp.maximum(best - 1, 0)], grid[jnp.minimum(best + 1, GRID - 1)]
    inner = golden_section(lambda t: solve(t)[1], low, high)
    # The golden section never reaches the ends of its interval, so they are tried by themselves.
    candidates = jnp.stack([inner, ends[0], ends[1]])
    log_tau = candidates[jnp.argmin(jax.vmap(lambda t: solve(t)[1])(candidates))]
    return log_tau, *solve(log_tau)


def golden_section(error: Callable, low, high) -> Float[Array, ""]:
    """Minimum of a function that has one between two points.

    The search of optimistix finds the same, but takes twice as long to compile.
    """
    ratio = (jnp.sqrt(jnp.asarray(5, low.dtype)) - 1) / 2

    def narrow(_, ends):
        low, high = ends
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        smaller = error(left) < error(right)
        return jnp.where(smaller, low, left), jnp.where(smaller, right, high)

    low, high = jax.lax.fori_loop(0, 60, narrow, (low, high))
    return (low + high) / 2


def _two(lags: Lags, r: Lags, ends: Pair):
    """Best pair of exponentials: log taus, amplitudes, summed square error."""

    def residual(log_tau: Pair) -> Lags:
        decays = jnp.exp(-lags[:, None] / jnp.exp(log_tau)[None, :])
        return r - decays @ _amplitudes(decays, r)

    grid = jnp.linspace(ends[0], ends[1], PAIR_GRID)
    first, second = np.triu_indices(PAIR_GRID, 1)
    pairs = jnp.stack([grid[first], grid[second]], -1)
    errors = jax.vmap(lambda pair: (residual(pair) ** 2).sum())(pairs)
    starts = pairs[jax.lax.top_k(-errors, STARTS)[1]]
    found, errors = jax.vmap(partial(_refine, residual, ends))(starts)
    log_tau = found[jnp.argmin(errors)]
    decays = jnp.exp(-lags[:, None] / jnp.exp(log_tau)[None, :])
    return log_tau, _amplitudes(decays, r), errors.min()


def _amplitudes(decays: Float[Array, "lag exponential"], r: Lags) -> Pair:
    """Least squares with both amplitudes >= 0 and their sum <= 1.

    Inside the triangle it is the plain solution; else the best point of its three sides.
    """
    e, f = decays[:, 0], decays[:, 1]
    ee, ef, ff, er, fr = (jnp.sum(a * b) for a, b in ((e, e), (e, f), (f, f), (e, r), (f, r)))
    tiny = 4 * jnp.finfo(r.dtype).eps
    ee, ff = jnp.maximum(ee, tiny), jnp.maximum(ff, tiny)
    # The part of f that e does not explain: the normal equations lose all digits where e is near f.
    rest = f - (ef / ee) * e
    size = jnp.sum(rest * rest)
    apart: Bool[Array, ""] = size > tiny * ff
    b = jnp.sum(rest * r) / jnp.where(apart, size, 1)
    a = (er - ef * b) / ee
    inside = apart & (a >= 0) & (b >= 0) & (a + b <= 1)
    zero = jnp.zeros_like(a)
    gap = e - f
    width = jnp.maximum(jnp.sum(gap * gap), tiny)
    share = jnp.clip(jnp.sum(gap * (r - f)) / width, 0, 1)
    sides = jnp.stack(
        [
            jnp.stack([jnp.clip(er / ee, 0, 1), zero]),
            jnp.stack([zero, jnp.clip(fr / ff, 0, 1)]),
            jnp.stack([share, 1 - share]),
        ]
    )
    errors = jnp.sum((r[None, :] - sides @ decays.T) ** 2, axis=1)
    return jnp.where(inside, jnp.stack([a, b]), sides[jnp.argmin(errors)])


def _refine(residual, ends: Pair, start: Pair):
    """Levenberg-Marquardt on both log time constants, kept between their bounds.

    Optimistix has a solver of this name, but without bounds, and time constants at a bound are a
    regular outcome here.
    """
    jacobian = jax.jacfwd(residual)

    def improve(_, carry):
        at, error, damping = carry
        slope, off = jacobian(at), residual(at)
        normal = slope.T @ slope
        diagonal = jnp.diag(normal) + 1e-12
        h = normal + jnp.diag(damping * diagonal)
        g = slope.T @ off
        det = jnp.maximum(h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0], 1e-30)
        move = jnp.stack([h[1, 1] * g[0] - h[0, 1] * g[1], h[0, 0] * g[1] - h[1, 0] * g[0]]) / det
        # Change either time constant by a factor of e at most, where the slope still holds.
        there = jnp.clip(at - jnp.clip(move, -1, 1), ends[0], ends[1])
        after = (residual(there) ** 2).sum()
        better = after < error
        damping = jnp.clip(jnp.where(better, damping / 4, damping * 4), 1e-8, 1e8)
        return jnp.where(better, there, at), jnp.where(better, after, error), damping

    begin = (start, (residual(start) ** 2).sum(), jnp.asarray(1e-2, start.dtype))
    at, error, _ = jax.lax.fori_loop(0, REFINEMENTS, improve, begin)
    return at, error
