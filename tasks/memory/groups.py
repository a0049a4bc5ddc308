"""Finite groups as multiplication tables."""

import itertools
import re
from typing import Any

import numpy as np
from jaxtyping import Int

#: Larger tables than that of S6 are not made.
LARGEST = 720


def named_group(name: str) -> tuple[Int[np.ndarray, "element element"], tuple[str, ...]]:
    """The table of a group and the names of its elements.

    Element 0 is the identity, and ``table[a, b]`` is first ``a``, then ``b``. Elements of ``Zn``
    are the numbers below n. Those of ``Sn`` and ``An`` are (even) permutations, named by where they
    take 0, 1, ..., in the order of these names.

    Parameters
    ----------
    name
        ``"Zn"``, ``"Sn"`` or ``"An"`` with a number n.

    Raises
    ------
    ValueError
        If it is none of these, or has more than 720 elements or fewer than 2.
    """
    match = re.fullmatch(r"([ZSA])(\d+)", name) if isinstance(name, str) else None
    if match is None:
        raise ValueError(f"`group` must be 'Zn', 'Sn' or 'An' with a number n, got {name!r}.")
    family, n = match[1], int(match[2])
    if not (2 <= n <= LARGEST if family == "Z" else {"S": 2, "A": 3}[family] <= n <= 6):
        raise ValueError(f"`group` = {name!r}: groups have from 2 to {LARGEST} elements here.")
    if family == "Z":
        number = np.arange(n)
        return ((number[:, None] + number) % n).astype(np.int32), tuple(map(str, range(n)))
    elements = [p for p in itertools.permutations(range(n)) if family == "S" or _even(p)]
    code = {p: i for i, p in enumerate(elements)}
    # First a, then b: x goes to b[a[x]].
    rows = [[code[tuple(b[x] for x in a)] for b in elements] for a in elements]
    return np.array(rows, np.int32), tuple("".join(map(str, p)) for p in elements)


def checked_table(table: Any) -> Int[np.ndarray, "element element"]:
    """A table that is given, if it is that of a group whose element 0 is the identity.

    Raises
    ------
    ValueError
        If it is not.
    """
    try:
        found = np.asarray(table)
    except ValueError:  # rows of different lengths
        found = np.empty(0)
    n = len(found) if found.ndim else 0
    if found.dtype.kind not in "iu" or found.shape != (n, n) or not 2 <= n <= LARGEST:
        raise ValueError(
            f"`group` must be a name or a square table of 2 to {LARGEST} codes, got shape "
            f"{found.shape} of {found.dtype}."
        )
    everything = np.arange(n)
    latin = all((np.sort(found, axis=axis) == _along(everything, axis)).all() for axis in (0, 1))
    neutral = (found[0] == everything).all() and (found[:, 0] == everything).all()
    if not latin or not neutral or (found[found] != found[:, found]).any():
        raise ValueError(
            "`group` must be the table of a group whose element 0 is the identity: each row and "
            "column holds every code once, and (a b) c = a (b c)."
        )
    return found.astype(np.int32)


def _along(values: Int[np.ndarray, " n"], axis: int) -> Int[np.ndarray, "..."]:
    return values[:, None] if axis == 0 else values[None, :]


def _even(permutation: tuple[int, ...]) -> bool:
    return sum(a > b for a, b in itertools.combinations(permutation, 2)) % 2 == 0
