"""Outputs of a network to symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.only import takes

__all__ = ["symbolise"]


@takes(outputs=["time"], values=[])
def symbolise(outputs: xr.DataArray, values: Any) -> xr.DataArray:
    """The symbol that each output is nearest to.

    Parameters
    ----------
    outputs
        With dims `time` and, where a symbol is several numbers, `output`.
    values
        Output that stands for each symbol: ``(symbol,)`` or ``(symbol, output)``, e.g.
        ``machine.values``; labelled ones are matched by the labels of the outputs.

    Returns
    -------
    DataArray of whole numbers with the dims of `outputs` without `output`.

    Raises
    ------
    LabelError
        If there is no `time`, or the number of outputs is another.
    """
    if "time" not in outputs.dims:
        raise LabelError(f"outputs need the dim 'time', got {outputs.dims}.")
    wide = outputs if "output" in outputs.dims else outputs.expand_dims("output", -1)
    if isinstance(values, xr.DataArray) and "output" in values.dims:
        values = labels.pair(wide, values, "output", what=("outputs", "values"))[1]
        values = values.transpose(..., "output")
    else:
        wide = labels.in_positions(wide, "output", what="outputs")
    values = np.asarray(values, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    wide = wide.transpose(..., "output")
    if wide.sizes["output"] != values.shape[1]:
        raise LabelError(
            f"outputs have {wide.sizes['output']} channels, but `values` give "
            f"{values.shape[1]} for each symbol."
        )
    if not np.isfinite(wide.values).all():
        raise LabelError("outputs hold NaN or infinite values, which are no symbol.")
    apart = ((wide.values[..., None, :] - values) ** 2).sum(-1)
    symbols = wide.isel(output=0, drop=True).copy(data=apart.argmin(-1))
    return symbols.rename("symbol").assign_attrs(
        units="1", long_name="symbol", n_symbols=len(values), kind="statistic"
    )
