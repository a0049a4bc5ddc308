"""How older files are read: fields that got other names, and weights that were the other way round.

A class names its fields that were called otherwise in `renamed_fields`, old name to new.

Version 2: weights of PLRNNs are ``(pre, post)`` as those of every model; version 1 has ``(post,
pre)``. A class names the fields that this is about in ``post_pre_in_version_1``.
"""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import PyTree

from neurodyn.params.transposed import transposed

__all__ = ["other_orientation", "renamed_class", "upgraded"]

#: Classes of files that have another name now, by their name in older files.
_SPIKING = "neurodyn.models.spiking."
_RENAMED_CLASSES = {
    f"{_SPIKING}neuron.Initial": f"{_SPIKING}cells.neuron.Initial",
    f"{_SPIKING}neuron.JoinedParameter": f"{_SPIKING}cells.neuron.JoinedParameter",
    f"{_SPIKING}projection.Connection": f"{_SPIKING}network.projection.Connection",
    f"{_SPIKING}weights.SignedParameter": f"{_SPIKING}network.weights.SignedParameter",
    "neurodyn.tasks.recordings.Recordings": "neurodyn.tasks.recordings.recordings.Recordings",
    "neurodyn.training.forcing.Alpha": "neurodyn.training.objectives.forcing.Alpha",
}


def renamed_class(name: str) -> str:
    """The name that the class of this name in a file has now."""
    return _RENAMED_CLASSES.get(name, name)


def upgraded(cls: type, fields: dict[str, Any], version: int) -> dict[str, Any]:
    """The fields of an object of this class, as they are since the newest version.

    Parameters
    ----------
    cls
        The class.
    fields
        Its fields, as read from a file.
    version
        Version of that file.
    """
    renamed = getattr(cls, "renamed_fields", {})
    fields = {renamed.get(name, name): value for name, value in fields.items()}
    if version > 1:
        return fields
    turned = {name: transposed(fields[name]) for name in _turned_fields(cls) if name in fields}
    return fields | turned


def other_orientation(tree: PyTree) -> PyTree:
    """The same models as version 1 holds them; and the other way round, since nothing else changed.

    Parameters
    ----------
    tree
        Models, or what is shaped like them: trained leaves, averages of an optimiser.
    """

    def inside(x):
        return x is not tree and bool(_turned_fields(type(x)))

    tree_ = jax.tree.map(lambda x: other_orientation(x) if inside(x) else x, tree, is_leaf=inside)
    names = [n for n in _turned_fields(type(tree)) if jax.tree.leaves(getattr(tree, n))]
    if not names:
        return tree_
    return eqx.tree_at(
        lambda node: [getattr(node, name) for name in names],
        tree_,
        [_turned(getattr(tree, name)) for name in names],
        is_leaf=lambda x: any(x is getattr(tree_, name) for name in names),
    )


def _turned_fields(cls: type) -> tuple[str, ...]:
    return getattr(cls, "post_pre_in_version_1", ())


def _turned(x: Any) -> Any:
    # Optimisers that keep nothing for a matrix hold a single number in its place.
    return x if getattr(x, "size", 0) == 1 and x.ndim < 2 else transposed(x)
