"""Constant inputs: a set of them for a search, or one for each state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.field import Field
from neurodyn.analysis.shared.results import coords_of
from neurodyn.labels import LabelError, in_positions


def constant_inputs(
    field: Field, inputs: Any
) -> tuple[Float[np.ndarray, "set input"], str | None, dict[str, Any]]:
    """Constant inputs, one a row, the dim that tells them apart, and its coordinates.

    Raises
    ------
    ValueError, LabelError
        If they vary in time, do not fit the system, or are not finite.
    """
    n = field.system.n_inputs
    if inputs is None:
        return np.zeros((1, n)), None, {}
    dim, coords = None, {}
    if isinstance(inputs, xr.Dataset):
        raise LabelError("inputs are a Dataset: pass one DataArray with the dim 'input'.")
    if isinstance(inputs, xr.DataArray):
        if "time" in inputs.dims:
            raise LabelError(
                "inputs vary in time, and a system with such inputs has no fixed points: select "
                "one time (.sel(time=...)) or average over times at which they are constant."
            )
        rest = [str(d) for d in inputs.dims if d != "input"]
        if "input" not in inputs.dims or len(rest) > 1:
            raise LabelError(
                f"inputs must have the dim 'input' and at most one more, got {inputs.dims}."
            )
        inputs = in_positions(inputs, "input", what="inputs").transpose(*rest, "input")
        dim = rest[0] if rest else None
        coords = {str(k): c.variable for k, c in inputs.coords.items() if c.dims == (dim,)}
        inputs = inputs.values
    array = np.asarray(inputs, np.float64)
    if array.ndim == 2 and dim is None:
        dim = "sweep"
    if array.ndim not in (1, 2) or array.shape[-1] != n or not len(array):
        raise ValueError(
            f"inputs must be constant: ({n},), or (set, {n}) for several, got shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError("inputs hold NaN or infinite values.")
    return np.atleast_2d(array), dim, coords


def input_names(inputs: Any) -> dict[str, xr.Variable]:
    """Names of the inputs, and other coordinates on them, in the order of the system."""
    if not isinstance(inputs, xr.DataArray) or "input" not in inputs.dims:
        return {}
    return coords_of(in_positions(inputs, "input", what="inputs"), "input")


def each_input(
    field: Field,
    inputs: Any,
    shape: tuple[int, ...],
    lead: tuple[str, ...],
    coords: Mapping[str, xr.Variable],
) -> Float[np.ndarray, "*lead input"]:
    """One input for each state.

    Raises
    ------
    ValueError, LabelError
        If they fit neither the system nor the states.
    """
    n = field.system.n_inputs
    if inputs is None:
        return np.zeros((*shape, n))
    if isinstance(inputs, xr.DataArray):
        if "input" not in inputs.dims or not set(inputs.dims) <= {*lead, "input"}:
            raise LabelError(
                f"inputs must have the dim 'input' and otherwise dims of the states {lead}, got "
                f"{inputs.dims}."
            )
        inputs = in_positions(inputs, "input", what="inputs")
        for dim in inputs.dims:
            if dim in coords and dim in inputs.coords:
                wanted = coords[str(dim)].values
                if not set(wanted.tolist()) <= set(inputs[dim].values.tolist()):
                    raise LabelError(f"inputs lack some of the labels of '{dim}' of the states.")
                inputs = inputs.sel({dim: wanted})
        missing = dict(zip(lead, shape, strict=True))
        inputs = inputs.drop_vars(list(inputs.coords), errors="ignore")
        inputs = inputs.expand_dims({d: s for d, s in missing.items() if d not in inputs.dims})
        inputs = inputs.transpose(*lead, "input").values
    array = np.asarray(inputs, np.float64)
    if array.shape[-1:] != (n,) or array.ndim not in (1, len(shape) + 1):
        raise ValueError(
            f"inputs must be ({n},), or one for each state {(*shape, n)}, got shape {array.shape}."
        )
    if array.ndim > 1 and array.shape[:-1] != shape:
        raise ValueError(f"there are states of shape {shape}, and inputs of {array.shape[:-1]}.")
    return np.broadcast_to(array, (*shape, n))
