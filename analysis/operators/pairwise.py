"""Dynamical similarity as a measure that `compare` can use."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.operators.alignment import operator_distance
from neurodyn.analysis.operators.delays import embed, long_enough
from neurodyn.analysis.operators.fit import basis_of, regressed
from neurodyn.analysis.shared.measure import Activity, Pairwise
from neurodyn.common.checks import check_whole


class Products(NamedTuple):
    """Products of the coordinates of samples and of the next ones."""

    gram: Float[Array, "k k"]
    cross: Float[Array, "k k"]
    absent: Bool[Array, " k"]


def of_dynamics(
    n_delays: int = 1,
    delay_interval: int = 1,
    rank: int = 8,
    *,
    ridge: float = 0.0,
    n_starts: int = 16,
) -> Pairwise:
    """Angle between the dynamics of two populations (DSA), for a `Measure` of your own settings.

    Both sides get operators with the same delays and of the same rank: `rank`, or the number of
    embedded dimensions or samples of either side if that is smaller. Conditions and times need not
    correspond for it. So the null from shuffled orders of condition means is no null of it (its
    values are the score itself), while the one from shuffled labels of single trials is.

    Parameters
    ----------
    n_delays, delay_interval, rank, ridge, n_starts
        As of :func:`dsa`. Each draw of a null is a search from so many starts.

    Examples
    --------
    >>> from neurodyn import analysis
    >>> measure = analysis.Measure(
    ...     analysis.dsa, "distance of dynamics", "rad", (0.0, 3.1416), higher_is_better=False,
    ...     pairwise=analysis.of_dynamics(n_delays=4, rank=6), name="dsa_4",
    ... )
    """
    check_whole(1, n_delays=n_delays, delay_interval=delay_interval, rank=rank)

    def prepare(x: Activity, folds: Any) -> Products:
        long_enough(x.shape[1], n_delays, delay_interval)
        h = embed(x, n_delays, delay_interval)
        h = h.reshape(*h.shape[:2], -1)
        basis = basis_of(h.reshape(-1, h.shape[-1]))
        z = basis.of_rank(rank).inward(h)
        before, after = (v.reshape(-1, z.shape[-1]) for v in (z[:, :-1], z[:, 1:]))
        return Products(before.T @ before, before.T @ after, basis.size[:rank] == 0)

    def operator(side: Products, r: int) -> Float[Array, "r r"]:
        penalty = jnp.full(r, ridge, side.gram.dtype)
        return regressed(side.gram[:r, :r], side.cross[:r, :r], penalty, side.absent[:r]).T

    def score(side: Products, y: Activity) -> Float[Array, ""]:
        other = prepare(y, None)
        r = min(len(side.gram), len(other.gram))
        return operator_distance(operator(side, r), operator(other, r), n_starts=n_starts)

    return Pairwise(prepare, score)


#: One step, without delays.
DSA = of_dynamics()
