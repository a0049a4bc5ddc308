"""Where the data of an NWB file are, and what they are called."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from hdmf.common import DynamicTable
from pynwb import TimeSeries
from pynwb.core import MultiContainerInterface, NWBDataInterface
from pynwb.misc import AnnotationSeries, IntervalSeries

from neurodyn.io.parts import distinct

#: Containers of a file, and the names of their places.
_PLACES = {
    "acquisition": ("acquisition",),
    "stimulus": ("stimulus", "presentation"),
    "stimulus_template": ("stimulus", "templates"),
    "analysis": ("analysis",),
    "scratch": ("scratch",),
    "processing": (),
    "intervals": ("intervals",),
    "events": ("events",),
    "lab_meta_data": ("general",),
}

Place = tuple[str, ...]


def named_series(nwbfile: Any, taken: Collection[str] = ()) -> dict[str, Any]:
    """Series of a file by the paths that they get in a recording, and tables of events.

    Parameters
    ----------
    nwbfile
        File of pynwb.
    taken
        Names of the tables of intervals.

    Returns
    -------
    `signals/NAME`, `events/NAME` and `intervals/NAME`; where several have one name, as
    `neurodyn.io.parts.distinct` names them. Tables of intervals keep their name; a series of the
    same name gets its place before it.
    """
    roots = roots_of(nwbfile)
    found: dict[str, list[tuple[Place, Any]]] = {"events": [], "signals": []}
    found["intervals"] = [(("intervals", name), None) for name in taken]
    for each in nwbfile.objects.values():
        if kind := _kind(each):
            found[kind].append((place_of(each, roots), each))
    return {
        f"{kind}/{name}": each
        for kind, parts in found.items()
        for name, (_, each) in zip(distinct([p for p, _ in parts]), parts, strict=True)
        if each is not None
    }


def other_parts(nwbfile: Any) -> Iterator[str]:
    """Data that are neither series nor tables: "path: type"."""
    roots = roots_of(nwbfile)
    for each in nwbfile.objects.values():
        if not isinstance(each, NWBDataInterface) or _kind(each) or each is nwbfile:
            continue
        holds = isinstance(each, MultiContainerInterface) and any(
            isinstance(child, (DynamicTable, NWBDataInterface)) for child in each.children
        )
        if not holds:
            yield f"{'/'.join(place_of(each, roots))}: {type(each).__name__} is not read"


def is_events_table(each: Any) -> bool:
    """Whether it is a table of events, which pynwb has only from version 4 on."""
    return isinstance(each, DynamicTable) and type(each).__name__ == "EventsTable"


def _kind(each: Any) -> str | None:
    if isinstance(each, IntervalSeries):
        return "intervals"
    if isinstance(each, AnnotationSeries) or is_events_table(each):
        return "events"
    if not isinstance(each, TimeSeries):
        return None
    dtype = getattr(each.data, "dtype", None)
    return "events" if dtype is not None and np.dtype(dtype).kind in "OSUT" else "signals"


def roots_of(nwbfile: Any) -> dict[int, Place]:
    """Paths of the containers at the top of a file, by their identity."""
    return {
        id(each): (*place, each.name)
        for attribute, place in _PLACES.items()
        for each in (getattr(nwbfile, attribute, None) or {}).values()
        if hasattr(each, "name")
    }


def place_of(each: Any, roots: dict[int, Place]) -> Place:
    """Path of something in a file, its name last; `roots` is what `roots_of` returns."""
    names: Place = ()
    while id(each) not in roots:
        names = (each.name, *names)
        if each.parent is None or each.parent.parent is None:  # the file itself
            return ("general", *names) if len(names) > 1 else ("file", *names)
        each = each.parent
    return (*roots[id(each)], *names)
