"""Units as a user names them: a mask, numbers, or names."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


class Chosen(eqx.Module):
    """Units by number or by name, before they are looked up in a system."""

    which: tuple[int, ...] | tuple[str, ...] = eqx.field(static=True)


def as_units(units: Any) -> Bool[np.ndarray, " unit"] | Chosen:
    """A mask over units, or the numbers or names that were given instead.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(units, Chosen):
        return units
    given = np.asarray(_unlabelled(units))
    kind = kind_of(given)
    if isinstance(units, (list, tuple)) and kind != "b":
        _refuse_mixed(units)
    if kind == "U":
        return Chosen(_distinct([str(name) for name in given.ravel()]))
    if kind == "i" and given.ndim < 2 and given.size:
        if len(np.unique(given)) == given.size:
            if given.min() < 0:
                raise ValueError(
                    f"`units` counts from 0, got {given.min()}: negative numbers do not count from "
                    "the end."
                )
            return Chosen(tuple(int(n) for n in given.ravel()))
        if not np.isin(given, (0, 1)).all():
            _distinct(given.tolist())
    if given.ndim != 1 or not given.size or kind not in "bif" or not np.isin(given, (0, 1)).all():
        raise ValueError(
            "`units` must be unit numbers such as [0, 5], names such as ['E'], or a boolean (or "
            f"0/1) mask with one entry per unit, got {given.dtype} of shape {given.shape}. "
            "select_units(model, ...) makes a mask."
        )
    return given.astype(bool)


def _unlabelled(units: Any) -> Any:
    """The values of a labelled array, a mask in the order of the model's units; others unchanged.

    Zeros and ones with the labels of units are a mask; the labels of a dim themselves are numbers.
    """
    if not getattr(units, "dims", ()) or units.ndim != 1:
        return units
    dim, masks = units.dims[0], units.dtype.kind in "biuf" and np.isin(units, (0, 1)).all()
    if not masks or dim not in units.coords or units.name == dim:
        return units.values
    return in_model_order(units, "units").astype(bool)


def in_model_order(value: Any, name: str) -> Any:
    """Values of units in the order of the model, by the labels of a labelled array."""
    if getattr(value, "dims", ()):
        # xarray is slow to import, and rarely needed
        from neurodyn.labels import LabelError, in_positions
        from neurodyn.labels.pairing import as_numbers, counts

        dim = str(value.dims[0])
        if dim in value.coords:
            found = value[dim].values
            if as_numbers(found) is not None and not counts(found):
                raise LabelError(
                    f"`{name}` is for units {found.tolist()[:8]}, but a model counts its units "
                    "from 0: pass one entry for each of its units, labelled 0 to n - 1 or not at "
                    f"all, .drop_vars('{dim}')."
                )
        return in_positions(value, dim, what=name).values
    return value


def mask_array(mask: np.ndarray) -> Float[Array, " unit"]:
    """A mask as 0 and 1 in the precision of a run."""
    return jnp.asarray(mask, jnp.result_type(float))


def kind_of(values: np.ndarray) -> str:
    """b, i, f or U (text) of an array; O for anything else."""
    kind = values.dtype.kind
    if kind == "O" and values.size and all(isinstance(v, str) for v in values.ravel()):
        return "U"
    return {"u": "i", "T": "U"}.get(kind, kind)


def _distinct(given: Sequence[Any]) -> tuple[Any, ...]:
    for each in given:
        if given.count(each) > 1:
            raise ValueError(
                f"`units` names {each!r} twice. Numbers say which units; a mask, with one entry "
                "for each unit, is boolean."
            )
    return tuple(given)


def _refuse_mixed(units: Sequence[Any]) -> None:
    if any(isinstance(each, (bool, np.bool_)) for each in units):
        raise ValueError(
            "`units` mixes True or False with numbers or names: give either a mask or a list of "
            f"units, got {list(units)[:8]}."
        )
