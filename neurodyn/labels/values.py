"""The values of labels, which are numbers or words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from neurodyn.labels.convention import LabelError


def plain(values: Any) -> np.ndarray:
    """Turn words of any dtype into NumPy text; missing ones become "". Numbers stay unchanged."""
    values = np.asarray(values)
    if values.dtype.kind not in "OTS":
        return values
    there = ~missing(values)
    if values.dtype.kind == "O" and not all(isinstance(v, str) for v in values[there]):
        kinds = {type(v) for v in values[there]}
        if all(issubclass(kind, int | float | np.number | np.bool_) for kind in kinds):
            return np.array(np.where(there, values, np.nan).tolist())
        return values
    words = np.full(values.shape, "", dtype=object)
    words[there] = [v.decode() if isinstance(v, bytes) else str(v) for v in values[there].tolist()]
    return words.astype(str)


def missing(values: Any) -> np.ndarray:
    """Whether each label is missing: NaN, NaT or None."""
    values = np.asarray(values)
    if values.dtype.kind in "fcmM":
        return values != values
    if values.dtype.kind in "OT":
        return np.array([_no_word(v) for v in values.flat], bool).reshape(values.shape)
    return np.zeros(values.shape, bool)


def _no_word(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return value is None
    same = value == value  # pandas.NA gives NA, not a truth value
    return not (isinstance(same, bool | np.bool_) and bool(same))


def is_words(values: Any) -> bool:
    """Whether labels are words or truth values, which have no distances."""
    return plain(values).dtype.kind in "USOb"


def classes(values: Any, *, what: str) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels in sorted order, and for each entry the position of its label in them.

    Raises
    ------
    LabelError
        If words and numbers are mixed, so that they have no order.
    """
    values = plain(values)
    try:
        return np.unique(values, return_inverse=True)
    except TypeError:
        kinds = sorted({type(v).__name__ for v in values.flat})
        raise LabelError(
            f"the labels '{what}' mix {', '.join(kinds)}: make all of them words or numbers, "
            f".assign_coords({what}=obj.{what}.astype(str))."
        ) from None


def names_of(obj: Any, name: str) -> dict[str, str]:
    """Words for the codes of a label, from the attribute `labels` of a run; {} without them."""
    known = json.loads(str(getattr(obj, "attrs", {}).get("labels", "{}")))
    return {str(code): str(word) for code, word in known.get(name, {}).items()}
