"""Channels of one task among those of many."""

from collections.abc import Sequence
from itertools import groupby

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

#: Sources that are no column: a column of zeros, and one of ones.
ZERO, ONE = -1, -2


def arranged(
    x: Shaped[Array, "*batch column"], source: Sequence[int]
) -> Shaped[Array, "*batch new"]:
    """Put columns in another order.

    Parameters
    ----------
    x
        Columns on the last axis.
    source
        For each new column, the number of the old one, `ZERO` or `ONE`.

    Notes
    -----
    Runs of neighbours are copied as slices, because XLA gathers column by column.
    """
    places = list(source)
    runs = groupby(
        range(len(places)), lambda i: (places[i] - i, -1) if places[i] >= 0 else (places[i], 0)
    )
    pieces = []
    for _, members in runs:
        first, *_ = run = [places[i] for i in members]
        if first >= 0:
            pieces.append(x[..., first : first + len(run)])
        else:
            pieces.append(jnp.full((*x.shape[:-1], len(run)), first == ONE, x.dtype))
    if not pieces:
        return x[..., :0]
    return pieces[0] if len(pieces) == 1 else jnp.concatenate(pieces, axis=-1)


def united(
    names: Sequence[str], channels: Sequence[Sequence[str]], shared: bool
) -> tuple[tuple[str, ...], list[list[int]]]:
    """One list of the channels of many tasks.

    Parameters
    ----------
    names
        Names of the tasks.
    channels
        Names of the channels of each.
    shared
        Whether channels of the same name are one channel; else each task has channels of its own,
        ``TASK_CHANNEL``.

    Returns
    -------
    all
        The names.
    places
        For each task, where its channels are among them.
    """
    if not shared:
        channels = [[f"{n}_{c}" for c in own] for n, own in zip(names, channels, strict=True)]
    found = tuple(dict.fromkeys(c for own in channels for c in own))
    at = {name: i for i, name in enumerate(found)}
    return found, [[at[c] for c in own] for own in channels]


def sources(places: Sequence[int], n: int) -> np.ndarray:
    """For each of ``n`` channels, the channel of the task that it is, or `ZERO`."""
    found = np.full(n, ZERO)
    found[list(places)] = np.arange(len(places))
    return found
