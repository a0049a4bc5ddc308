"""Synchrony of a population."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.analysis.shared.results import coords_of, results
from neurodyn.analysis.shared.scaling import balanced, standardised
from neurodyn.analysis.spike_trains.firing import binned_counts
from neurodyn.labels import LabelError
from neurodyn.labels.check_values import held
from neurodyn.labels.convention import Number, Window
from neurodyn.labels.only import DATASET, takes


@takes(spikes=DATASET)
def synchrony(
    spikes: xr.Dataset,
    *,
    bin_width: Number | None = None,
    variable: str | None = None,
    window: Window | None = None,
) -> xr.Dataset:
    r"""Synchrony index and mean correlation of a population, in each trial.

    .. math:: \chi^2 = \frac{\mathrm{var}_t \langle x_i(t) \rangle_i}
       {\langle \mathrm{var}_t\, x_i(t) \rangle_i},

    1 where all units do the same, :math:`1/\sqrt{N}` where they are independent.

    Parameters
    ----------
    spikes
        Spike Dataset, binned here, or a Dataset with a variable on ``time`` and ``unit`` such as
        membrane potentials.
    bin_width
        Width of the bins of spikes [ms], on which the values depend; default 5 ms, or that of
        counts.
    variable
        Which variable of a Dataset (``"v"``); None: its spikes.
    window
        Start and stop [ms], half-open (`neurodyn.labels.between`); default: all.

    Returns
    -------
    Dataset, on ``trial`` where there is one: ``chi``; ``correlation``, the mean of Pearson's r over
    all pairs; ``n_units`` that varied, to which both are restricted. NaN below two of them. Trials
    that end early count up to their end. Units that were never observed are left out, and then the
    bins of spikes in which one of the others was not.

    Raises
    ------
    LabelError
        If there is no such variable, it has other dims, values are missing, or `bin_width` is given
        for a variable, which has no bins.
    TypeError
        If the data are no Dataset.

    References
    ----------
    Golomb (2007), Scholarpedia 2:1347. Golomb & Rinzel (1994), Physica D 72:259.

    Examples
    --------
    >>> from neurodyn import analysis, spikes
    >>> ds = spikes.from_times([[10.0, 50.0], [11.0, 51.0]], window=(0, 100))
    >>> float(analysis.synchrony(ds)["chi"])
    1.0
    """
    if not isinstance(spikes, xr.Dataset):
        raise TypeError(
            f"synchrony takes a Dataset or DataArray, got {type(spikes).__name__}: name the dims, "
            "xarray.DataArray(array, dims=('time', 'unit'))."
        )
    if variable is None and "spike_time" not in spikes and "spike_count" not in spikes:
        raise LabelError(
            f"synchrony needs spikes, or variable=... out of {list(spikes.data_vars)}."
        )
    if variable is not None and bin_width is not None:
        raise LabelError(
            f"bin_width is the width in which spikes are counted; '{variable}' is taken at the "
            "times that it has: leave bin_width out, or average it first (neurodyn.analysis.rebin)."
        )
    if bin_width is None and "spike_count" not in spikes:
        bin_width = 5.0
    if variable is None:
        array = binned_counts(spikes, window, bin_width, "synchrony")["spike_count"]
        _require_dims(array)
    else:
        array = _variable(spikes, variable, window)
    dims = [d for d in ("trial", "time", "unit") if d in array.dims]
    x = array.transpose(*dims).values.astype(np.float64)
    x = x if "trial" in dims else x[None]
    if variable is None:
        trials = [_observed(one) for one in x]
    else:
        # Values that are missing in all units at the end of a trial lie after its end.
        lengths = [np.flatnonzero(~np.isnan(one).all(1)).max(initial=-1) + 1 for one in x]
        trials = [one[:n] for one, n in zip(x, lengths, strict=True)]
    if not all(np.isfinite(one).all() for one in trials):
        raise LabelError("synchrony: values are missing (NaN): choose a window without them.")
    found = np.array([_chi(one) for one in trials])
    rows = ("trial",) if "trial" in dims else ()
    chi, correlation, n_units = found.T if rows else found[0]
    variables = {
        "chi": (rows, chi, "1", "synchrony index"),
        "correlation": (rows, correlation, "1", "mean pairwise correlation"),
        "n_units": (rows, n_units, "1", "number of units that varied"),
    }
    return results(variables, coords_of(array, "trial"), values=False)


def _observed(counts: np.ndarray) -> np.ndarray:
    """Counts (time, unit) of the units that were observed, in the bins in which all of them were.

    The order of bins does not matter to variances.
    """
    seen = np.isfinite(counts)
    counts = counts[:, seen.any(0)]
    return counts[np.isfinite(counts).all(1)]


def _variable(spikes: xr.Dataset, variable: str, window: Window | None) -> xr.DataArray:
    if variable not in spikes.data_vars:
        raise LabelError(f"there is no variable {variable!r}: there are {list(spikes.data_vars)}.")
    _require_dims(spikes[variable])
    found = labels.between(spikes, window, what=f"'{variable}'")[variable]
    return held(found, what=f"'{variable}'")


def _require_dims(array: xr.DataArray) -> None:
    if not {"time", "unit"} <= set(array.dims) <= {"trial", "time", "unit"}:
        raise LabelError(f"synchrony takes (trial, time, unit), got {array.dims}.")


def _chi(x: np.ndarray) -> tuple[float, float, int]:
    """Synchrony, mean correlation and number of units of (time, unit), in one pass over pairs."""
    # Compared, not subtracted: a constant minus its rounded mean need not be 0.
    varies = x.max(0, initial=-np.inf) > x.min(0, initial=np.inf)
    n = int(varies.sum())
    if n < 2:
        return np.nan, np.nan, n
    x = balanced(x[:, varies])
    chi = np.sqrt((x.mean(1) ** 2).mean() / (x**2).mean())
    # Each unit on its own scale. The sum over all pairs is the square of the sum over units.
    x = standardised(x, 0)
    pairs = ((x / np.sqrt((x**2).mean(0))).sum(1) ** 2).mean() - n
    return float(chi), float(pairs / (n * (n - 1))), n
