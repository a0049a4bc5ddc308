"""What groups of channels show, put together from their terms."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.tasks.parts.terms import AbstractTerm
from neurodyn.tasks.parts.values import TrialConditions

__all__ = ["signals"]


def signals(
    groups: Mapping[str, AbstractTerm], conditions: TrialConditions, key: PRNGKeyArray, dtype: Any
) -> Float[Array, "time channel"]:
    """What the groups of channels show, one group after the other."""
    courses, rows, others = [], [], []
    total, start = sum(len(term.names) for term in groups.values()), 0
    for term in groups.values():
        around = (start, total - start - len(term.names))
        for course, values in term.products(conditions, dtype):
            courses.append(course)
            rows.append(jnp.pad(values, around))
        for part in term.others:
            own = jax.random.fold_in(key, len(others))
            others.append(jnp.pad(part.show(conditions, own, dtype), ((0, 0), around)))
        start += len(term.names)
    if not courses:
        return sum(others[1:], others[0])
    # A product, because its factors are computed once; XLA would form the bumps at every step.
    product = jnp.matmul(jnp.stack(courses, axis=1), jnp.stack(rows), precision="highest")
    return sum(others, product)
