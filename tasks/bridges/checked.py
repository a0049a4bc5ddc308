"""Checks of trials that were made elsewhere, with errors that name what is wrong and where."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from neurodyn.tasks.sequences.given import checked_condition, checked_lengths

_WHO = "StoredTrials"


def checked_trials(
    inputs: Any, targets: Any, lengths: Any, mask: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Inputs, targets and weights of equally many trials and steps, and the steps of each trial.

    What lies beyond the end of a trial becomes 0.

    Returns
    -------
    Inputs ``(item, time, input)``, targets and mask ``(item, time, output)`` (one output for
    classes), and the steps of each trial, or None where all have the full length.
    """
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    if inputs.ndim != 3 or inputs.dtype.kind not in "iufb":
        raise ValueError(
            f"{_WHO}: `inputs` must be numbers (item, time, input), got {inputs.dtype} of shape "
            f"{inputs.shape}."
        )
    ndim = {"i": 2, "u": 2, "f": 3}.get(targets.dtype.kind)
    if targets.ndim != ndim or targets.shape[:2] != inputs.shape[:2] or not targets.size:
        raise ValueError(
            f"{_WHO}: `targets` must be classes (item, time) as whole numbers, or numbers "
            f"(item, time, output), of as many trials and steps as the inputs "
            f"{inputs.shape[:2]}; got {targets.dtype} of shape {targets.shape}."
        )
    n, n_steps = inputs.shape[:2]
    found = checked_lengths(lengths, n, n_steps, owner=_WHO)
    n_valid = None if found is None else np.asarray(found)
    ends = np.full(n, n_steps) if n_valid is None else n_valid
    inside = (np.arange(n_steps) < ends[:, None])[..., None]
    targets = targets[..., None] if ndim == 2 else targets
    mask = _checked_mask(mask, targets) * inside
    if not mask.any((1, 2)).all():
        first = int(np.argmin(mask.any((1, 2))))
        raise ValueError(f"{_WHO}: no step of trial {first} is scored: its `mask` is 0.")
    for name, values in (("inputs", inputs), ("targets", targets)):
        bad = ~np.isfinite(values) & inside
        if bad.any():
            trial, step, channel = (int(x) for x in np.argwhere(bad)[0])
            raise ValueError(
                f"{_WHO}: `{name}` hold NaN or infinite values, first in step {step}, channel "
                f"{channel} of trial {trial}. Pass `lengths=` where they only fill up short trials."
            )
    return np.where(inside, inputs, 0), np.where(inside, targets, 0), mask, n_valid


def _checked_mask(mask: Any, targets: np.ndarray) -> np.ndarray:
    if mask is None:
        return np.ones(targets.shape)
    given = np.asarray(mask)
    wide = given[..., None] if given.ndim == 2 else given
    fits = wide.ndim == 3 and wide.shape[:2] == targets.shape[:2]
    if not fits or wide.shape[2] not in (1, targets.shape[2]) or given.dtype.kind not in "iufb":
        raise ValueError(
            f"{_WHO}: `mask` must be a weight for each of the steps {targets.shape[:2]}, got "
            f"{given.dtype} of shape {given.shape}."
        )
    if not np.isfinite(wide).all() or wide.min() < 0:
        raise ValueError(f"{_WHO}: `mask` must be weights of at least 0, got {wide.min():g}.")
    return np.broadcast_to(wide, targets.shape)


def checked_channels(
    kind: str, names: Sequence[str] | None, values: Shaped[np.ndarray, "..."] | int
) -> tuple[str, ...]:
    """Names of the channels, one for each: of a number of inputs, or of the outputs of targets."""
    classes = not isinstance(values, int) and values.dtype.kind in "iu"
    if isinstance(values, int):
        n = values
    elif classes:
        n = max(int(values.max()) + 1, 0 if names is None else len(names))
        if values.min() < 0:
            raise ValueError(f"{_WHO}: classes of `targets` count from 0, got {values.min()}.")
    else:
        n = values.shape[2]
    found = tuple(str(x) for x in (names or [f"{kind} {i}" for i in range(n)]))
    if len(found) != n or len(set(found)) != n:
        what = f"{n} classes from 0 to {n - 1}" if classes else f"{n} {kind}s"
        raise ValueError(f"{_WHO}: `{kind}_names` must name each of the {what} once, got {found}.")
    return found


def checked_columns(
    conditions: Mapping[str, Any], labels: Mapping[str, Mapping[int, str]], n: int
) -> dict[str, Array]:
    """Conditions as one array each; codes must have their labels."""
    found = {name: checked_condition(name, x, n, owner=_WHO) for name, x in conditions.items()}
    for name, of in labels.items():
        if name not in found:
            raise ValueError(f"{_WHO}: `labels` name {name!r}, which is none of the conditions.")
        if unnamed := set(np.unique(np.asarray(found[name])).tolist()) - set(of):
            raise ValueError(
                f"{_WHO}: condition {name!r} has the codes {sorted(unnamed)}, which `labels` do "
                f"not name; it names {dict(of)}."
            )
    return found


def checked_epochs(
    epochs: Mapping[str, Any], ends: Float[np.ndarray, " item"]
) -> dict[str, Float[Array, "item 2"]]:
    """Intervals that lie within their trials."""
    found = {}
    for name, given in epochs.items():
        both = np.asarray(given, float)
        if both.shape != (len(ends), 2):
            raise ValueError(
                f"{_WHO}: epoch {name!r} must be (start, stop) [ms] for each of the {len(ends)} "
                f"trials, got shape {both.shape}."
            )
        right = (both[:, 0] >= 0) & (both[:, 0] <= both[:, 1])
        right &= both[:, 1] <= ends * (1 + 1e-6)
        if not right.all():
            i = int(np.argmin(right))
            raise ValueError(
                f"{_WHO}: epoch {name!r} of trial {i} goes from {both[i, 0]:g} to {both[i, 1]:g} "
                f"ms, but the trial from 0 to {ends[i]:g} ms."
            )
        found[name] = jnp.asarray(both, jnp.result_type(float))
    return found
