"""Intervals of means over the networks of an ensemble."""

import numpy as np
import xarray as xr


def t_interval(curve: xr.DataArray) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean by horizon, and half of Student's 95 % interval over `seed` (None below two seeds)."""
    from scipy.stats import t

    other = [d for d in curve.dims if d not in ("seed", "horizon")]
    values = curve.mean(other)
    n = values.sizes.get("seed", 1)
    mean = values.mean("seed") if "seed" in values.dims else values
    if n < 2:
        return mean.values, None
    error = values.transpose("seed", "horizon").values.std(0, ddof=1) / np.sqrt(n)
    return mean.values, t.ppf(0.975, n - 1) * error
