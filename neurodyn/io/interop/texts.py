"""Values of columns as text, and back to the bit."""

import re

import numpy as np

from neurodyn.io.archive import FileFormatError

_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*)$")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|[+-]?inf(inity)?$", re.I)
_LED_BY_ZERO = re.compile(r"[+-]?0[0-9]")
_MISSING = ("", "nan", "na", "n/a", "null", "none")


def as_text(values: np.ndarray) -> list[str]:
    """Text of each value, from which `from_text` makes the same value again."""
    kind = values.dtype.kind
    if kind == "b":
        return ["true" if value else "false" for value in values.tolist()]
    if kind in "mM":
        return [str(value) for value in values.astype(np.int64).tolist()]
    if kind == "S":
        return np.char.decode(values, "latin-1").tolist()
    # Python's numbers, because float32 and float64 have other texts for the same number.
    return [repr(x) if isinstance(x, float) else str(x) for x in values.tolist()]


def from_text(values: np.ndarray, dtype: str) -> np.ndarray:
    """Values of a dtype, as notes have it, from texts.

    Raises
    ------
    FileFormatError
        If a text is no value of this dtype.
    """
    texts, shape = np.asarray(values).ravel().tolist(), np.shape(values)
    if dtype == "str":  # not by astype, which makes arrays of empty texts wider
        return np.array(texts, dtype=str).reshape(shape)
    kind = np.dtype(dtype)
    try:
        if kind.kind == "b":
            found = np.array([_TRUTH[text.strip().lower()] for text in texts], bool)
        elif kind.kind in "iumM":
            found = np.array([int(text) for text in texts], kind if kind.kind in "iu" else np.int64)
        elif kind.kind == "f":
            found = np.array([float(text or "nan") for text in texts], np.float64)
        elif kind.kind == "c":
            found = np.array([complex(text) for text in texts], np.complex128)
        elif kind.kind == "S":
            found = np.char.encode(np.array(texts, dtype=str), "latin-1")
        else:
            found = np.array(texts, object)
    except (ValueError, KeyError, OverflowError, UnicodeError) as error:
        raise FileFormatError(f"a column of {kind} holds something else ({error}).") from error
    return found.astype(kind).reshape(shape)


def guessed(texts: list[str]) -> np.ndarray:
    """Values of a column of which nothing is known: whole numbers, numbers, truth values, or text.

    Numbers with zeros before them, such as the labels 007, are text. Empty cells beside numbers are
    NaN.
    """
    lower = [text.strip().lower() for text in texts]
    if all(text in ("true", "false") for text in lower) and lower:
        return np.array([text == "true" for text in lower])
    if all(_WHOLE.match(text) for text in lower) and lower:
        whole = [int(text) for text in lower]
        inside = min(whole) >= -(1 << 63) and max(whole) < 1 << 63
        return np.array(whole, np.int64) if inside else np.array(texts, dtype=str)
    there = [text for text in lower if text not in _MISSING]
    zeros = any(_LED_BY_ZERO.match(text) for text in there)
    if there and not zeros and all(_NUMBER.match(text) for text in there):
        return np.array([np.nan if text in _MISSING else float(text) for text in lower])
    if not there and any(lower):
        return np.full(len(texts), np.nan)
    return np.array(texts, dtype=str)
