"""Find the same unit or signal in the segments of a neo Block, by name or id, never by position."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurodyn.io.parts import decode
from neurodyn.labels import LabelError
from neurodyn.labels.names import free_name

_IDS = ("unit_id", "id", "unit", "unit_index", "cluster_id", "cluster")
_CHANNELS = ("channel", "channel_id", "channel_index", "channel_name", "electrode", "electrode_id")
#: What tells spike trains apart, in this order: the first that is unique in each segment is taken.
TRAINS = (
    ("name",),
    *((name,) for name in _IDS),
    *((channel, name) for channel in _CHANNELS for name in (*_IDS, "name")),
)
SIGNALS = (("name",), ("name", "channel_ids"), ("name", "channel_names"), ("name", "units"))
#: What neo and its file formats add to annotations.
_OF_NEO = ("nix_name", "neurodyn", "long_name")
#: Columns of ours that mean the same there.
_SHARED = ("unit_id", "trial_id")
_PLAIN = (str, bytes, bool, int, float, np.generic)


def match(
    per_segment: Sequence[Sequence[Any]], ways: Sequence[tuple[str, ...]], what: str
) -> list[list[Any]]:
    """Match the trains or signals of several segments.

    Parameters
    ----------
    per_segment
        Objects of each segment.
    ways
        Names of attributes and annotations that may tell them apart.
    what
        What they are, in words.

    Returns
    -------
    For each unit or signal its object in each segment; None in segments that do not have it.

    Raises
    ------
    LabelError
        If nothing tells them apart.
    """
    if len(per_segment) == 1:
        return [[each] for each in per_segment[0]]
    rows: dict[Any, list[Any]] = {}
    for s, (objects, keys) in enumerate(
        zip(per_segment, _keys(per_segment, ways, what), strict=True)
    ):
        for each, key in zip(objects, keys, strict=True):
            rows.setdefault(key, [None] * len(per_segment))[s] = each
    return list(rows.values())


def _keys(per_segment: Sequence[Sequence[Any]], ways: Sequence, what: str) -> list[list[Any]]:
    for way in ways:
        keys = [[_key(each, way) for each in objects] for objects in per_segment]
        if all(None not in own and len(set(own)) == len(own) for own in keys):
            return keys
    if max(map(len, per_segment)) < 2:
        return [[()] * len(objects) for objects in per_segment]
    names = [[each.name for each in objects[:4]] for objects in per_segment[:3]]
    raise LabelError(
        f"the segments hold different {what}, or several without names or ids that tell them apart "
        f"(names in the first segments: {names}), so that they cannot be matched. Give each a name "
        "that is the same in every segment, or convert the segments one by one: "
        "from_neo(block.segments[i])."
    )


def _key(each: Any, way: Sequence[str]) -> tuple | None:
    found = []
    for name in way:
        if name == "name":
            value = each.name or None
        elif name == "units":
            value = str(each.units.dimensionality.simplified)
        else:
            value = each.annotations.get(name, each.array_annotations.get(name))
        if isinstance(value, np.ndarray):
            value = tuple(np.ravel(value).tolist())
        if value is None or not isinstance(value, (*_PLAIN, tuple)):
            return None
        found.append(value)
    return tuple(found)


def columns(
    rows: Sequence[Mapping[str, Any] | None], dim: str, what: str, left_out: list[str]
) -> dict[str, tuple]:
    """Coordinates from annotations.

    Parameters
    ----------
    rows
        Annotations of each unit, trial or sweep; None where there are none.
    dim
        Dim of the coordinates.
    what
        Whose annotations they are, in words.
    left_out
        Gets the names of annotations that are no numbers or words.

    Returns
    -------
    Coordinates in the form of `neurodyn.labels.dataset`. Numbers that are missing are NaN, and
    words that are missing are empty.
    """
    found: dict[str, tuple] = {}
    names = dict.fromkeys(name for row in rows for name in row or ())
    for name in names:
        if name in _OF_NEO:
            continue
        values = [None if row is None else row.get(name) for row in rows]
        column = _column(values)
        if column is None:
            left_out.append(f"annotation '{name}' of the {what}")
        else:
            ours = str(name) in _SHARED and name not in found
            found[str(name) if ours else free_name(str(name), found)] = (dim, *column)
    return found


def _column(values: Sequence[Any]) -> tuple | None:
    """Values and perhaps their unit; None if they are no plain values of one kind."""
    units = {str(v.dimensionality.string) for v in values if hasattr(v, "dimensionality")}
    if units:
        quantities = [v is None or (hasattr(v, "dimensionality") and v.ndim == 0) for v in values]
        if len(units) > 1 or not all(quantities):
            return None
        values = [None if v is None else v.magnitude.item() for v in values]
    there = [v for v in values if v is not None]
    if not all(isinstance(v, _PLAIN) for v in there):
        return None
    words = [isinstance(v, (str, bytes)) for v in there]
    if any(words) != all(words):
        return None
    if all(words):
        return (decode([("" if v is None else v) for v in values]),)
    if len(there) < len(values):
        values = [np.nan if v is None else float(v) for v in values]
    return (np.asarray(values), *units)
