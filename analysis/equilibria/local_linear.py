"""Local linear models of recordings: Jacobians around conditions and times, fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neurodyn.analysis.equilibria.local_fits import fitted, moments_of
from neurodyn.analysis.equilibria.modes import MAY_BE_INFINITE, mode_variables
from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.conditions import task_variable
from neurodyn.analysis.shared.draws import generator as generator_of
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError, clock
from neurodyn.labels.convention import TIME_TOLERANCE

#: Penalties to choose from, in units of the mean variance of a unit.
PENALTIES = tuple(np.logspace(-6, 2, 9))


def local_linear(
    activity: xr.Dataset | xr.DataArray,
    by: str | Sequence[str] = (),
    *,
    centres: Any = None,
    width: float | None = None,
    penalty: float | str = "cv",
    n_folds: int = 5,
    key: Any = 0,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Linear dynamics of recorded activity around conditions and times, fitted to its steps.

    In each condition, and in each window of time, :math:`x_{t+1} = m + J (x_t - \bar x)` is fitted
    by ridge regression of the change in a step, so that a large penalty says that nothing changes.
    The result has the form of :func:`linearise` of a map, and serves :func:`non_normality`,
    :func:`transient_growth` and :func:`selection` as well.

    Dynamics and inputs that vary alike cannot be told apart: J describes both. Noise in the
    measurement makes modes look as if they decayed faster, so smooth first, and keep a few
    components (``pca(...)["scores"].rename(component="unit")``) where units are many.

    Parameters
    ----------
    activity
        Trials or condition means ``(trial | condition, time, unit)``, on an even clock.
    by
        Labels of trials (or conditions): each of their combinations has a model of its own. None by
        default: one for all.
    centres
        Middle of each window [ms]. Default: windows of the given width side by side.
    width
        Width of the windows [ms]. Default: one window over all times.
    penalty
        Ridge penalty, in units of the mean variance of a unit there; "cv" chooses one of
        `PENALTIES` for each model by the error in held-out trials.
    n_folds
        Folds of trials (or conditions) that are held out, at most as many as there are.
    key
        Seed or key of the folds.
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset on ``condition`` (with `by`) and ``time`` (the middles of the windows, with `width`),
    here ``...``:

    ``jacobian`` (..., presynaptic, unit), ``eigenvalue_real``, ``timescale``, ...
        As of :func:`linearise` of a map with the step of the clock: timescales in ms.
    ``state``, ``rate`` (..., unit)
        Mean state of the samples, and the change in a step there.
    ``r2`` (...)
        Fraction of the variance of the change explained in held-out trials. At 0 or below there is
        nothing linear to see. With "cv" it is a little too high, because the penalty was chosen
        by the same trials.
    ``penalty`` (...), ``n_samples`` (...)
        The penalty used, and the number of steps.

    Raises
    ------
    LabelError
        If values are missing, times are uneven, or a condition or a window has too few samples.
    ValueError
        If options are out of range.

    References
    ----------
    Galgali, Sahani & Mante, "Residual dynamics resolves recurrent contributions to neural
    computation", Nat. Neurosci. 2023 (what such fits can and cannot tell). Costa, Ahamed &
    Stephens, "Adaptive, locally linear models of complex dynamics", PNAS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> rng, x = np.random.default_rng(0), [np.zeros((50, 2))]
    >>> for _ in range(100):
    ...     x.append(0.9 * x[-1] + rng.standard_normal((50, 2)))  # e^(-10 ms / tau) = 0.9
    >>> rate = {"rate": (("trial", "time", "unit"), np.stack(x, 1), "Hz", "rate")}
    >>> activity = labels.dataset(rate, {"time": 10.0 * np.arange(101)}, source="recording")
    >>> found = analysis.local_linear(activity)
    >>> found["timescale"].values.round(-1)  # -10 / log(0.9) is 95 ms
    array([90., 90.])
    """
    array = pick(activity, variable)
    dim = rows(array)
    array = array.transpose(dim, "time", "unit")
    dt = clock(array, what="activity").step
    x = checked(array).astype(np.float64)
    names = [by] if isinstance(by, str) else list(by)
    groups, levels = _groups(array, dim, names)
    windows, middles = _windows(array, centres, width)
    n_folds = whole("n_folds", n_folds, 2)
    tried = PENALTIES if penalty == "cv" else (_number(penalty),)
    index = _folds(groups, n_folds, generator_of(key, needed_for="local_linear"))
    mean = x.mean((0, 1))
    fit = fitted(moments_of(x - mean, index, windows), tried)
    shape = (len(index), len(windows))
    lead = (("condition",) if names else ()) + (("time",) if width is not None else ())
    sizes = [n for n, used in zip(shape, (names, width is not None), strict=True) if used]
    d = x.shape[-1]
    units = array.attrs.get("units", "1")
    found = mode_variables(fit.step.reshape(-1, d, d), True, dt, ("point",), "unit", "presynaptic")
    found |= {
        "state": (("point", "unit"), (fit.state + mean).reshape(-1, d), units, "mean state"),
        "rate": (("point", "unit"), fit.change.reshape(-1, d), units, "change in a step"),
        "r2": (("point",), fit.r2.ravel(), "1", "R2 of the change in held-out trials"),
        "penalty": (("point",), fit.penalty.ravel(), "1", "ridge penalty"),
        "n_samples": (("point",), fit.n.ravel(), "1", "number of steps"),
    }
    shaped = {}
    for name, (dims, a, *about) in found.items():
        dims = dims if isinstance(dims, tuple) else (dims,)
        shaped[name] = ((*lead, *dims[1:]), np.reshape(a, (*sizes, *np.shape(a)[1:])), *about)
    coords: dict[str, Any] = coords_of(array, "unit") | levels
    if "unit" in coords:
        coords["presynaptic"] = ("presynaptic", array["unit"].values)
    if width is not None:
        coords["time"] = ("time", middles, "ms", "middle of the window")
    return results(shaped, coords, kind=None, values=False, infinite=MAY_BE_INFINITE)


