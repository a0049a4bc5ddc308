"""How files of older versions are read.

In files of version 1, the weights of PLRNNs are ``(post, pre)``. Since version 2 they are ``(pre,
post)`` as those of every model. Since version 3, classes of parameters and noise have other names.
A class names the fields concerned in ``post_pre_in_version_1``.
A class names its fields that had other names in ``renamed_fields``, old name to new; classes that
had another name are in ``RENAMED``, with their old fields.
"""

import re
from collections.abc import Container
from typing import Any

import jax
from jaxtyping import PyTree

from neurodyn.params.base import changed
from neurodyn.params.transposed import transposed

_SPIKING, _PVRNN = "neurodyn.models.spiking", "neurodyn.models.pvrnn"
#: Old name of a class -> its name now.
RENAMED = {
    "neurodyn.params.FixedParameter": "neurodyn.params.Fixed",
    "neurodyn.params.BoundedParameter": "neurodyn.params.Bounded",
    "neurodyn.params.ClampedParameter": "neurodyn.params.Clamped",
    "neurodyn.params.GroupedParameter": "neurodyn.params.Grouped",
    "neurodyn.params.IndexedParameter": "neurodyn.params.Indexed",
    "neurodyn.params.ScaledParameter": "neurodyn.params.Scaled",
    "neurodyn.params.MaskedParameter": "neurodyn.params.Masked",
    "neurodyn.params.LowRankParameter": "neurodyn.params.LowRank",
    "neurodyn.params.BlocksParameter": "neurodyn.params.Blocks",
    "neurodyn.params.DaleParameter": "neurodyn.params.Dale",
    "neurodyn.params.transposed.TransposedParameter": "neurodyn.params.transposed.Transposed",
    f"{_SPIKING}.weights.SignedParameter": "neurodyn.params.Dale",
    f"{_SPIKING}.neuron.JoinedParameter": f"{_SPIKING}.cells.neuron.Joined",
    f"{_SPIKING}.neuron.Initial": f"{_SPIKING}.cells.neuron.Initial",
    f"{_SPIKING}.projection.Connection": f"{_SPIKING}.network.projection.Connection",
    f"{_SPIKING}.short_term.Release": f"{_SPIKING}.synapses.short_term.Release",
    f"{_PVRNN}.inference.Adam": f"{_PVRNN}.inference.descent.Adam",
    f"{_PVRNN}.window.Carry": f"{_PVRNN}.inference.window.Carry",
    f"{_PVRNN}.window.Reports": f"{_PVRNN}.inference.window.Reports",
    "neurodyn.tasks.recordings.Recordings": "neurodyn.tasks.recordings.recordings.Recordings",
    "neurodyn.units.Chosen": "neurodyn.engine.chosen.Chosen",
    "neurodyn.intervene.WeightChange": "neurodyn.engine.intervene.WeightChange",
    "neurodyn.solving.SpikeTimes": "neurodyn.engine.events.SpikeTimes",
    "neurodyn.training.forcing.Alpha": "neurodyn.training.objectives.forcing.Alpha",
}
# States and weights were listed by the package, and are by its rooms.
_CELLS = ("Adapting", "Potential", "Recovering")
_NETWORK = ("CSR", "Dense", "NetworkMemory", "NetworkX", "ProjectionMemory", "ReadoutMemory")
RENAMED |= {f"{_SPIKING}.{name}": f"{_SPIKING}.cells.{name}" for name in _CELLS}
RENAMED |= {
    f"{_SPIKING}.{name}": f"{_SPIKING}.network.{name}" for name in (*_NETWORK, "WhatWhenMemory")
}
#: Old name of a class -> old names of its fields that were renamed, and their names now.
_FIELDS = {
    "neurodyn.params.GroupedParameter": {"inner": "of", "index": "groups"},
    "neurodyn.params.ScaledParameter": {"inner": "of"},
    "neurodyn.params.MaskedParameter": {"inner": "of"},
    "neurodyn.params.DaleParameter": {"inner": "of", "sign": "ei"},
    "neurodyn.params.transposed.TransposedParameter": {"inner": "of"},
    f"{_SPIKING}.weights.SignedParameter": {"inner": "of", "sign": "ei"},
    f"{_SPIKING}.neuron.JoinedParameter": {"parts": "of"},
}


def renamed_class(name: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name of a class and its fields as they are called now.

    Parameters
    ----------
    name
        Name of the class in a file.
    fields
        Its fields, as read from the file.
    """
    names = _FIELDS.get(name, {})
    fields = {names.get(field, field): x for field, x in fields.items()}
    # Numbers that follow from the arrays were not stored.
    if name == "neurodyn.params.IndexedParameter":
        fields["n"] = len(fields["values"])
    elif name == "neurodyn.params.LowRankParameter":
        fields["rank"] = fields["n"].shape[1]
    elif name == "neurodyn.params.BlocksParameter":
        fields["areas"] = tuple((str(i), n) for i, n in enumerate(fields.pop("sizes")))
        fields |= {"within": None, "between": {}}
    return RENAMED.get(name, name), fields


#: Old names of fields with trained arrays, in the names of leaves in checkpoints.
_LEAVES = {
    "inner": "of",
    "noise": "noise_std",
    "sigma": "noise_std",
    "current_noise": "current_noise_std",
}


def renamed_leaf(name: str, known: Container[str]) -> str:
    """Name of a leaf of a checkpoint of version 1 or 2 as it is called now.

    Parameters
    ----------
    name
        Path of the leaf in the file, such as ``state[0].params.W.inner``.
    known
        Names of the leaves of this run, which stay.
    """
    if name in known:
        return name
    return re.sub(r"(?<=\.)\w+", lambda part: _LEAVES.get(part[0], part[0]), name)


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
    turned = {name: _turned(getattr(tree, name)) for name in names}
    return changed(tree_, **turned) if names else tree_


def _turned_fields(cls: type) -> tuple[str, ...]:
    return getattr(cls, "post_pre_in_version_1", ())


def _turned(x: Any) -> Any:
    # Optimisers without an entry for a matrix hold a single number in its place.
    return x if getattr(x, "size", 0) == 1 and x.ndim < 2 else transposed(x)
