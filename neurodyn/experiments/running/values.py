"""Values of settings: reading from text, checking, and writing as text."""

import dataclasses
import difflib
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from neurodyn.experiments.running.limits import Limits

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_TRUTH = {"true": True, "false": False}
_NOTHING = ("none", "null", "")


class _WrongError(Exception):
    """A value of another type."""


def read(name: str, value: Any, hint: Any, like: Any) -> Any:
    """Convert a value to the type of its setting.

    Parameters
    ----------
    name
        Name of the setting.
    value
        A Python value, or text as typed in a shell: ``True`` and ``true``, ``none``, ``1e-3``,
        ``10,20``, ``(10, 20)`` and ``[10, 20]``; a single value for a tuple of one.
    hint
        Annotation of the setting.
    like
        Default value, shown as an example in the error.

    Raises
    ------
    ValueError
        If the value is of another type, or out of range.
    """
    try:
        return _read(value, hint)
    except _WrongError as error:
        why = f" ({error})" if str(error) else ""
        raise ValueError(
            f"Setting {name!r} takes {described(hint)}, like {spelled(like)}; got {value!r}{why}."
        ) from None


def spelled(value: Any) -> str:
    """A value as text, as `read` takes it from a command line."""
    if isinstance(value, (tuple, list)):
        return ",".join(spelled(one) for one in value)
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def described(hint: Any) -> str:
    """Values that a setting takes, in words."""
    kind, limits = _unwrapped(hint)
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if _is_union(kind):
        return " or ".join(
            "none" if one is type(None) else described(one) for one in get_args(kind)
        )
    if get_origin(kind) is tuple:
        items = get_args(kind)
        if not items:
            return "nothing"
        if items[-1] is Ellipsis:
            return f"one or more values separated by commas, each {described(items[0])}"
        return f"{len(items)} values separated by commas, each {described(items[0])}"
    return _WORDS[kind] + (f" {limits}" if limits else "")


def limits_of(hint: Any) -> list[Limits | None]:
    """Limits of every number that a setting may hold; None for a number without limits."""
    kind, limits = _unwrapped(hint)
    if _is_union(kind) or get_origin(kind) is tuple:
        items = [one for one in get_args(kind) if one not in (type(None), Ellipsis)]
        return [found for one in items for found in limits_of(one)]
    return [limits] if kind in (int, float) else []


def as_read(settings: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Settings from a file in the types of a dataclass; unknown and invalid ones stay unchanged."""
    hints = get_type_hints(type(settings), include_extras=True)
    found = dict(stored)
    for field in dataclasses.fields(settings):
        if field.name in found:
            try:
                found[field.name] = _read(found[field.name], hints[field.name])
            except _WrongError:  # written by another version; it will differ
                continue
    return found


def _read(value: Any, hint: Any) -> Any:
    kind, limits = _unwrapped(hint)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if get_origin(kind) is Literal:
        return _one_of(_text(value), get_args(kind))
    if _is_union(kind):
        return _first(value, get_args(kind))
    if get_origin(kind) is tuple:
        return _several(value, get_args(kind))
    if kind is str:
        return _text(value)
    found = _truth(value) if kind is bool else _number(value, kind)
    if limits is not None and not limits.holds(found):
        raise _WrongError
    return found


def _several(value: Any, items: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(value, str):
        inside = value.strip()
        if inside[:1] + inside[-1:] in ("()", "[]"):
            inside = inside[1:-1]
        parts = [part.strip() for part in inside.split(",")]
        values = parts[:-1] if parts[-1] == "" else parts  # (10,)
    else:
        values = list(value) if isinstance(value, (list, tuple)) else [value]
    if items and items[-1] is Ellipsis:
        if not values:
            raise _WrongError("it holds no value")
        return tuple(_item(one, items[0]) for one in values)
    if len(values) != len(items):
        raise _WrongError(f"it holds {len(values)}")
    return tuple(_item(one, item) for one, item in zip(values, items, strict=True))


def _item(value: Any, hint: Any) -> Any:
    """One of several values; an error names the value."""
    try:
        return _read(value, hint)
    except _WrongError as error:
        more = f", {error}" if str(error) else ""
        raise _WrongError(f"not {value!r}{more}") from None


def _first(value: Any, kinds: tuple[Any, ...]) -> Any:
    """The value in the first of several types that accepts it."""
    if type(None) in kinds and (value is None or _word(value) in _NOTHING):
        return None
    told = ""
    for one in kinds:
        if one is not type(None):
            try:
                return _read(value, one)
            except _WrongError as error:
                told = told or str(error)
    raise _WrongError(told)


def _one_of(value: str, options: tuple[str, ...]) -> str:
    if value in options:
        return value
    close = difflib.get_close_matches(value, options, 1)
    raise _WrongError(f"did you mean {close[0]!r}?" if close else "")


def _truth(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    word = _word(value)
    if word in _TRUTH:
        return _TRUTH[word]
    raise _WrongError


def _number(value: Any, kind: type) -> Any:
    if isinstance(value, (bool, np.bool_)):
        raise _WrongError
    try:
        number = value if not isinstance(value, str) else _written(value)
        found = float(number)
    except (TypeError, ValueError):
        raise _WrongError from None
    if not math.isfinite(found):
        raise _WrongError("it must be finite")
    if kind is float:
        return found
    if found != int(number):
        raise _WrongError
    return int(number)


def _written(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _text(value: Any) -> str:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise _WrongError
    text = spelled(value).strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _word(value: Any) -> str | None:
    """Text in small letters; None for other values."""
    return value.strip().lower() if isinstance(value, str) else None


def _unwrapped(hint: Any) -> tuple[Any, Limits | None]:
    """A type, and the limits in its annotation."""
    if get_origin(hint) is not Annotated:
        return hint, None
    kind, *notes = get_args(hint)
    return kind, next((note for note in notes if isinstance(note, Limits)), None)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)
