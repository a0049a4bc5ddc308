"""Times of events, one for each trial, around which recordings are cut."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError


def trial_column(ds: xr.Dataset | xr.DataArray, given: Any, role: str) -> xr.DataArray:
    """Times of events [ms] on `trial`, with the trial table as their coordinates."""
    if isinstance(given, str):
        if given not in ds.coords or ds[given].dims != ("trial",):
            columns = [n for n, c in ds.coords.items() if c.dims == ("trial",) and n != "trial"]
            raise LabelError(
                f"{role}: there is no trial column '{given}'. The trial table has "
                f"{columns or 'no columns'}; pass a DataArray on 'trial' or an array of times [ms]."
            )
        given = ds[given]
    if isinstance(given, xr.DataArray):
        if given.dims != ("trial",):
            raise LabelError(f"{role} must lie on dim 'trial', got dims {given.dims}.")
        if given.attrs.get("units", "ms") != "ms":
            raise LabelError(f"{role} is in {given.attrs['units']!r}; times are in ms.")
        return given
    array = np.asarray(given, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise LabelError(f"{role} must hold one time [ms] per trial, got shape {array.shape}.")
    table = {n: c for n, c in ds.coords.items() if c.dims == ("trial",)}
    return xr.DataArray(array, table if ds.sizes.get("trial") == array.size else {}, ("trial",))


def refuse_invalid(
    event: np.ndarray,
    valid: np.ndarray,
    start: float,
    recorded: Any,
    invalid: str,
    what: str = "the recording",
) -> None:
    """Raise an error about invalid trials, unless they are dropped and others are left.

    Raises
    ------
    LabelError
        If trials are invalid (the error lists them), or dropping them leaves none.
    """
    if invalid == "drop":
        if not valid.any():
            raise LabelError(
                f"no trial is left: no event has its start ({start:+g} ms from it) within {what}, "
                f"which lies in {np.asarray(recorded).tolist()} ms. Are events and times on one "
                "clock, both in ms?"
            )
        return
    recorded = np.asarray(recorded).tolist()
    listed = ", ".join(f"{i} (event at {event[i]:g})" for i in np.flatnonzero(~valid)[:8])
    raise LabelError(
        f"{(~valid).sum()} of {valid.size} trials have no event, start ({start:+g} ms from the "
        f"event) outside of {what} ({recorded} ms), or end before they start: trials "
        f"{listed}. Choose a shorter window, or pass invalid='drop' to leave them out."
    )
