"""Batches of a recurrence that are shared out over devices.

The compiler partitions most of a program well by itself. It would split some of the buffers in the
loop of a recurrence otherwise than its state, and then exchange them between devices at every step.
A recurrence therefore runs as one program on each device, with the trials of that device, so that
nothing is exchanged before its end.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import AxisType, PartitionSpec
from jaxtyping import PyTree

#: Name of the axis of a mesh along which batches are shared out.
AXIS = "trial"


def over_batch(
    function: Callable,
    arguments: tuple,
    axes: tuple[PyTree, ...],
    out_axes: PyTree,
    n: int,
    *,
    along: str = AXIS,
) -> PyTree:
    """Return ``function(*arguments)``, of which each device computes its part of the batch.

    Without a mesh that shares out batches, or where its devices do not divide the batch, this is a
    plain call.

    Parameters
    ----------
    function : callable
        Computes each entry of the batch by itself.
    arguments : tuple of pytrees of arrays
        Its arguments.
    axes : tuple of pytrees
        For each argument the number of the batch axis of its arrays, None if they have none; for
        arguments whose arrays differ in that, a tree of numbers.
    out_axes : pytree
        The same for the result.
    n : int
        Size of the batch.
    along : str
        Axis of the mesh. Default ``"trial"``.
    """
    n_shares = shares(along)
    if n_shares == 1 or n % n_shares:
        return function(*arguments)

    def spec(axis: Any) -> PartitionSpec:
        return PartitionSpec() if axis is None else PartitionSpec(*(None,) * axis, along)

    def specs(axes: PyTree) -> PyTree:
        return jax.tree.map(spec, axes, is_leaf=lambda x: x is None)

    shared = jax.shard_map(
        function,
        in_specs=specs(axes),
        out_specs=specs(out_axes),
        axis_names={along},
        check_vma=False,
    )
    return shared(*arguments)


def shares(axis: str) -> int:
    """Number of devices over which the compiler partitions the program along an axis of the mesh.

    It is 1 without a mesh, and inside of a ``jax.shard_map`` along this axis.
    """
    return _free().get(axis, 1)


def _free() -> dict[str, int]:
    """Axes of the mesh in use along which the compiler still partitions, and their sizes."""
    mesh = jax.sharding.get_abstract_mesh()
    kinds = zip(mesh.axis_names, mesh.axis_sizes, mesh.axis_types, strict=True)
    return {name: n for name, n, kind in kinds if kind is AxisType.Auto}
