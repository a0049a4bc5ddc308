"""Rotations of population activity: jPCA in closed form, with a null of surrogates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.populations.surrogates import surrogate
from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.axes import leading_axes
from neurodyn.analysis.shared.results import results
from neurodyn.analysis.shared.scaling import soft_normalised
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError, between, clock

#: What a null may keep.
NULLS = ("conditions", "covariances")


def jpca(
    activity: xr.Dataset | xr.DataArray,
    n_components: int = 6,
    *,
    window: Sequence[float] | None = None,
    soft: float = 5.0,
    subtract_mean: bool = True,
    null: str = "covariances",
    n_null: int = 100,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    r"""How much of the change of a population's activity is a rotation (jPCA).

    Activity is normalised, the mean over conditions is removed, and the first principal components
    :math:`x` are kept. Their change in a step is fitted by a linear map, once freely
    (:math:`\dot x = M x`) and once by a skew-symmetric one, which only rotates. The skew-symmetric
    fit has a closed form. Each pair of its eigenvectors spans a plane of rotation.

    Smooth activity that differs between conditions can be fitted by rotations without any
    dynamics. The null tells how well: it fits surrogate data.

    Parameters
    ----------
    activity
        Condition means ``(condition, time, unit)``, such as rates [Hz], on an even clock. Average
        trials with :func:`neurodyn.trials.average` first.
    n_components
        Principal components kept, an even number (Churchland et al. use 6).
    window
        Times that are used, ``(start, stop)`` [ms], half-open (in the paper 200 ms around the onset
        of movement: ``(-50, 160)`` at steps of 10 ms). Rates are normalised over all times.
        Default: all.
    soft
        Each unit is divided by its range plus this number [units of the activity], so that weak
        units count less. 5 Hz as in the paper; take 0 or a small number for hidden units.
    subtract_mean
        Whether the mean over conditions is removed at each time.
    null
        What surrogates keep: "covariances" (of times, of units and of conditions, and the means;
        otherwise random: tensor maximum entropy), or "conditions" (each unit's conditions are
        shuffled: its time courses stay, their coordination between units goes).
    n_null
        Number of surrogates; 0 leaves the null out.
    key
        Seed or key of the surrogates.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset with

    ``r2``, ``r2_rotation``, ``ratio``
        Fraction of the squared change that the free and the skew-symmetric map explain, and the
        second divided by the first.
    ``frequency`` (plane)
        Frequency of each plane's rotation [Hz], the fastest first.
    ``plane_variance`` (plane)
        Fraction of the variance of all units (normalised, in the window) that lies in the plane.
    ``explained``
        Fraction of that variance in the `n_components` principal components.
    ``scores`` (condition, time, component), ``loadings`` (unit, component)
        Activity along the axes of the planes (two components each, coordinate ``of_plane``), and
        these axes. In each plane rotation is counterclockwise, and the first axis is that along
        which conditions differ most at the first time.
    ``null_r2_rotation``, ``null_ratio`` (draw), ``p_value``
        The same of surrogates, and the fraction of them (plus one) that rotate as well.

    Raises
    ------
    LabelError
        If there are single trials, a single condition, or values are missing.
    ValueError
        If `n_components` is odd or larger than the data allow, or options are unknown.

    References
    ----------
    Churchland et al., "Neural population dynamics during reaching", Nature 2012. Elsayed &
    Cunningham, "Structure in neural population recordings", Nat. Neurosci. 2017 (surrogates).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> t, phase = np.arange(40) * 10.0, np.arange(4) * np.pi / 2
    >>> angle = 2 * np.pi * 2e-3 * t[None, :] + phase[:, None]  # 2 Hz
    >>> rates = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    >>> activity = labels.dataset(
    ...     {"rate": (("condition", "time", "unit"), rates, "Hz", "rate")}, {"time": t},
    ...     source="recording",
    ... )
    >>> found = analysis.jpca(activity, 2, soft=0.0, n_null=0)
    >>> round(float(found["frequency"][0]), 1), round(float(found["ratio"]), 2)
    (2.0, 1.0)
    """
    if null not in NULLS:
        raise ValueError(f"null must be one of {', '.join(NULLS)}, got {null!r}.")
    whole("n_null", n_null, 0)
    array = pick(activity, variable)
    if rows(array) != "condition" or array.sizes["condition"] < 2:
        raise LabelError(
            "jpca compares condition means, and needs two conditions at least: average the trials "
            "of each condition first, neurodyn.trials.average(activity, by=...)."
        )
    array = array.transpose("condition", "time", "unit")
    x = soft_normalised(checked(array).astype(np.float64), soft)
    chosen = array if window is None else between(array, window)
    every, time = (clock(each, what="activity").time for each in (array, chosen))
    if len(time) < 3:
        raise LabelError(f"the window holds {len(time)} times; a fit of changes needs 3 at least.")
    dt = clock(chosen, what="activity").step
    x = x[:, np.isin(every, time)]
    most = min(x.shape[0] * (len(time) - 1), x.shape[2])
    n_components = whole("n_components", n_components, 2, most)
    if n_components % 2:
        raise ValueError(f"n_components must be even, because planes have two, got {n_components}.")
    fit = Fit(x, n_components, subtract_mean)
    found = _variables(array, fit, time, dt)
    about: dict[str, Any] = {"soft": float(soft), "subtract_mean": subtract_mean}
    if n_null:
        drawn = surrogate(x, null, n_null, key)
        skewed, ratios = np.transpose(
            [(r.r2_rotation, r.ratio) for r in (Fit(s, n_components, subtract_mean) for s in drawn)]
        )
        found["null_r2_rotation"] = ("draw", skewed, "1", "R2 of rotations of surrogates")
        found["null_ratio"] = ("draw", ratios, "1", "ratio of surrogates")
        beyond = (1 + (ratios >= fit.ratio).sum()) / (1 + n_null)
        found["p_value"] = ((), beyond, "1", "p value of the ratio, one-sided")
        about["null"] = null
    coords: dict[str, Any] = {
        str(n): c.variable
        for n, c in array.coords.items()
        if c.dims in (("condition",), ("unit",)) or n == "time"
    }
    coords["time"] = ("time", time, "ms", "time")
    coords["of_plane"] = ("component", np.arange(n_components) // 2, "1", "plane of the axis")
    return results(found, coords, dims=["plane"], **about)


class Fit:
    """Fits of activity ``(condition, time, unit)`` by a free and by a rotating linear map."""

    def __init__(self, x: Float[np.ndarray, "condition time unit"], k: int, subtract_mean: bool):
        x = x - (x.mean(0) if subtract_mean else x.mean((0, 1)))
        flat = x.reshape(-1, x.shape[-1])
        self.total = np.vdot(flat, flat)
        self.axes = leading_axes(flat, k)
        self.scores = x @ self.axes
        self.explained = (self.scores**2).sum() / self.total
        before, change = self.scores[:, :-1].reshape(-1, k), np.diff(self.scores, axis=1)
        change = change.reshape(-1, k)
        size = (change**2).sum()
        square, cross = before.T @ before, before.T @ change
        free = np.linalg.lstsq(before, change, rcond=None)[0]
        # S K + K S = C - C', solved along the eigenvectors of S, where it is one division each.
        values, basis = np.linalg.eigh(square)
        skew = basis.T @ (cross - cross.T) @ basis
        sums = values[:, None] + values[None, :]
        self.skew = basis @ np.divide(skew, sums, np.zeros_like(skew), where=sums > 0) @ basis.T
        self.r2 = 1 - ((change - before @ free) ** 2).sum() / size
        self.r2_rotation = 1 - ((change - before @ self.skew) ** 2).sum() / size
        self.ratio = self.r2_rotation / self.r2


def _planes(fit: Fit) -> tuple[Float[np.ndarray, " plane"], Float[np.ndarray, "k k"]]:
    """Angle of a step in each plane, and the axes of planes as columns, two a plane."""
    values, vectors = np.linalg.eig(fit.skew)
    order = np.argsort(-values.imag)[: len(values) // 2]
    angles, axes = values.imag[order], []
    for which in order:
        # Rows move by x' = x + x K, so that an eigenvector of K' turns from its real part to its
        # imaginary one; conjugate vectors of other planes are orthogonal to both.
        v = vectors[:, which]
        plane = np.linalg.qr(np.stack([v.real, v.imag], axis=1))[0]
        first = fit.scores[:, 0] @ plane
        main = np.linalg.svd(first - first.mean(0))[2][0]
        side = np.array([-main[1], main[0]])
        turn = np.stack([main, side], axis=1)
        plane = plane @ turn
        if (plane[:, 0] @ fit.skew) @ plane[:, 1] < 0:  # clockwise
            plane[:, 1] *= -1
        loadings = fit.axes @ plane[:, 0]
        if loadings[np.abs(loadings).argmax()] < 0:  # signs are arbitrary, but for the sense
            plane = -plane
        axes.append(plane)
    return angles, np.concatenate(axes, axis=1)


def _variables(
    array: xr.DataArray, fit: Fit, time: Float[np.ndarray, " time"], dt: float
) -> dict[str, tuple]:
    angles, axes = _planes(fit)
    loadings, scores = fit.axes @ axes, fit.scores @ axes
    share = (scores**2).sum((0, 1)).reshape(-1, 2).sum(1) / fit.total
    hertz = angles / (2 * np.pi * dt) * 1e3
    return {
        "scores": (("condition", "time", "component"), scores, "1", "activity along the axes"),
        "loadings": (("unit", "component"), loadings, "1", "axes of the planes"),
        "frequency": ("plane", hertz, "Hz", "frequency of rotation"),
        "plane_variance": ("plane", share, "1", "fraction of the variance"),
        "explained": ((), fit.explained, "1", "fraction of the variance in the components"),
        "r2": ((), fit.r2, "1", "R2 of a free linear map"),
        "r2_rotation": ((), fit.r2_rotation, "1", "R2 of rotations"),
        "ratio": ((), fit.ratio, "1", "R2 of rotations relative to a free map"),
    }
