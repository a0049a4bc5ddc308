"""One short description of a system for `repr`."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax

from neurodyn.common.reprs import brief
from neurodyn.params.use import trainable


def described(system: Any, *about: str, hide: Sequence[str] = ()) -> str:
    """Describe a system in at most five lines; arguments as for `neurodyn.common.reprs.brief`."""
    try:
        free = eqx.filter(system, trainable(system))
        n = sum(x.size for x in jax.tree.leaves(free))
    except Exception:  # a tree of the same structure without its arrays, such as a filter
        return brief(system, *about, hide=hide)
    return brief(system, *about, f"{n:,} trainable parameters", hide=hide)
