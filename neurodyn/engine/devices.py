"""Several devices: the check of a mesh, and where on it arrays lie.

The axes of a mesh have the names of the dims that they share out. The compiler partitions a
program by where its arguments lie (:mod:`jax.sharding`), so that any model, task or objective runs
on a mesh without knowing of it.
"""

import itertools
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

#: Dims that a mesh may share out, and what each device then has of them.
AXES = {"trial": "trials", "seed": "members of an ensemble", "unit": "units"}


def check_mesh(mesh: Any, sizes: Mapping[str, tuple[str, int]], call: str) -> Mesh:
    """Check a mesh before anything is compiled.

    Parameters
    ----------
    mesh
        What the user passed.
    sizes
        For each dim that the call can share out, how its size is called and the size, e.g.
        ``{"trial": ("batch_size", 64)}``.
    call
        Name of the function, for errors.

    Returns
    -------
    The same devices, in a mesh whose shardings are left to the compiler (JAX's ``Auto``), because
    models and tasks say nothing about shardings.

    Raises
    ------
    TypeError
        If it is no mesh of devices.
    ValueError
        If an axis is not the name of a dim, if the call has nothing to share out along an axis, if
        the devices along an axis do not divide its size, or if a device is not there.
    """
    if not isinstance(mesh, Mesh):
        raise TypeError(
            "`mesh` is a jax.sharding.Mesh, e.g. jax.make_mesh((8,), ('trial',)), got "
            f"{type(mesh).__name__}."
        )
    for axis, n in mesh.shape.items():
        _check_axis(axis, n, sizes, call)
    _check_devices(mesh)
    return Mesh(mesh.devices, mesh.axis_names)


def _check_axis(axis: str, n: int, sizes: Mapping[str, tuple[str, int]], call: str) -> None:
    if axis not in AXES:
        raise ValueError(
            f"`mesh` has the axis {axis!r}: an axis has the name of the dim that it shares out, "
            f"{_listed(repr(name) for name in AXES)}, as in jax.make_mesh((8,), ('trial',))."
        )
    if axis not in sizes:
        raise ValueError(
            f"`mesh` has the axis {axis!r}, but this {call} has no {AXES[axis]} to share out: make "
            f"a mesh with {_listed(repr(name) for name in sizes)}."
        )
    what, size = sizes[axis]
    if size % n:
        below, above = size - size % n, size + n - size % n
        better = f"{below} or {above}" if below else str(above)
        fitting = [str(k) for k in range(1, min(size, n) + 1) if size % k == 0]
        raise ValueError(
            f"{what}={size} cannot be shared out evenly over the {n} devices of `mesh` along "
            f"{axis!r}: take {better}, or a mesh with {_listed(fitting[-4:])} along {axis!r}."
        )


def _check_devices(mesh: Mesh) -> None:
    devices = list(mesh.devices.flat)
    there: set[Any] = set()
    for platform in {d.platform for d in devices if isinstance(d, jax.Device)}:
        there |= set(jax.devices(platform))
    missing = [str(d) for d in devices if d not in there]
    if missing:
        raise ValueError(
            f"`mesh` has {_listed(missing[:4])}, which is not among the {jax.device_count()} "
            "devices of jax.devices(): make it with jax.make_mesh."
        )
    if len(set(devices)) < len(devices):
        raise ValueError("`mesh` has a device twice: make it with jax.make_mesh.")
    processes, all_of_them = {d.process_index for d in devices}, set(range(jax.process_count()))
    if processes not in (all_of_them, {jax.process_index()}):
        raise ValueError(
            f"`mesh` has devices of process {_listed(map(str, sorted(processes)))}, of "
            f"{len(all_of_them)}: take some of every process, because all run the same program, "
            "or this process' own, jax.local_devices()."
        )


def spans_hosts(mesh: Mesh | None) -> bool:
    """Whether a mesh has devices of several processes, which then work together."""
    return mesh is not None and len({d.process_index for d in mesh.devices.flat}) > 1


