"""p-values corrected for the number of tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from scipy.stats import false_discovery_control

from neurodyn.labels import LabelError
from neurodyn.labels.only import takes

Method = Literal["holm", "bonferroni", "bh", "by"]
_NAMES = {
    "holm": "family-wise error, Holm",
    "bonferroni": "family-wise error, Bonferroni",
    "bh": "false discovery rate, Benjamini and Hochberg",
    "by": "false discovery rate, Benjamini and Yekutieli",
}


@takes(p=[])
def adjust(
    p: xr.DataArray | ArrayLike | Sequence[float | int],
    method: Method = "holm",
    *,
    over: str | Sequence[str] | None = None,
) -> Any:
    """Correct p-values for the number of tests that were made.

    Parameters
    ----------
    p
        p-values, such as those of many measures, models and recordings; NaN is no test.
    method
        "holm" (default, because it needs no assumption and finds at least as much as
        "bonferroni"): a value below 0.05 bounds the chance of any false finding in the family.
        "bh": it bounds the expected share of false findings among all findings, for tests that are
        independent or positively dependent; "by": under any dependence.
    over
        Dims that make a family, of labelled values. Default: all of them. Families along the other
        dims are corrected each by itself.

    Returns
    -------
    Corrected values, labelled as `p` is, else an array. To reject at a level is to compare them
    with it.

    Raises
    ------
    ValueError
        For values outside [0, 1], or an unknown method.
    LabelError
        If there are no such dims.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6:65; Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57:289;
    Benjamini & Yekutieli (2001), Ann. Stat. 29:1165.

    Examples
    --------
    >>> adjust([0.01, 0.04, 0.03, 0.005]).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    if method not in _NAMES:
        raise ValueError(f"method is one of {', '.join(map(repr, _NAMES))}, got {method!r}.")
    labelled = isinstance(p, xr.DataArray)
    values = np.asarray(p, np.float64)
    known = values[~np.isnan(values)]
    if ((known < 0) | (known > 1)).any():
        raise ValueError("p-values lie between 0 and 1.")
    if not labelled and over is not None:
        raise LabelError("`over` names dims of labelled p-values; these have none.")
    dims = [str(dim) for dim in p.dims] if isinstance(p, xr.DataArray) else []
    family = dims if over is None else [over] if isinstance(over, str) else list(over)
    if missing := [dim for dim in family if dim not in dims]:
        raise LabelError(f"p-values have no dims {missing}, only {dims}.")
    axes = [dims.index(dim) for dim in family] if labelled else list(range(values.ndim))
    last = np.moveaxis(values, axes, range(values.ndim - len(axes), values.ndim))
    flat = last.reshape(*last.shape[: values.ndim - len(axes)], -1)
    found = np.full(flat.shape, np.nan)
    for i in np.ndindex(flat.shape[:-1]):
        there = ~np.isnan(flat[i])
        found[i][there] = _adjusted(flat[i][there], method)
    found = np.moveaxis(
        found.reshape(last.shape), range(values.ndim - len(axes), values.ndim), axes
    )
    if not isinstance(p, xr.DataArray):
        return found
    about = {"correction": _NAMES[method], "family": ", ".join(family)}
    return p.copy(data=found).assign_attrs(about)


def _adjusted(p: np.ndarray, method: Method) -> np.ndarray:
    if not p.size:
        return p
    if method in ("bh", "by"):
        return false_discovery_control(p, method=method)
    if method == "bonferroni":
        return np.minimum(p * p.size, 1.0)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    found = np.empty_like(p)
    found[order] = np.minimum(stepped, 1.0)
    return found
