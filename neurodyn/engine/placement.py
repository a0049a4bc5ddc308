"""Where the units of a system lie on several devices."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from neurodyn.engine import devices
from neurodyn.engine.abilities import DividesUnits, HasUnitAxes
from neurodyn.engine.units import shapes_of, unit_axis
from neurodyn.kernels.partition import shares
from neurodyn.params import AbstractDistribution, AbstractParameter
from neurodyn.system import AbstractSystem

__all__ = ["InParts", "place"]

#: Axes of a mesh, in the order in which programs use them.
ORDER = ("seed", "trial", "unit")


class InParts(AbstractDistribution):
    """A law of which each device draws the part of an array that it keeps.

    No device ever holds the whole array. The numbers are those of the law alone, to rounding.

    Parameters
    ----------
    law
        A law that draws each entry on its own, such as ``params.Normal(0.0, 0.1)``; any callable
        ``(key, shape, dtype)`` that can be compiled. Laws of whole matrices, such as orthogonal
        ones, are computed whole.
    mesh
        Devices, with an axis ``"unit"``. The last axis of the array that they divide is split.

    Raises
    ------
    TypeError, ValueError
        If `law` is no function, the mesh does not fit, or its devices divide no axis of the array.

    Examples
    --------
    >>> import jax
    >>> from neurodyn import models, params
    >>> mesh = jax.make_mesh((1,), ("unit",))
    >>> law = InParts(params.Normal(0.0, 0.1), mesh)
    >>> models.CTRNN(1, 64, 1, W=law, key=0).n_units
    64
    """

    law: Any
    mesh: Mesh = eqx.field(static=True)

    def __init__(self, law: Any, mesh: Mesh):
        if not callable(law):
            name = type(law).__name__
            fix = "numbers and arrays are there already, and nd.placement.place moves their model"
            if isinstance(law, AbstractParameter):
                fix = f"the parameter goes outside, {name}(InParts(law, mesh))"
            raise TypeError(
                f"InParts takes a law, e.g. params.Normal(0.0, 0.1), got a {name}: {fix}."
            )
        self.law = law
        self.mesh = ordered(_checked(mesh, None, "placement"))

    def __call__(self, key, shape, dtype=None):
        """Draw independent values."""
        n = self.mesh.shape["unit"]
        axes = [axis for axis, size in enumerate(shape) if size % n == 0]
        if not axes:
            raise ValueError(
                f"No axis of {shape} can be shared out evenly over the {n} devices along 'unit': "
                "take another number of units or of devices."
            )
        spec = ["unit" if axis == axes[-1] else None for axis in range(len(shape))]
        to = devices.along(self.mesh, *spec)
        return jax.jit(lambda key: self.law(key, shape, dtype), out_shardings=to)(key)


def place(model: Any, mesh: Mesh) -> Any:
    """Move a model to several devices, each of which keeps its part of the units.

    ``simulate(..., mesh=)`` does so itself for each call. Placing a large model once saves the
    time, and the memory of a second copy.

    Parameters
    ----------
    model
        A system.
    mesh
        Devices, with an axis ``"unit"``.

    Returns
    -------
    The model, for ``simulate(..., mesh=mesh)``. Networks of spiking neurons have their lists of
    synapses sorted by device: train and save the network that was given.

    Raises
    ------
    TypeError, ValueError
        If the mesh or the model does not fit.

    Examples
    --------
    >>> import jax
    >>> from neurodyn import models
    >>> model = models.CTRNN(1, 64, 1, key=0)
    >>> place(model, jax.make_mesh((1,), ("unit",))).W.shape
    (64, 64)
    """
    if not isinstance(model, AbstractSystem):
        raise TypeError(
            f"place takes one model, got a {type(model).__name__}: members of an ensemble are "
            "placed by simulate(ensemble, ..., mesh=mesh)."
        )
    mesh = ordered(_checked(mesh, model, "placement"))
    return placed(divided(model, mesh), mesh)


def _checked(mesh: Any, model: Any, call: str) -> Mesh:
    """The mesh, checked; other axes than ``"unit"`` keep copies. Without a model any size fits."""
    sizes = {axis: (axis, size) for axis, size in getattr(mesh, "shape", {}).items()}
    sizes = {axis: each for axis, each in sizes.items() if axis in ORDER}
    n = None if model is None else count_units(model)
    if n is not None:
        sizes["unit"] = (f"the number of units of this {type(model).__name__}", n)
    elif model is not None:
        sizes.pop("unit", None)
    return devices.check_mesh(mesh, sizes, call)


def ordered(mesh: Mesh) -> Mesh:
    """The same devices, with all of the axes `ORDER`; those that were not there have size 1."""
    there = [axis for axis in ORDER if axis in mesh.axis_names]
    grid = np.transpose(mesh.devices, [mesh.axis_names.index(axis) for axis in there])
    return Mesh(grid.reshape([mesh.shape.get(axis, 1) for axis in ORDER]), ORDER)


def count_units(system: Any) -> int | None:
    """Number of units of a system; None if it has none."""
    n = getattr(system, "n_units", None)
    if isinstance(n, (int, tuple)):
        return int(np.sum(n))
    arrays, static = eqx.partition(system, eqx.is_array)
    found: list[Any] = []

    def look(arrays):
        own = eqx.combine(arrays, static)
        found.append(unit_axis(own, shapes_of(own, None, None, jnp.asarray(1.0))))

    eqx.filter_eval_shape(look, arrays)
    return found[0][1] if found[0] is not None and found[0][0] == "unit" else None


def divided(system: Any, mesh: Mesh) -> Any:
    """The system with arrays that the devices along ``"unit"`` can share out."""
    n = mesh.shape["unit"]
    return system.divided(n) if n > 1 and isinstance(system, DividesUnits) else system


def placed(system: Any, mesh: Mesh, *, leading: str | None = None, like: Any = None) -> Any:
    """The system on the devices of an ordered mesh; options are those of `shardings`."""
    return devices.placed(system, shardings(system, mesh, leading=leading, like=like))


def shardings(system: Any, mesh: Mesh, *, leading: str | None = None, like: Any = None) -> PyTree:
    """The sharding of each array of a system, or of their shapes.

    Parameters
    ----------
    system
        The system.
    mesh
        An ordered mesh.
    leading
        Axis of the mesh for the first axis of all arrays, where several systems are stacked.
    like
        One of them; default: `system`.

    Raises
    ------
    ValueError
        If the system names a field or an axis that it does not have, or one that cannot be split.
    """
    n = mesh.shape["unit"]
    units = -1 if n == 1 else count_units(system if like is None else like)
    units = -1 if units is None else units  # no axis has -1 entries
    found = devices.unit_shardings(system, mesh, units, leading=leading)
    if n == 1 or not isinstance(system, HasUnitAxes):
        return found
    axes, shift = system.unit_axes(), 0 if leading is None else 1
    paths = [(_name(path), x) for path, x in jax.tree_util.tree_leaves_with_path(system)]
    for name, axis in axes.items():
        shapes = [x.shape[shift:] for path, x in paths if _below(path, name) and eqx.is_array(x)]
        _check_axis(system, name, axis, shapes, n)

    def one(path: Any, x: Any, to: NamedSharding | None) -> NamedSharding | None:
        names = [name for name in axes if _below(_name(path), name)]
        if to is None or not names:
            return to
        axis = axes[max(names, key=len)]
        spec: list[str | None] = [None] * x.ndim
        spec[:shift] = [leading] * shift
        if axis is not None and axis + shift < x.ndim and x.shape[axis + shift] % n == 0:
            spec[axis + shift] = "unit"
        return devices.along(mesh, *spec)

    return jax.tree_util.tree_map_with_path(one, system, found)


def _name(path: Any) -> str:
    """The names of fields and parts that lead to an array, with dots between them."""
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _below(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


def _check_axis(system: Any, name: str, axis: int | None, shapes: list[Any], n: int) -> None:
    what = f"`unit_axes` of {type(system).__name__}"
    if not hasattr(system, name.split(".")[0]):
        raise ValueError(f"{what} names {name!r}, which is no field.")
    if axis is None or not shapes:
        return
    listed = ", ".join(map(str, shapes))
    sizes = [shape[axis] for shape in shapes if 0 <= axis < len(shape)]
    if not sizes:
        raise ValueError(
            f"{what} gives axis {axis} of {name!r}, which has arrays of shape {listed}: count axes "
            "from 0."
        )
    if all(size % n for size in sizes):
        raise ValueError(
            f"{what} gives axis {axis} of {name!r}, which has arrays of shape {listed}, and which "
            f"{n} devices along 'unit' cannot share out evenly: give None, which keeps them whole "
            "on each device, or take another number of devices."
        )


def by_unit(state: PyTree, system: Any) -> PyTree:
    """The states of a batch, kept by unit in a program that is partitioned by ``"unit"``."""
    if shares("unit") == 1:
        return state
    n = count_units(system)

    def one(x: Any) -> Any:
        axes = [axis for axis in range(1, x.ndim) if x.shape[axis] == n]
        if not axes:
            return x
        spec: list[Any] = [PartitionSpec.UNCONSTRAINED] * x.ndim
        spec[axes[-1]] = "unit"
        return jax.lax.with_sharding_constraint(x, PartitionSpec(*spec))

    return jax.tree.map(one, state)
