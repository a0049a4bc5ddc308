"""Read older files: rename fields and classes, and transpose weights.

A class lists its renamed fields in `renamed_fields`, old name to new.

In version 2, weights of PLRNNs are ``(pre, post)`` as those of every model; in version 1 they are
``(post, pre)``. A class lists these fields in ``post_pre_in_version_1``.
"""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import PyTree

from neurodyn.params.transposed import transposed

__all__ = ["other_orientation", "renamed_class", "upgraded"]

#: Present names of classes that have another name in older files.
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
    """The present name of a class that has this name in a file."""
    return _RENAMED_CLASSES.get(name, name)


def upgraded(cls: type, fields: dict[str, Any], version: int) -> dict[str, Any]:
    """Turn the fields of an object from a file into those of the newest version.

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
    """Turn models into the form of version 1, or back: the change is a transposition.

    Parameters
    ----------
    tree
        Models, or trees of the same structure: trained leaves, averages of an optimiser.
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
    # Optimisers without an entry for a matrix hold a single number in its place.
    return x if getattr(x, "size", 0) == 1 and x.ndim < 2 else transposed(x)
