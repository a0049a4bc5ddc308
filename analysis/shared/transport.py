"""Exact transport between two sets of points that all weigh the same."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def transport_cost(cost: Float[np.ndarray, "point other"]) -> float:
    """Lowest mean cost of moving one set of points onto the other."""
    return float(np.sum(cost * transport_plan(cost)))


def transport_plan(cost: Float[np.ndarray, "point other"]) -> Float[np.ndarray, "point other"]:
    """How much of each point goes to which other at the lowest cost; in all 1.

    Sets of one size are matched one to one, which is the optimum; otherwise points are split, and
    the optimum is that of a linear programme.
    """
    from scipy import optimize, sparse

    n, m = cost.shape
    if n == m:
        plan = np.zeros((n, m))
        plan[optimize.linear_sum_assignment(cost)] = 1 / n
        return plan
    leaving = sparse.kron(sparse.eye(n), np.ones((1, m)))
    arriving = sparse.kron(np.ones((1, n)), sparse.eye(m))
    found = optimize.linprog(
        cost.ravel(),
        A_eq=sparse.vstack([leaving, arriving], format="csr"),
        b_eq=np.r_[np.full(n, 1 / n), np.full(m, 1 / m)],
        method="highs",
    )
    if not found.success:
        raise RuntimeError(f"the transport of {n} points to {m} was not found: {found.message}")
    return np.maximum(found.x.reshape(n, m), 0)
