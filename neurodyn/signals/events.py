"""Times of events, one for each trial, around which recordings are cut."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.plain import plain_times
from neurodyn.labels.wording import spans, told


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
        plain_times(given.values, role)
        return given
    array = plain_times(given, role)
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
    edges = np.reshape(recorded, (-1, 2)).tolist()
    if invalid == "drop":
        if not valid.any():
            raise LabelError(
                f"no trial is left: no event has its start ({start:+.10g} ms from it) within "
                f"{what}, which lies in {spans(edges)}. Are events and times on one "
                "clock, both in ms?"
            )
        return
    when = [f"event at {told(at)} ms" if np.isfinite(at) else "no event" for at in event]
    listed = ", ".join(f"{i} ({when[i]})" for i in np.flatnonzero(~valid)[:8])
    raise LabelError(
        f"{(~valid).sum()} of {valid.size} trials have no event, start ({start:+.10g} ms from the "
        f"event) outside of {what} ({spans(edges)}), or end before they start: trials "
        f"{listed}. Choose a shorter window, or pass invalid='drop' to leave them out."
    )
