"""Targeted dimensionality reduction: an axis of the population for each task variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neurodyn.analysis.shared.arrays import checked, pick, recorded, rows
from neurodyn.analysis.shared.axes import leading_axes
from neurodyn.analysis.shared.conditions import condition_means, task_variable
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError, clock
from neurodyn.labels.values import is_words

#: Condition number of the regressors of a unit from which they are no longer told apart.
_ALIKE = 1e8


def targeted_axes(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str],
    *,
    n_components: int | None = 12,
    normalise: bool = True,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Axes of a population for each task variable, by regression (targeted reduction, TDR).

    At each time, the activity of each unit is regressed on all task variables. The coefficients of
    a variable over units are a direction at each time. It is projected into the space of the first
    principal components of condition means, which removes noise, and taken at the time at which it
    is longest. The directions are made orthogonal one after the other, in the order of `by`.

    Parameters
    ----------
    activity
        Trials ``(trial, time, unit)`` or condition means ``(condition, time, unit)``. Units may
        have been recorded in different trials (NaN elsewhere).
    by
        Task variables: coordinates of trials or conditions, numbers or two words. Each is scaled to
        the range from -1 to 1 (of words the first in sorted order is -1).
    n_components
        Principal components that denoise; the paper takes 12, at most as many as there are. None:
        no denoising.
    normalise
        Whether each unit is divided by its standard deviation over trials and times, as in the
        paper, so that units with high rates count no more than others. Its mean is removed anyway.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset on ``component``, one for each task variable (coordinate ``variable``):

    ``axes`` (unit, component)
        Orthonormal axes, which point to the side of larger values.
    ``raw_axes`` (unit, component)
        The same before they were made orthogonal to those before, of length 1.
    ``scores`` (condition, time, component)
        Condition means along the axes. Task variables are coordinates.
    ``explained`` (component)
        Fraction of the variance of the condition means along the axis.
    ``norm`` (time, component), ``time_of_axis`` (component)
        Length of the denoised coefficients, and the time of the largest [ms].
    ``coefficients`` (time, unit, component)
        Coefficients of the regression, before denoising [standard deviations for half the range of
        the task variable].

    The attribute ``n_left_out`` counts conditions that some unit lacks: they serve the regression,
    but not principal components and scores.

    Raises
    ------
    LabelError
        If a task variable is unknown, missing in some trials or constant, or variables cannot be
        told apart in the trials of a unit; or trials end early.
    ValueError
        If there are more task variables than units or components.

    References
    ----------
    Mante, Sussillo, Shenoy & Newsome, Nature 2013. A model-based variant, with several axes for a
    variable: Aoi & Pillow, "Model-based targeted dimensionality reduction", NeurIPS 2018 (not
    here).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> side, level = np.repeat([-1.0, 1.0], 2), np.tile([0.0, 4.0], 2)
    >>> x = np.stack([side, level, side + level, 0 * side], -1)[:, None] * np.ones((1, 3, 1))
    >>> activity = labels.dataset(
    ...     {"rate": (("trial", "time", "unit"), x[..., :3], "Hz", "rate")},
    ...     {"time": np.arange(3.0), "side": ("trial", side), "level": ("trial", level)},
    ...     source="recording",
    ... )
    >>> found = analysis.targeted_axes(activity, ["side", "level"], normalise=False)
    >>> abs(found["raw_axes"].sel(component=0).values).round(3)
    array([0.707, 0.   , 0.707])
    """
    array = pick(activity, variable)
    names = [by] if isinstance(by, str) else list(by)
    dim = rows(array)
    array = array.transpose(dim, "time", "unit")
    regressors = np.stack([_scaled(array, name, dim) for name in names] or [np.zeros(0)], -1)
    x, seen = _normalised(array, dim, normalise)
    if not names or len(names) > x.shape[-1]:
        raise ValueError(f"{len(names)} task variables need as many axes of {x.shape[-1]} units.")
    slopes = _regressed(x, seen, regressors, names)
    means = condition_means(array.copy(data=np.where(seen[:, None], x, np.nan)), names)
    whole_ = means.notnull().all(("time", "unit")).values
    if whole_.sum() < 2:
        raise LabelError(f"only {whole_.sum()} conditions of {names} were recorded in every unit.")
    means = means.isel(condition=whole_).transpose("condition", "time", "unit")
    flat = means.values.reshape(-1, x.shape[-1])
    flat = flat - flat.mean(0)
    clean = slopes
    if n_components is not None:
        n = min(whole("n_components", n_components, len(names)), *flat.shape)
        kept = leading_axes(flat, n)
        clean = np.einsum("tup,uk,vk->tvp", slopes, kept, kept)
    norm = np.linalg.norm(clean, axis=1)
    at = norm.argmax(0)
    raw = clean[at, :, np.arange(len(names))].T
    size = np.linalg.norm(raw, axis=0)
    axes, triangle = np.linalg.qr(raw / np.where(size > 0, size, 1.0))
    if (np.abs(np.diag(triangle)) < 1 / _ALIKE).any():
        lost = [n for n, r in zip(names, np.abs(np.diag(triangle)), strict=True) if r < 1 / _ALIKE]
        raise LabelError(f"{', '.join(lost)} has no axis of its own, beside those named before it.")
    axes = axes * np.sign(np.diag(triangle))
    share = ((flat @ axes) ** 2).sum(0) / (flat**2).sum()
    time, _, unit = clock(array, what="activity", default=1.0, even=False)
    found = {
        "axes": (("unit", "component"), axes, "1", "axis of the task variable"),
        "raw_axes": (("unit", "component"), raw / size, "1", "axis, not made orthogonal"),
        "scores": (("condition", "time", "component"), means.values @ axes, "1", "projection"),
        "explained": ("component", share, "1", "fraction of the variance"),
        "norm": (("time", "component"), norm, "1", "length of the coefficients"),
        "time_of_axis": ("component", time[at], unit, "time of the axis"),
        "coefficients": (("time", "unit", "component"), slopes, "1", "coefficient"),
    }
    coords: dict[str, Any] = coords_of(array, "unit") | coords_of(array, "time")
    coords |= coords_of(means, "condition")
    coords["variable"] = ("component", np.array(names), "1", "task variable")
    return results(found, coords, n_left_out=int((~whole_).sum()))


