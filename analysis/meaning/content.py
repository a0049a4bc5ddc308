"""What of a recording can be read out of other data: its principal components, task variables."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.analysis.prediction.ridge import predicted, ridge_side
from neurodyn.analysis.shared.measure import CrossValidation


class Components(NamedTuple):
    """Principal components of a recording.

    Attributes
    ----------
    scores
        Activity along each, the largest first.
    axes
        Their axes.
    explained
        Fraction of the variance.
    """

    scores: Float[np.ndarray, "condition time component"]
    axes: Float[np.ndarray, "unit component"]
    explained: Float[np.ndarray, " component"]


def components_of(y: Float[np.ndarray, "condition time unit"], n: int | None) -> Components:
    """The first principal components; by default those that vary beyond rounding."""
    flat = np.asarray(y).reshape(-1, y.shape[-1])
    flat = flat - flat.mean(0)
    left, values, right = np.linalg.svd(flat, full_matrices=False)
    present = int((values > values[0] * max(flat.shape) * np.finfo(float).eps).sum())
    if n is not None and not 1 <= n <= present:
        raise ValueError(f"n_components must be from 1 to {present}, got {n}.")
    k = present if n is None else n
    share = values**2 / (values**2).sum()
    scores = (left * values)[:, :k].reshape(*y.shape[:2], k)
    return Components(scores, right[:k].T, share[:k])


@jax.jit
def _predictions(x, scores, labels, folds: CrossValidation):
    """Components by one readout for all times, and labels by a readout for each time.

    Of one set, because compiling this takes longer than reading many.
    """

    def read(x, goal):
        return predicted(ridge_side(x, folds.held_out, folds.penalties), goal)

    return read(x, scores), jax.vmap(lambda now: read(now[:, None], labels)[:, 0], 1, 1)(x)


def content(
    sets: Float[Array, "set condition time unit"],
    components: Components,
    variables: dict[str, Float[np.ndarray, "condition column"]],
    folds: CrossValidation,
) -> tuple[Float[np.ndarray, "set component"], Float[np.ndarray, "set variable"]]:
    """Held-out R2 of each component, and of each task variable.

    Both are read out by ridge regression, in conditions that it was not fitted to: components by
    one readout for all times, task variables by one for each time.
    """
    labels = np.concatenate(list(variables.values()), axis=1)
    labels = labels - labels.mean(0)
    scores = components.scores
    goals = jnp.asarray(scores), jnp.asarray(labels)[:, None]
    read = zip(*[_predictions(x, *goals, folds) for x in np.asarray(sets)], strict=True)
    of_scores, of_labels = (np.stack(each) for each in read)
    captured = 1 - ((scores - of_scores) ** 2).sum((1, 2)) / (scores**2).sum((0, 1))
    error = ((labels[:, None] - of_labels) ** 2).sum(1)
    widths = [columns.shape[1] for columns in variables.values()]
    starts = np.cumsum([0, *widths[:-1]])
    error = np.add.reduceat(error.sum(1), starts, axis=-1)
    total = np.add.reduceat((labels**2).sum(0), starts) * scores.shape[1]
    return captured, 1 - error / total


def without_variable(
    y: Float[np.ndarray, "condition time unit"],
    variables: dict[str, Float[np.ndarray, "condition column"]],
    name: str,
) -> tuple[Float[np.ndarray, "condition time unit"], Bool[np.ndarray, ""]]:
    """Activity of which all that depends on a task variable is averaged out.

    Conditions that agree in the other variables get their mean. Also whether any two do.
    """
    others = [columns for other, columns in variables.items() if other != name]
    table = np.concatenate(others, axis=1) if others else np.zeros((len(y), 1))
    group = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
    sums = np.zeros((group.max() + 1, *y.shape[1:]))
    np.add.at(sums, group, y)
    counts = np.bincount(group)
    return (sums / counts[:, None, None])[group], np.asarray(counts.max() > 1)
