"""One system or several, with their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr


def many(systems: Any) -> bool:
    """Whether these are several systems: a list, or a mapping by names that is no Dataset."""
    return isinstance(systems, (list, tuple, Mapping)) and not isinstance(systems, xr.Dataset)


def collected(systems: Any, what: str) -> list[tuple[str, Any]]:
    """Systems by their names; those of a list are numbered."""
    if not many(systems):
        return [(what, systems)]
    if isinstance(systems, Mapping):
        found = [(str(name), system) for name, system in systems.items()]
    else:
        found = [(f"{what}{i}", system) for i, system in enumerate(systems)]
    if not found:
        raise ValueError(f"{what} holds no systems.")
    return found
