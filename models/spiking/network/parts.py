"""Functions of arrays of which each device has the part of its own units."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import PyTree

from neurodyn.kernels.partition import shares

#: Axis of a mesh along which units are divided.
AXIS = "unit"


def on_each(
    function: Callable, arguments: Sequence[PyTree], axes: Sequence[Any], out: int, n_parts: int
) -> PyTree:
    """Return what ``function`` makes of the part of each device, side by side.

    Parameters
    ----------
    function
        Function of one part of the arguments.
    arguments
        Arrays, or trees of them.
    axes
        For each argument the axis that is divided, None for those that every device has whole.
    out
        The axis along which results lie side by side.
    n_parts
        Number of parts. Without as many devices, one part is computed after the other.
    """
    if shares(AXIS) == n_parts > 1:

        def spec(axis: int | None) -> PartitionSpec:
            return PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, AXIS)

        shared = jax.shard_map(
            function,
            in_specs=tuple(map(spec, axes)),
            out_specs=spec(out),
            axis_names={AXIS},
            check_vma=False,
        )
        return shared(*arguments)

    def part(x: Any, axis: int, i: int) -> Any:
        size = x.shape[axis] // n_parts
        return jax.lax.slice_in_dim(x, i * size, (i + 1) * size, axis=axis)

    found = []
    for i in range(n_parts):
        own = [
            x if axis is None else jax.tree.map(lambda a, axis=axis, i=i: part(a, axis, i), x)
            for x, axis in zip(arguments, axes, strict=True)
        ]
        found.append(function(*own))
    return jax.tree.map(lambda *x: jnp.concatenate(x, out), *found)


def by_columns(function: Callable, events: Any, matrix: Any, onto: Any) -> Any:
    """Return ``function(events, matrix, onto)``, each device doing the columns of its own units."""
    n = shares(AXIS)
    if n == 1 or matrix.shape[1] % n:
        return function(events, matrix, onto)
    return on_each(function, (events, matrix, onto), (None, 1, 0), 0, n)
