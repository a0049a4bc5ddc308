"""What environments say of their trials and epochs, as equally long columns."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: Labels of trials that runs have anyway; conditions of that name get another one.
_TAKEN = {"choice", "correct", "input", "item", "mse", "n_valid", "output", "rt", "time", "trial"}
_TAKEN |= {"unit", "valid_until"}
_ABSENT = object()
#: Whole numbers beyond this become floats: conditions are 32 bit.
_LARGEST = 2**31 - 1


def condition_columns(
    owner: str, about: Sequence[Mapping[str, Any]], epochs: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, dict[int, str]]]:
    """Numbers as they are, truth values and texts as codes; what is neither is left out.

    Where a trial does not have a condition that others have, a number is 0 and a code -1 ("none").

    Returns
    -------
    The columns, and the names of their codes.
    """
    columns, labels, dropped = {}, {}, []
    edges = {f"{name}_{edge}" for name in epochs for edge in ("start", "stop")}
    for key in dict.fromkeys(key for each in about for key in each):
        name = f"trial_{key}" if str(key) in _TAKEN | edges else str(key)
        values = [_plain(each.get(key, _ABSENT)) for each in about]
        there = [value for value in values if value is not _ABSENT]
        if there and all(type(value) in (int, float) for value in there):
            columns[name] = _numbers(values)
        elif there and all(isinstance(value, (bool, str)) for value in there):
            columns[name], labels[name] = _codes(values)
        elif there:
            dropped.append(str(key))
    if dropped:
        warnings.warn(
            f"{owner}: {', '.join(map(repr, dropped))} of its trials are neither numbers nor texts "
            "and become no conditions.",
            stacklevel=4,
        )
    return columns, labels


def epoch_columns(
    spans: Sequence[Mapping[str, tuple[int, int]]], dt: float
) -> dict[str, np.ndarray]:
    """Start and stop [ms] of each epoch that lasts a step in some trial; (0, 0) where it does not.

    Returns
    -------
    dict
        ``{name: (item, 2)}``.
    """
    found = {}
    for name in dict.fromkeys(name for each in spans for name in each):
        steps = np.array([each.get(name, (0, 0)) for each in spans], float)
        steps[steps[:, 0] == steps[:, 1]] = 0
        if steps.any():
            found[name] = steps * dt
    return found


def warn_of_cut(
    owner: str,
    timing: Mapping[str, Any],
    spans: Sequence[Mapping[str, tuple[int, int]]],
    dt: float,
) -> None:
    """Name the epochs that are shorter than their duration, because neurogym rounds down."""
    cut = []
    for name in dict.fromkeys(name for each in spans for name in each):
        span = timing.get(name)
        if isinstance(span, (int, float)):
            if span % dt > 1e-6 and dt - span % dt > 1e-6:
                cut.append(f"{name!r} lasts {span // dt * dt:g} ms instead of {span:g}")
        elif span is not None and all(a == b for a, b in (s.get(name, (0, 0)) for s in spans)):
            cut.append(f"{name!r} never lasts a step")
    if cut:
        warnings.warn(
            f"{owner}: steps of {dt:g} ms cut epochs short: {', '.join(cut)}. Choose a dt that "
            "divides them.",
            stacklevel=4,
        )


def _plain(value: Any) -> Any:
    """A number, truth value or text of Python, where it is one; None is the same as absent."""
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        value = value.item()
    if value is None:
        return _ABSENT
    return value if not isinstance(value, float) or np.isfinite(value) else (value,)


def _numbers(values: Sequence[Any]) -> np.ndarray:
    filled = np.array([0 if value is _ABSENT else value for value in values])
    small = filled.dtype.kind == "i" and np.abs(filled).max() <= _LARGEST
    return filled if small else filled.astype(float)


def _codes(values: Sequence[Any]) -> tuple[np.ndarray, dict[int, str]]:
    words = [None if value is _ABSENT else str(value) for value in values]
    names = sorted({word for word in words if word is not None})
    codes = {None: -1} | {word: i for i, word in enumerate(names)}
    labels = ({-1: "none"} if None in words else {}) | dict(enumerate(names))
    return np.array([codes[word] for word in words]), labels
