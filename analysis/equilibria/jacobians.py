"""Labelled Jacobians as stacks of matrices, and results on the same labels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn.analysis.equilibria.modes import MAY_BE_INFINITE
from neurodyn.analysis.shared.results import results
from neurodyn.labels import LabelError

#: Dims of the origin of an effect, each with the dim of its target.
_TARGET = {"presynaptic": "unit", "origin": "dimension"}


@dataclasses.dataclass(frozen=True)
class Jacobians:
    """Jacobians of a result of `linearise`, one a row, with its other matrices.

    Attributes
    ----------
    matrix
        Jacobians, ``(to, from)``.
    inward, outward
        Derivatives by the input, ``(point, d, input)``, and of the output, ``(point, output, d)``.
    is_map
        Whether they are of the steps of a map.
    lead
        Dims of the points, with their sizes.
    dim, origin
        Dims of the state.
    coords
        Coordinates on these dims.
    """

    matrix: Float[np.ndarray, "point d d"]
    inward: Float[np.ndarray, "point d input"] | None
    outward: Float[np.ndarray, "point output d"] | None
    is_map: bool
    lead: dict[str, int]
    dim: str
    origin: str
    coords: dict[str, Any]

    @property
    def time_unit(self) -> str:
        """Unit of times: ms, or steps of a map."""
        return "1" if self.is_map else "ms"

    def where(self, point: int) -> str:
        """Words for the place of a point, for errors."""
        places = np.unravel_index(point, tuple(self.lead.values())) if self.lead else ()
        named = zip(self.lead, places, strict=True)
        return ", ".join(f"{name} number {i}" for name, i in named) or "the only state"

    def labelled(
        self,
        variables: dict[str, tuple],
        coords: dict[str, Any] | None = None,
        *,
        dims: tuple[str, ...] = (),
    ) -> xr.Dataset:
        """A Dataset of ``{name: (dims, values (point, ...), units, long name)}``."""
        found, used = {}, set()
        for name, (own, values, *about) in variables.items():
            array = np.asarray(values)
            array = array.reshape((*self.lead.values(), *array.shape[1:]))
            found[name] = ((*self.lead, *own), array, *about)
            used |= {*self.lead, *own}
        kept = {n: c for n, c in self.coords.items() if set(c.dims) <= used} | (coords or {})
        return results(
            found,
            kept,
            kind=None,
            values=False,
            dims=[*self.lead, "dimension", "origin", *dims],
            infinite=MAY_BE_INFINITE,
        )


def jacobians_of(linear: Any, what: str = "linear") -> Jacobians:
    """The Jacobians of a result of `linearise`, `fixed_points` or `local_linear`.

    Raises
    ------
    TypeError, LabelError
        If there are none, or they hold NaN.
    """
    if not isinstance(linear, xr.Dataset):
        raise TypeError(
            f"{what} must be a Dataset of neurodyn.analysis.linearise or fixed_points, got "
            f"{type(linear).__name__}."
        )
    if "jacobian" not in linear:
        raise LabelError(
            f"{what} has no variable 'jacobian', only {list(linear.data_vars)}: pass a result of "
            "neurodyn.analysis.linearise or fixed_points, or linearise these states."
        )
    jacobian = linear["jacobian"]
    origin = next((name for name in _TARGET if name in jacobian.dims), None)
    if origin is None or _TARGET[origin] not in jacobian.dims:
        raise LabelError(
            f"the Jacobian needs the dims 'presynaptic' and 'unit', got {jacobian.dims}."
        )
    dim = _TARGET[origin]
    if dim in linear.coords and origin in linear.coords:
        wanted, there = linear[dim].values.tolist(), linear[origin].values.tolist()
        if set(wanted) != set(there):
            raise LabelError(
                f"the Jacobian must be square, but '{origin}' and '{dim}' have different labels: "
                "select the same entries of both."
            )
        linear = linear.sel({origin: wanted})
    elif linear.sizes[dim] != linear.sizes[origin]:
        raise LabelError(
            f"the Jacobian must be square, got {linear.sizes[origin]} by {linear.sizes[dim]}."
        )
    lead = [str(d) for d in linear["jacobian"].dims if d not in (dim, origin)]
    if not np.isfinite(linear["jacobian"].values).all():
        raise LabelError(f"the Jacobian of {what} holds NaN or infinite values.")

    def stack(name: str, *own: str) -> np.ndarray | None:
        if name not in linear:
            return None
        array = linear[name].transpose(*lead, *own).values.astype(np.float64)
        return array.reshape(-1, *array.shape[len(lead) :])

    matrix = stack("jacobian", dim, origin)
    assert matrix is not None
    return Jacobians(
        matrix,
        stack("input_jacobian", dim, "input"),
        stack("output_jacobian", "output", dim),
        jacobian.attrs.get("units") == "1",
        {d: linear.sizes[d] for d in lead},
        dim,
        origin,
        {str(n): c.variable for n, c in linear.coords.items()},
    )
