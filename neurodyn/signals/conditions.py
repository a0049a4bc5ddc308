"""What is averaged over trials, and the conditions of trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.convention import OWN_DIMS, SPIKE_KEYS
from neurodyn.labels.roles import OUTCOMES, outcomes, without_role
from neurodyn.labels.values import classes, missing, plain


def to_average(obj: Any, of: str | Sequence[str] | None) -> xr.Dataset:
    """The variables to average, with the labels of trials as coordinates.

    Raises
    ------
    LabelError
        If there are no trials, `of` names nothing on `trial`, or these are spike times.
    """
    if isinstance(obj, xr.DataTree):
        raise LabelError(
            "average takes one part of a recording: a Dataset such as "
            "session['spikes'].to_dataset() or session['signals/NAME'].to_dataset(), in trials."
        )
    if of is not None:
        return _named(obj, [of] if isinstance(of, str) else list(of))
    # Beside spikes, variables on dims of their own describe trials, such as the times of licks.
    own = {*obj.attrs.get(OWN_DIMS, [])} if "spike_time" in obj.coords else set()
    described = [{*v.dims} for v in getattr(obj, "data_vars", {}).values()]
    of_trials = any("trial" in dims and not own & dims for dims in described)
    if "spike_time" in obj.coords and not of_trials:
        raise LabelError(
            "these are spike times: neurodyn.trials.psth averages them, neurodyn.spikes.bin and "
            "neurodyn.spikes.rate turn them into counts and rates; of='rt' averages a label of "
            "their trials."
        )
    if "trial" not in obj.dims:
        raise LabelError(
            f"there is no dim 'trial' to average over: dims are {tuple(obj.dims)}."
            + (" This is averaged already." if "condition" in obj.dims else "")
        )
    if isinstance(obj, xr.DataArray):
        ds = _alone(obj)
        known = {n: obj.attrs[n] for n in ("source", "bin_width", "align_event") if n in obj.attrs}
        return _choices(_as_numbers(ds).assign_attrs(known))
    return _choices(_as_numbers(obj))


def _alone(array: xr.DataArray) -> xr.Dataset:
    """A Dataset of one array; a label of trials, such as a reaction time, has itself as one."""
    name = array.name or "mean"
    return array.drop_vars([name], errors="ignore").to_dataset(name=name)


def _named(obj: xr.Dataset | xr.DataArray, names: list[str]) -> xr.Dataset:
    ds = obj if isinstance(obj, xr.Dataset) else _alone(obj)
    there = [str(n) for n, v in ds.variables.items() if "trial" in v.dims and n != "trial"]
    if unknown := [name for name in names if name not in there]:
        raise LabelError(f"of={unknown}: nothing on 'trial' is called so; there are {there}.")
    others = [name for name in ds.data_vars if name not in names]
    ds = ds.drop_vars(others).drop_dims("spike", errors="ignore")
    ds = _as_numbers(ds.reset_coords([name for name in names if name in ds.coords]))
    if words := [name for name in names if ds[name].dtype.kind not in "fiub"]:
        refuse_words(ds[words])
    return _choices(_only_dims_of(ds, names))


def outcomes_of(ds: xr.Dataset, by: Sequence[str]) -> xr.Dataset:
    """Make the labels of trials that can be averaged the variables of data that have none."""
    labels = {
        str(n): c
        for n, c in ds.coords.items()
        if "trial" in c.dims and n not in ("trial", *by, *SPIKE_KEYS.values())
    }
    known = outcomes(ds)
    if known:
        labels = {n: c for n, c in labels.items() if n in known or n in OUTCOMES}
    names = [n for n, c in labels.items() if plain(c.values).dtype.kind in "fiub"]
    names = [n for n in names if not _many(ds[n])]
    if not names:
        refuse_words(ds.reset_coords(list(labels)))
    return _choices(_as_numbers(_only_dims_of(ds.reset_coords(names), names)))


def _only_dims_of(ds: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Leave out units, times and so on that what is averaged does not lie on."""
    used = {"trial"}.union(*(ds[name].dims for name in names))
    return ds.drop_dims([dim for dim in ds.dims if dim not in used])


def _as_numbers(ds: xr.Dataset) -> xr.Dataset:
    """Turn variables of Python numbers and None, as columns of tables are, into numbers."""
    objects = [n for n, v in ds.data_vars.items() if v.dtype.kind == "O" and "trial" in v.dims]
    return ds.assign({n: ds[n].copy(data=plain(ds[n].values)) for n in objects}) if objects else ds


def _many(v: xr.DataArray) -> bool:
    """Whether these are codes of choices of a run among more than two options."""
    return v.name == "choice" and "role" in v.attrs and v.dtype.kind in "iu" and v.max() > 1


def _choices(ds: xr.Dataset) -> xr.Dataset:
    """Mark the -1 of runs, which is no choice, as missing.

    Raises
    ------
    LabelError
        If choices are codes of more than two options.
    """
    choice = ds.data_vars.get("choice")
    if choice is None or "role" not in choice.attrs or choice.dtype.kind not in "iu":
        return ds
    if _many(choice):
        raise LabelError(
            "'choice' holds codes of more than two options, whose mean says nothing: average how "
            "often it is one of them, e.g. of the truth values data['choice'] == 0."
        )
    return ds.assign(choice=choice.where(choice >= 0))


def refuse_words(ds: xr.Dataset) -> NoReturn:
    """Say why none of the variables can be averaged, and how to get fractions of words.

    Raises
    ------
    LabelError
        Always.
    """
    for name, v in ds.data_vars.items():
        if "trial" in v.dims and v.dtype.kind not in "fiub":
            found = np.unique(plain(v.values).astype(str))
            raise LabelError(
                f"'{name}' holds words ({', '.join(found[:4])}), which have no mean: average how "
                f"often it is one of them, e.g. of the truth values data[{name!r}] == "
                f"{str(found[-1])!r}; or take it as a condition, by=[{name!r}]."
            )
    raise LabelError(f"no variable lies on 'trial': variables are {list(ds.data_vars)}.")


def conditions_of(ds: xr.Dataset, by: Sequence[str]) -> tuple[np.ndarray, dict[str, xr.Variable]]:
    """Code of each trial's condition, and the coordinates that describe the conditions."""
    n = ds.sizes["trial"]
    if n == 0:
        raise LabelError("there are no trials to average: check the selection of trials.")
    available = [c for c in ds.coords if ds[c].dims == ("trial",) and c != "trial"]
    if unknown := [name for name in by if name not in available]:
        both = [name for name in unknown if name in ds.data_vars]
        more = f" {both} cannot be averaged by themselves." if both else ""
        raise LabelError(f"no trial coordinate {unknown}; there are {available}.{more}")
    codes = np.zeros(n, np.int64)
    for name in by:
        unlabelled = np.flatnonzero(missing(ds[name].values))
        if unlabelled.size:
            raise LabelError(
                f"{unlabelled.size} trials have no '{name}' (NaN), the first is trial "
                f"{unlabelled[0]}: drop them with .isel(trial=obj.{name}.notnull())."
            )
        levels, code = classes(ds[name].values, what=name)
        codes = codes * len(levels) + code
    found, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    columns = {
        name: xr.Variable("condition", plain(ds[name].values)[first], without_role(ds[name].attrs))
        for name in by
    }
    spelt = [
        " ".join(f"{name}={_short(columns[name].values[i])}" for name in by) or "all"
        for i in range(len(found))
    ]
    columns["condition"] = xr.Variable("condition", np.array(spelt), {"long_name": "condition"})
    return codes, columns


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
