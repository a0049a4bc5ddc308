"""Where the arrays of a training lie on a mesh of devices."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from neurodyn.common import hosts
from neurodyn.engine import devices, placement
from neurodyn.task import Trial
from neurodyn.training.ensemble import Seeds
from neurodyn.training.samplers import AbstractSampler


class Sharing(NamedTuple):
    """How the members of a training are shared out over a mesh; hashable, for compiled programs.

    Attributes
    ----------
    mesh
        The mesh.
    n_units
        Units of the model, which are split; None if the mesh has no axis ``"unit"``.
    seeds
        Whether the first axis of what members hold is the seed.
    """

    mesh: Mesh
    n_units: int | None
    seeds: bool

    @property
    def spans_hosts(self) -> bool:
        """Whether several processes work together."""
        return devices.spans_hosts(self.mesh)

    def check_processes(self, settings: Mapping[str, Any]) -> None:
        """Refuse processes of one training that were given different things."""
        if self.spans_hosts:
            for name, value in settings.items():
                hosts.check_same(
                    f"fit: `{name}`",
                    repr(value),
                    "All processes train one network together: make models, tasks and settings "
                    "from the same seeds in each of them, or load them from one file.",
                )

    def _shardings(self, tree: PyTree) -> PyTree:
        leading = "seed" if self.seeds else None
        # No axis has -1 entries.
        n_units = -1 if self.n_units is None else self.n_units
        return devices.unit_shardings(tree, self.mesh, n_units, leading=leading)

    def place(self, tree: PyTree) -> PyTree:
        """What members hold, moved to the devices."""
        return devices.placed(tree, self._shardings(tree))

    def hold(self, tree: PyTree) -> PyTree:
        """What members hold, kept there by a compiled program."""
        return devices.constrained(tree, self._shardings(tree))

    def copy(self, tree: PyTree) -> PyTree:
        """What all members share, copied to every device."""
        return devices.placed(tree, self._everywhere(tree))

    def hold_copies(self, tree: PyTree) -> PyTree:
        """What every device knows, as a result of a compiled program."""
        return devices.constrained(tree, self._everywhere(tree))

    def home(self, tree: PyTree, i: int | None = None) -> PyTree:
        """What members hold, or member i of a batch, as ordinary arrays on one device."""
        arrays, static = eqx.partition(tree, eqx.is_array)
        if i is not None:
            arrays = _entry(arrays, i, devices.along(self.mesh))
        arrays = devices.fetched(arrays)
        arrays = jax.tree.map(lambda x: jnp.asarray(x) if isinstance(x, np.ndarray) else x, arrays)
        return eqx.combine(arrays, static)

    def _everywhere(self, tree: PyTree) -> PyTree:
        return jax.tree.map(lambda x: devices.along(self.mesh) if eqx.is_array(x) else None, tree)


def share_out(mesh: Mesh | None, trials: Trial) -> Trial:
    """A batch in a compiled program, each device having its part of the trials.

    A batch that cannot be shared out evenly is left to the compiler.
    """
    n = trials.inputs.shape[0]
    if mesh is None or "trial" not in mesh.shape or n % mesh.shape["trial"]:
        return trials
    by_trial = PartitionSpec("trial")  # of the mesh that the program is traced for

    def one(x: Any) -> Any:
        return jax.lax.with_sharding_constraint(x, by_trial) if x.shape[:1] == (n,) else x

    return jax.tree.map(one, trials)


def sharing_of(
    mesh: Any, model: Any, task: Any, sampler: AbstractSampler, ensemble: Seeds | None
) -> Sharing | None:
    """The checked mesh of `fit`; None without one."""
    if mesh is None:
        return None
    n = getattr(sampler, "batch_size", None)
    sizes = {"trial": ("n_items", task.n_items) if n is None else ("batch_size", n)}
    if ensemble is not None:
        sizes["seed"] = ("ensemble", ensemble.n)
    n_units = placement.count_units(model)
    if n_units is not None:
        sizes["unit"] = (f"the number of units of this {type(model).__name__}", n_units)
    checked = devices.check_mesh(mesh, sizes, "training")
    if min(checked.shape.get(axis, 1) for axis in ("seed", "unit")) > 1:
        raise ValueError(
            "training takes a mesh with 'seed' or with 'unit', not both: without 'seed', members "
            "of an ensemble train one after the other, each on the whole mesh."
        )
    if "seed" in checked.shape and ensemble is not None and ensemble.how == "map":
        raise ValueError(
            "Seeds(how='map') runs members one after another, but the members that a mesh shares "
            "out along 'seed' run together: leave out `how`, or make a mesh without 'seed'."
        )
    batched = "seed" in checked.shape or (ensemble is not None and ensemble.resolved() == "vmap")
    return Sharing(checked, sizes["unit"][1] if "unit" in checked.shape else None, batched)


@partial(jax.jit, static_argnames="to")
def _entry(arrays: PyTree, i: Any, to: NamedSharding) -> PyTree:
    return jax.tree.map(lambda x: jax.lax.with_sharding_constraint(x[i], to), arrays)
