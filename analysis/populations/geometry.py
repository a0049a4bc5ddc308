"""The shape of trajectories: tangling and divergence."""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import soft_normalised
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError, clock

#: Pairs of samples in one chunk.
_ROOM = 2**22


def tangling(
    activity: xr.Dataset | xr.DataArray,
    *,
    n_components: int | None = 8,
    soft: float | None = 5.0,
    epsilon: float = 0.1,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Trajectory tangling: whether close states move in different directions.

    .. math:: Q(t) = \max_{t'} \frac{|\dot x_t - \dot x_{t'}|^2}{|x_t - x_{t'}|^2 + \varepsilon}

    over all times and conditions :math:`t'`. A smooth autonomous system cannot move differently
    from states that are alike, so that high tangling speaks for inputs or for hidden states.

    Parameters
    ----------
    activity
        Condition means (or trials) ``(condition, time, unit)``, such as rates [Hz], on an even
        clock. Noise adds to the change, and so to tangling: average and smooth first.
    n_components
        Principal components kept (the paper takes 8), at most as many as there are; None: all, in
        the units as they are.
    soft
        Each unit is divided by its range plus this number [units of the activity], 5 Hz as in the
        paper. Take 0 for hidden units, and None to leave units as they are.
    epsilon
        Constant that bounds Q where states meet, as a fraction of the total variance (0.1 as in the
        paper).
    variable
        Which variable of a Dataset.

    Returns
    -------
    Dataset with ``tangling`` (condition | trial, time) [1/s^2]. On a circle of frequency f its
    largest value is near :math:`(2 \pi f)^2`. Changes are central differences, at the ends to the
    neighbour. The attribute ``explained`` is the fraction of the variance in the components.

    Raises
    ------
    LabelError
        If values are missing, times are uneven or fewer than two, or activity does not vary.
    ValueError
        If options are out of range, or units are constant and `soft` is 0.

    References
    ----------
    Russo et al., "Motor cortex embeds muscle-like commands in an untangled population response",
    Neuron 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> t = np.arange(0.0, 1000.0, 5.0)
    >>> angle = 2 * np.pi * t / 1000  # 1 Hz
    >>> circle = np.stack([np.cos(angle), np.sin(angle)], -1)[None]
    >>> eight = np.stack([np.cos(angle), np.sin(2 * angle)], -1)[None]
    >>> def most(x):
    ...     rate = {"rate": (("condition", "time", "unit"), x, "Hz", "rate")}
    ...     data = labels.dataset(rate, {"time": t}, source="model")
    ...     return float(analysis.tangling(data, soft=None)["tangling"].max().round())
    >>> most(circle), most(eight)
    (39.0, 1579.0)
    """
    array, x, explained = _states(activity, n_components, soft, variable)
    seconds = clock(array, what="activity").step / 1e3
    change = np.gradient(x, seconds, axis=1)
    bound = _fraction("epsilon", epsilon) * _variance(x)
    flat, moves = x.reshape(-1, x.shape[-1]), change.reshape(-1, x.shape[-1])
    chunk = max(1, _ROOM // len(flat))
    most = [
        (_squares(moves[i : i + chunk], moves) / (_squares(flat[i : i + chunk], flat) + bound)).max(
            1
        )
        for i in range(0, len(flat), chunk)
    ]
    found = np.concatenate(most).reshape(x.shape[:2])
    about = {"epsilon": float(epsilon), "explained": explained}
    return _labelled(array, "tangling", found, "1/s^2", "trajectory tangling", about)


def divergence(
    activity: xr.Dataset | xr.DataArray,
    *,
    n_components: int | None = 8,
    soft: float | None = 5.0,
    alpha: float = 0.01,
    variable: str | None = None,
) -> xr.Dataset:
    r"""Trajectory divergence: whether states that are alike now lie apart later.

    .. math:: D(t) = \max_{t', \Delta > 0}
        \frac{|x_{t + \Delta} - x_{t' + \Delta}|^2}{|x_t - x_{t'}|^2 + \alpha}

    over all times and conditions :math:`t'`, and all spans :math:`\Delta` that both have left.
    Activity that guides an action by itself must differ early where its future differs, so that
    low divergence speaks for it.

    Parameters
    ----------
    activity, n_components, soft, variable
        As of :func:`tangling`.
    alpha
        Constant that bounds D where states meet, as a fraction of the total variance (0.01 as in
        the paper).

    Returns
    -------
    Dataset with ``divergence`` (condition | trial, time). The last time has no future and is NaN.
    The attribute ``explained`` is the fraction of the variance in the components.

    Raises
    ------
    LabelError, ValueError
        As of :func:`tangling`.

    References
    ----------
    Russo et al., "Neural trajectories in the supplementary motor area and motor cortex exhibit
    distinct geometries, compatible with different classes of computation", Neuron 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis, labels
    >>> t = np.arange(0.0, 1000.0, 10.0)
    >>> fork = np.sign([[-1.0], [1.0]]) * np.maximum(t - 500, 0)  # one path, then two
    >>> x = np.stack([fork, np.tile(t, (2, 1))], -1)
    >>> rate = {"rate": (("condition", "time", "unit"), x, "Hz", "rate")}
    >>> data = labels.dataset(rate, {"time": t}, source="model")
    >>> found = analysis.divergence(data, soft=None)["divergence"]
    >>> bool(found.sel(time=0.0).min() > 50), bool(found.sel(time=900.0).max() < 3)
    (True, True)
    """
    array, x, explained = _states(activity, n_components, soft, variable)
    clock(array, what="activity")
    if x.shape[1] < 2:
        raise LabelError("divergence needs two times at least, because it looks ahead.")
    bound = _fraction("alpha", alpha) * _variance(x)
    n_rows, n_times, d = x.shape
    flat = x.reshape(-1, d)
    found = np.full((n_rows, n_times), np.nan)
    chunk = max(1, _ROOM // len(flat))
    for i in range(0, n_rows, chunk):
        # Backwards in time: the largest distance that each pair of states still comes to.
        here = x[i : i + chunk]
        ahead = np.full((len(here), n_rows, n_times), -np.inf)
        for t in reversed(range(n_times)):
            apart = _squares(here[:, t], flat).reshape(ahead.shape)
            found[i : i + chunk, t] = (ahead / (apart + bound)).max((1, 2))
            ahead = np.maximum(ahead, apart)
            ahead[..., :-1], ahead[..., -1] = ahead[..., 1:].copy(), -np.inf
    found[:, -1] = np.nan
    about = {"alpha": float(alpha), "explained": explained}
    return _labelled(array, "divergence", found, "1", "trajectory divergence", about)


def _states(
    activity: xr.Dataset | xr.DataArray,
    n_components: int | None,
    soft: float | None,
    variable: str | None,
) -> tuple[xr.DataArray, Float[np.ndarray, "row time d"], float]:
    """Activity in row, time order; its states along components; the variance that these keep."""
    array = pick(activity, variable)
    array = array.transpose(rows(array), "time", "unit")
    x = checked(array).astype(np.float64)
    if soft is not None:
        x = soft_normalised(x, soft)
    x = x - x.mean((0, 1))
    if not x.any():
        raise LabelError("activity is the same at all times and in all conditions.")
    if n_components is None:
        return array, x, 1.0
    flat = x.reshape(-1, x.shape[-1])
    n = min(whole("n_components", n_components), *flat.shape)
    values, axes = np.linalg.eigh(flat.T @ flat)
    return array, x @ axes[:, ::-1][:, :n], float(values[::-1][:n].sum() / values.sum())


def _variance(x: Float[np.ndarray, "row time d"]) -> float:
    """Mean squared distance from the mean, which is 0."""
    return float((x**2).sum(-1).mean())


def _fraction(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a number above 0, got {value!r}.")
    return float(value)


def _squares(x: Float[np.ndarray, "sample d"], y: Float[np.ndarray, "other d"]):
    """Squared distances of each sample from each other one."""
    found = (x**2).sum(-1)[:, None] - 2 * (x @ y.T) + (y**2).sum(-1)
    return np.maximum(found, 0.0)


def _labelled(array, name, values, units, long, about) -> xr.Dataset:
    dims = array.dims[:2]
    coords = {n: c for dim in dims for n, c in coords_of(array, str(dim)).items()}
    return results({name: (dims, values, units, long)}, coords, values=False, **about)