def partitioned(mesh: Mesh | None) -> AbstractContextManager[Any]:
    """A context in which programs are traced for a mesh.

    Kernels then take code that the compiler can partition, and not the compiled functions of CPUs,
    which it could only run whole on every device.
    """
    return nullcontext() if mesh is None else jax.set_mesh(mesh)


def along(mesh: Mesh, *axes: str | None) -> NamedSharding:
    """The sharding of an array whose leading axes lie along these axes of the mesh.

    None, and axes that the mesh does not have, stand for axes that every device has whole.
    """
    named = (axis if axis in mesh.axis_names else None for axis in axes)
    return NamedSharding(mesh, PartitionSpec(*named))


def unit_shardings(tree: PyTree, mesh: Mesh, n_units: int, *, leading: str | None = None) -> PyTree:
    """Shardings by unit, for every array of a tree.

    An array that has an axis of `n_units` entries is split along the last such axis: weights
    ``(pre, post)`` by the units that they go to, so that a device computes the whole input of its
    own units. What is split where changes speed and memory, never numbers by more than rounding.

    Parameters
    ----------
    tree
        Arrays or their shapes, and leaves of other kinds, which get None.
    n_units
        Number of units, which the devices along ``"unit"`` divide.
    leading
        Axis of the mesh for the first axis of all arrays, e.g. ``"seed"``.
    """
    first = 0 if leading is None else 1

    def one(x: Any) -> NamedSharding | None:
        if not isinstance(x, jax.ShapeDtypeStruct) and not eqx.is_array(x):
            return None
        axes: list[str | None] = [leading, *(None,) * (x.ndim - 1)] if first else [None] * x.ndim
        for axis in reversed(range(first, x.ndim)):
            if x.shape[axis] == n_units:
                axes[axis] = "unit"
                break
        return along(mesh, *axes)

    return jax.tree.map(one, tree)


def placed(tree: PyTree, shardings: PyTree) -> PyTree:
    """The arrays of a tree, moved to where the shardings say.

    With several processes, each must have the whole of the same values.
    """
    return jax.tree.map(lambda x, to: x if to is None else _placed(x, to), tree, shardings)


def constrained(tree: PyTree, shardings: PyTree) -> PyTree:
    """The arrays of a tree, held where the shardings say, in a compiled function."""

    def one(x: Any, to: NamedSharding | None) -> Any:
        return x if to is None else jax.lax.with_sharding_constraint(x, to)

    return jax.tree.map(one, tree, shardings)


def fetched(tree: PyTree) -> PyTree:
    """The arrays of a tree as NumPy's, whole in every process; keys stay JAX's, on one device.

    All processes must call this, because each holds a part.
    """
    return jax.tree.map(lambda x: _fetched(x) if eqx.is_array(x) else x, tree)


def _placed(x: Any, to: NamedSharding) -> Array:
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        words = jax.random.key_data(x)
        spec = PartitionSpec(
            *itertools.islice(itertools.chain(to.spec, itertools.repeat(None)), x.ndim)
        )
        moved = _placed(words, NamedSharding(to.mesh, spec))
        return jax.random.wrap_key_data(moved, impl=jax.random.key_impl(x))
    mesh: Any = to.mesh
    if not spans_hosts(mesh):
        return jax.device_put(x, to)
    whole = np.asarray(x)
    return jax.make_array_from_callback(x.shape, to, lambda index: whole[index])


def _fetched(x: Any) -> Any:
    if not isinstance(x, jax.Array):
        return x
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        words = _fetched(jax.random.key_data(x))
        return jax.random.wrap_key_data(words, impl=jax.random.key_impl(x))
    if not (x.is_fully_addressable or x.is_fully_replicated):
        sharding: Any = x.sharding
        x = jax.jit(lambda x: x, out_shardings=along(sharding.mesh))(x)
    return np.asarray(x)


def _listed(names: Any) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
