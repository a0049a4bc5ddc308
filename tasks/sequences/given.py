"""Stored sequences as users give them: arrays, labelled arrays or lists, read and checked."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Int

from neurodyn import labels
from neurodyn.common.random import as_key
from neurodyn.labels import Observed, pair, read_sequences


def read_given(data: Any, dt: Any) -> tuple[Observed, np.ndarray | None]:
    """Read an array, a labelled array or a list of sequences.

    Returns
    -------
    The sequences ``(trial, time, output)`` with NaN after the end of each, and the time at which
    each begins (None where all begin at the same time).
    """
    if not isinstance(data, (list, tuple)) or any(np.ndim(x) != 2 for x in data):
        return read_sequences(data, dt=dt, name="data"), None
    several = []
    for i, x in enumerate(data):
        one = x.expand_dims("trial") if isinstance(x, xr.DataArray) else np.asarray(x)[None]
        several.append(read_sequences(one, dt=dt, name=f"data[{i}]"))
    outputs = [x.coords.get("output", np.arange(x.values.shape[2])).tolist() for x in several]
    units = [x.unit for x in several]
    for what, found in (
        ("outputs", outputs),
        ("steps", [x.dt for x in several]),
        ("unit of time", units),
    ):
        other = [i for i, value in enumerate(found) if value != found[0]]
        if other:
            raise ValueError(
                f"Sequences: the sequences of a list need the same {what}: data[0] has {found[0]}, "
                f"data[{other[0]}] has {found[other[0]]}."
            )
    lengths = [x.values.shape[1] if x.n_valid is None else int(x.n_valid[0]) for x in several]
    values = np.full((len(several), max(lengths), len(outputs[0])), np.nan)
    for row, x, n in zip(values, several, lengths, strict=True):
        row[:n] = x.values[0, :n]
    names = {n: v for n, v in several[0].coords.items() if n == "output"}
    if all("trial" in x.coords for x in several):
        trials = np.asarray([x.coords["trial"].values[0] for x in several])
        names["trial"] = xr.Variable("trial", trials)
    dt = several[0].dt
    starts = np.asarray([x.start for x in several])
    same = np.ptp(starts) <= labels.TIME_TOLERANCE
    time = labels.time_axis(max(lengths), dt, starts[0] if same else 0.0)
    seen = Observed(values, dt, time, names, np.asarray(lengths), units[0])
    return seen, None if same else starts


def names_and_conditions(seen: Observed) -> dict[str, Any]:
    """Names of the outputs, and the numbers that name the sequences."""
    found: dict[str, Any] = {"conditions": {}}
    for name, coord in seen.coords.items():
        if name == "output":
            found["output"] = [str(value) for value in coord]
        elif coord.dtype.kind in "iuf" and name not in ("trial", "n_valid", "valid_until"):
            found["conditions"][name] = coord.values
    return found


def in_order(name: str, value: Any, trials: xr.DataArray) -> Any:
    """A labelled column in the order of the sequences; arrays are in that order."""
    if isinstance(value, xr.DataArray) and value.dims == ("trial",) and "trial" in value.coords:
        return pair(trials, value, what=("data", name))[1].values
    return value


def checked_lengths(
    lengths: Any, n: int, n_time: int, owner: str = "Sequences"
) -> Int[Array, " item"] | None:
    """Steps of each item, None where all have the full length."""
    if lengths is None:
        return None
    given = np.asarray(lengths)
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise ValueError(
            f"{owner}: `lengths` must be a whole number for each of the {n} items, got "
            f"{given.dtype} of shape {given.shape}."
        )
    if given.min() < 1 or given.max() > n_time:
        raise ValueError(
            f"{owner}: `lengths` must lie between 1 and the {n_time} steps there are, got "
            f"{given.min()} to {given.max()}."
        )
    return None if (given == n_time).all() else jnp.asarray(given, jnp.int32)


def check_finite(values: np.ndarray, valid: Bool[np.ndarray, "trial time"]) -> None:
    """Refuse sequences with NaN or infinite values before their end."""
    bad = ~np.isfinite(values).all(-1) & valid
    if bad.any():
        trial, step = (int(x) for x in np.argwhere(bad)[0])
        raise ValueError(
            f"Sequences: {int(bad.sum())} steps of `data` hold NaN or infinite values, first step "
            f"{step} of sequence {trial}. Interpolate them, or pass `lengths=` where they only "
            "fill up short sequences."
        )


def checked_condition(name: str, value: Any, n: int, owner: str = "Sequences") -> Array:
    """A column of finite numbers, one for each item."""
    given = np.asarray(value)
    if given.shape != (n,) or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
        raise ValueError(
            f"{owner}: condition {name!r} must be a finite number for each of the {n} items, got "
            f"{given.dtype} of shape {given.shape}."
        )
    whole = given.dtype.kind in "iu"
    return jnp.asarray(given, jnp.int32 if whole else jnp.result_type(float))


def drawn_items(
    n_items: int, key: Any, shape: tuple[int, ...], conditions: Mapping[str, Any]
) -> Int[Array, "..."]:
    """Numbers of items, drawn with replacement, or those given by the condition ``item``.

    Number i depends on the key and i only, not on how many are drawn.

    Raises
    ------
    ValueError
        If another condition is given, or an item that there is not.
    """
    if unknown := set(conditions) - {"item"}:
        raise ValueError(f"Unknown condition {sorted(unknown)}; this task takes: item.")
    if "item" not in conditions:
        key = as_key(key, needed_for="Drawing items")
        keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(math.prod(shape)))
        draw = jax.vmap(lambda k: jax.random.randint(k, (), 0, n_items, jnp.int32))
        return draw(keys).reshape(shape)
    which = jnp.asarray(conditions["item"], jnp.int32)
    if not isinstance(which, jax.core.Tracer):
        numbers = np.asarray(which)
        if numbers.shape not in ((), shape) or not (numbers.min() >= 0 and numbers.max() < n_items):
            raise ValueError(
                f"`item` must be one number or {shape} numbers from 0 to {n_items - 1}, got "
                f"{conditions['item']!r}."
            )
    return which
