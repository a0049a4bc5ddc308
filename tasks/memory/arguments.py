"""Arguments of the tasks about lists and streams of bits, checked and brought to arrays."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import numbers, whole


def bucket(n: int) -> int:
    """The smallest of 8, 12, 16, 24, 32, 48, 64, 96, ... that is at least ``n``.

    Buffers come in these sizes, so a growing N recompiles a handful of times in all.
    """
    size = 8
    while size < n:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def used_ns(ns: Any, least: int, name: str = "ns") -> tuple[int, ...]:
    """The values of N, at least one, each at least ``least``."""
    used = np.atleast_1d(np.asarray(ns)).ravel().tolist()
    if not used:
        raise ValueError(f"`{name}` must hold at least one number.")
    return tuple(whole(name, n, least) for n in used)


def two_levels(levels: Any) -> Float[Array, "2"]:
    """The inputs that stand for 0 and 1."""
    values = numbers("levels", levels)
    if values.shape != (2,) or values[0] == values[1]:
        raise ValueError(f"`levels` must be two different inputs, for 0 and 1, got {levels!r}.")
    return values


def ns_of_heads(used: tuple[int, ...], n_heads: int) -> Int[Array, " head"]:
    """N of each head, 0 for heads that are not in use."""
    if len(used) > n_heads:
        raise ValueError(f"{len(used)} values of N need as many heads, there are {n_heads}.")
    return jnp.asarray([*used, *[0] * (n_heads - len(used))], jnp.int32)


def probability_range(p: Any) -> Float[Array, "2"]:
    """Range of the probability of a 1."""
    ends = numbers("p", (p, p) if np.ndim(p) == 0 else p, low=0, high=1)
    if ends.shape != (2,) or ends[0] > ends[1]:
        raise ValueError(f"`p` must be a probability or (low, high), got {p!r}.")
    return ends
