"""Whether a store holds the sweep that was asked for."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurodyn.sweeps.grid import Grid, text
from neurodyn.sweeps.work import Function, Study

VERSION = 1
_NOTHING = "not given"


def about_of(work: Function | Study, grid: Grid, keep: Sequence[str] | None) -> dict[str, Any]:
    """What makes a sweep this one, as JSON."""
    from importlib.metadata import version

    about = {
        "version": VERSION,
        **work.about(),
        "preset": work.preset if isinstance(work, Study) else None,
        "grid": {axis.name: axis.spelled() for axis in grid.axes},
        "keep": None if keep is None else list(keep),
        "source": work.source(),
        "versions": {name: version(name) for name in ("neurodyn", "jax")},
    }
    return json.loads(json.dumps(about))


def refuse_other(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    """Refuse to go on with another sweep.

    Raises
    ------
    ValueError
        If another function, grid, settings, key or version is there; the error names each.

    Warns
    -----
    UserWarning
        If the source of the function has changed.
    """
    found = [
        f"{name} is {_shown(there.get(name))} there, {_shown(here[name])} here"
        for name in ("version", "work", "preset", "key", "keep")
        if there.get(name) != here[name]
    ]
    if there.get("work") == here["work"]:
        for kind in ("grid", "settings"):
            old, new = there.get(kind, {}), here[kind]
            for name in dict.fromkeys((*old, *new)):
                before, now = old.get(name, _NOTHING), new.get(name, _NOTHING)
                if before != now:
                    found.append(f"{kind} {name!r} is {_shown(before)} there, {_shown(now)} here")
        if list(there.get("grid", {})) != list(here["grid"]) and not found:
            old, new = (_shown(list(one["grid"])) for one in (there, here))
            found.append(f"dims are {old} there, {new} here")
    if found:
        raise ValueError(
            f"{path} holds another sweep: {'; '.join(found)}. Choose another `out` (--out), or "
            "replace it with overwrite=True (--overwrite)."
        )
    if there.get("source") and here["source"] and there["source"] != here["source"]:
        warnings.warn(
            f"The source of {here['work']} has changed since this sweep began: points that are "
            f"done in {path} keep the results of the earlier one.",
            stacklevel=4,
        )


def _shown(value: Any) -> str:
    shown = text(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}..."