def _scaled(array: xr.DataArray, name: str, dim: str) -> Float[np.ndarray, " row"]:
    """A task variable, from -1 to 1."""
    values = task_variable(array, name, dim).values
    if is_words(values) or values.dtype.kind == "b":
        levels, values = np.unique(values, return_inverse=True)
        if len(levels) > 2:
            raise LabelError(
                f"'{name}' has {len(levels)} words ({levels[:5].tolist()}...): regression needs "
                "numbers, or two words. Give one column for each word."
            )
    values = values.astype(np.float64)
    low, high = values.min(), values.max()
    if not low < high:
        raise LabelError(f"'{name}' is the same in all {dim}s: there is nothing to regress on it.")
    return (2 * values - low - high) / (high - low)


def _normalised(
    array: xr.DataArray, dim: str, normalise: bool
) -> tuple[Float[np.ndarray, "row time unit"], Bool[np.ndarray, "row unit"]]:
    """Activity without its mean, over its spread, 0 where it was not recorded; and where it was."""
    x = checked(array, missing=True).astype(np.float64)
    there = ~np.isnan(x)
    seen = recorded(x, dim)
    if not seen.any(0).all():
        raise LabelError(f"{int((~seen.any(0)).sum())} units were recorded in no {dim}.")
    x = np.where(there, x, 0.0)
    n = seen.sum(0) * x.shape[1]
    mean = x.sum((0, 1)) / n
    x = np.where(there, x - mean, 0.0)
    if normalise:
        spread = np.sqrt((x**2).sum((0, 1)) / n)
        if (spread == 0).any():
            raise LabelError(f"{int((spread == 0).sum())} units are constant: leave them out.")
        x = x / spread
    return x, seen


def _regressed(x, seen, regressors, names) -> Float[np.ndarray, "time unit variable"]:
    """Least-squares coefficients of each unit, over its own trials."""
    F = np.column_stack([regressors, np.ones(len(regressors))])
    square = np.einsum("ku,kp,kq->upq", seen, F, F)
    bad = np.linalg.cond(square) > _ALIKE
    if bad.any():
        raise LabelError(
            f"{', '.join(names)} cannot be told apart in the trials of {int(bad.sum())} units "
            f"(the first is number {int(bad.argmax())}): they vary together, or hardly at all."
        )
    cross = np.einsum("ktu,kp->upt", x, F)
    return np.linalg.solve(square, cross).transpose(2, 0, 1)[..., : len(names)]