def _number(penalty: Any) -> float:
    if isinstance(penalty, str) or not (np.isfinite(penalty) and penalty >= 0):
        raise ValueError(f"penalty must be 'cv' or a number of at least 0, got {penalty!r}.")
    return float(penalty)


def _groups(array: xr.DataArray, dim: str, names: Sequence[str]):
    """The number of the group of each row, and the labels of the groups."""
    if not names:
        return np.zeros(array.sizes[dim], np.int64), {}
    columns = [task_variable(array, name, dim) for name in names]
    codes = [np.unique(column.values, return_inverse=True)[1] for column in columns]
    _, first, group = np.unique(np.stack(codes, 1), axis=0, return_index=True, return_inverse=True)
    levels = {
        name: xr.Variable("condition", column.values[first], column.attrs)
        for name, column in zip(names, columns, strict=True)
    }
    return group.ravel(), levels


def _windows(
    array: xr.DataArray, centres: Any, width: float | None
) -> tuple[Int[np.ndarray, "window step"], Float[np.ndarray, " window"]]:
    """Numbers of the samples from which steps of each window start, -1 fills up."""
    time, dt, _ = clock(array, what="activity")
    begin = time[:-1]
    if width is None:
        if centres is not None:
            raise ValueError("centres are the middles of windows, which need a width=.")
        return np.arange(len(begin))[None], time[[0, -1]].mean(keepdims=True)
    if not (np.isfinite(width) and width >= dt):
        raise ValueError(f"width must be at least one step of {dt} ms, got {width!r}.")
    if centres is None:
        n = max(1, int((time[-1] - time[0] + TIME_TOLERANCE) // width))
        centres = time[0] + width * (np.arange(n) + 0.5)
    middles = np.atleast_1d(np.asarray(centres, np.float64))
    apart = begin + dt / 2 - middles[:, None]
    # Half open, so that windows side by side share no step.
    inside = (apart >= -width / 2 - TIME_TOLERANCE) & (apart < width / 2 - TIME_TOLERANCE)
    if not inside.any(1).all():
        empty = middles[~inside.any(1)]
        raise LabelError(f"{len(empty)} windows hold no step, the first around {empty[0]} ms.")
    order = np.argsort(~inside, axis=1, kind="stable")[:, : inside.sum(1).max()]
    return np.where(np.take_along_axis(inside, order, 1), order, -1), middles


def _folds(
    groups: Int[np.ndarray, " row"], n_folds: int, generator: np.random.Generator
) -> Int[np.ndarray, "group fold most"]:
    """Rows of each fold of each group, -1 fills up."""
    counts = np.bincount(groups)
    if counts.min() < 2:
        raise LabelError(
            f"{int((counts < 2).sum())} of {len(counts)} groups have a single trial, and to hold "
            "out trials takes two of each: name fewer labels in by."
        )
    n_folds = min(n_folds, int(counts.min()))
    order = generator.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    place = np.arange(len(groups)) - np.repeat(np.cumsum(counts) - counts, counts)
    most = -(-counts.max() // n_folds)
    index = np.full((len(counts), n_folds, most), -1)
    index[groups[order], place % n_folds, place // n_folds] = order
    return index
