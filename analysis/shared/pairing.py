"""Bring a run and a recording onto the same conditions and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.shared.arrays import checked, pick, rows
from neurodyn.analysis.shared.ceiling import given_halves, listed, refuse_single_trials
from neurodyn.analysis.shared.conditions import condition_codes, condition_means
from neurodyn.analysis.shared.resampling import Trials, group_trials
from neurodyn.analysis.shared.scaling import balanced
from neurodyn.analysis.shared.timebins import rebin
from neurodyn.labels import LabelError, bin_width, clock, match, pair
from neurodyn.labels.check_values import gib, is_loaded
from neurodyn.labels.convention import LARGE
from neurodyn.labels.roles import chosen, conditions

Join = Literal["exact", "inner"]


@dataclass(frozen=True)
class Pair:
    """A run and a recording of the same conditions and times.

    Attributes
    ----------
    x
        Activity of the model, without offsets and scale (`analysis.arrays.balanced`): measures do
        not depend on them. 0 for members that hold NaN or do not vary, of which every score is NaN.
    y
        Activity of the recording, likewise.
    means
        The recording's condition means with their labels, dims (condition, time, unit).
    seeds
        Coordinate of the ensemble members, None for a single run.
    trials
        The recording's single trials, if it has them.
    single
        The same with their labels, in the same order.
    halves
        Means of two halves of the trials, if it brings those.
    unsplit
        Reason why there are no halves, else "".
    attrs
        Numbers of conditions and bins that were matched, and of those left out.
    """

    x: Float[Array, "seed condition time modelunit"]
    y: Float[Array, "condition time unit"]
    means: xr.DataArray
    seeds: xr.DataArray | None
    trials: Trials | None
    single: xr.DataArray | None
    halves: Float[Array, "2 condition time unit"] | None
    unsplit: str
    attrs: dict[str, Any]


def pair_up(
    run: xr.Dataset | xr.DataArray,
    rec: xr.Dataset | xr.DataArray,
    *,
    by: str | Sequence[str] | None,
    join: Join,
    min_trials: int,
    window: Sequence[float | int] | None,
    variable: str | tuple[str | None, str | None] | None,
) -> Pair:
    """Average, match conditions by label, and bin the run into the recording's times.

    Raises
    ------
    LabelError
        If labels do not match, values are missing, or time windows do not overlap.
    """
    of_run, of_rec = variable if isinstance(variable, tuple) else (variable, variable)
    recorded, halves = _recorded(rec, of_rec)
    by = _conditions_by(run, recorded, by)
    y = condition_means(recorded, by, what="the recording", least=min_trials)
    # Sort conditions by label, because folds and shuffles depend on their order.
    y = y.sortby("condition") if "condition" in y.indexes else y
    x = _run_means(run, by, of_run, join, min_trials)
    n_rec, n_run = y.sizes["condition"], x.sizes["condition"]
    try:
        y, x = match(y, x, "condition", by=by, join=join)
    except LabelError as error:
        raise LabelError(f"the recording (first) and the run (second): {error}") from None
    n_bins, width = y.sizes["time"], bin_width(y, what="the recording")
    x = rebin(x, y, window=window)
    y = y.sel(time=x["time"])
    codes = None
    if rows(recorded) == "trial":
        if "trial" in recorded.indexes:  # because draws, like folds, depend on the order
            recorded = recorded.sortby("trial")
        codes = condition_codes(recorded, y, by)
        recorded = recorded.sel(time=y["time"]).isel(trial=codes < y.sizes["condition"])
        codes = codes[codes < y.sizes["condition"]]
    trials, halves, unsplit = _splittable(recorded, halves, y, by, codes)
    seeds = x["seed"] if "seed" in x.dims else None
    bins = clock(y, what="the recording", even=False).time
    x = x if seeds is not None else x.expand_dims("seed")
    members, without = _members(x.transpose("seed", "condition", "time", "unit"))
    return Pair(
        x=members,
        y=jnp.asarray(balanced(checked(y, what="the recording")), members.dtype),
        means=y,
        seeds=seeds,
        trials=trials,
        single=recorded if trials is not None else None,
        halves=halves,
        unsplit=unsplit,
        attrs={
            "by": ", ".join(by or []),
            "n_conditions": y.sizes["condition"],
            "n_trials": 0 if trials is None else recorded.sizes["trial"],
            "n_units": [x.sizes["unit"], y.sizes["unit"]],
            "conditions_left_out_of_recording": n_rec - y.sizes["condition"],
            "conditions_left_out_of_run": n_run - y.sizes["condition"],
            "bin_width": width,
            "first_bin": float(bins[0]),
            "last_bin": float(bins[-1]),
            "bins_left_out": n_bins - y.sizes["time"],
            "members_without_score": "" if seeds is None else listed(seeds, without),
        },
    )


def _members(x: xr.DataArray) -> tuple[Array, np.ndarray]:
    """Activity of each member, each on its own scale, and which members cannot be compared."""
    finite = np.isfinite(x.values).all((1, 2, 3))
    if not finite.any():
        checked(x, what="the run")
    known = np.where(finite[:, None, None, None], x.values, 0)
    members = np.stack([balanced(member) for member in known])
    return jnp.asarray(members, jnp.result_type(float)), ~members.any((1, 2, 3))


def _recorded(rec, name: str | None) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Activity of a recording, and the halves it may bring on a dim ``repetition``."""
    array = pick(rec, name, what="the recording", streams=True)
    variables = getattr(rec, "data_vars", {})
    if "repetition" in array.dims:
        number = variables.get("n_trials", xr.DataArray(1.0))
        weight = number / (number.sum("repetition") if "repetition" in number.dims else 2)
        mean = (array * weight).sum("repetition", skipna=False).transpose(*array.dims[1:])
        return mean.assign_attrs(array.attrs), array
    dims = {"repetition", *array.dims}
    beside = [v for v in variables.values() if set(v.dims) == dims]
    if len(beside) > 1:
        raise LabelError(
            f"the recording has several variables on 'repetition', {[v.name for v in beside]}: "
            "keep the halves of the variable that is compared."
        )
    return array, beside[0] if beside else None


def _conditions_by(run, recorded: xr.DataArray, by) -> list[str] | None:
    if by is not None:
        return [by] if isinstance(by, str) else list(by)
    if not isinstance(run, (xr.Dataset, xr.DataArray)):
        return None
    known = {*run.coords, *getattr(run, "data_vars", {})}
    trials = rows(recorded, what="the recording") == "trial"
    if trials and "trial" in run.dims:
        return _design(run, recorded, known)
    if "trial" not in (*recorded.dims, *run.dims):
        return None
    # The labels of the side that is averaged already.
    averaged, other = (run, set(recorded.coords)) if trials else (recorded, known)
    found = [n for n, c in averaged.coords.items() if c.dims == ("condition",) and n in other]
    return [str(n) for n in found if n != "condition"] or None


def _design(run, recorded: xr.DataArray, known: set) -> list[str]:
    """The conditions of the task, from either side; both sides must have these labels."""
    design = conditions(run) or conditions(recorded)
    shared = recorded.drop_vars([n for n in recorded.coords if n not in known])
    if not design:
        return chosen(shared, None, what="the recording")
    if missing := [n for n in design if n not in shared.coords]:
        both = [n for n in design if n not in missing]
        raise LabelError(
            f"the conditions of the task are {design}, but not both sides have {missing}: give "
            f"the recording and the run these labels, or average over them, by={both}."
        )
    return design


def _run_means(run, by, name: str | None, join: Join, least: int) -> xr.DataArray:
    """Condition means of the run; labels that differ between seeds are averaged seed by seed."""
    own = [n for n in by or () if n in getattr(run, "data_vars", {})]
    if not any("seed" in run[n].dims for n in own):
        run = run.set_coords(own) if own else run
        array = pick(run, name, what="the run", streams=True)
        return condition_means(array, by, what="the run", least=least)
    members = [
        condition_means(
            pick(run.isel(seed=i).set_coords(own), name, what="the run", streams=True),
            by,
            what=f"member {i} of the run",
            least=least,
        )
        for i in range(run.sizes["seed"])
    ]
    first = members[0]
    for i, member in enumerate(members):
        try:
            first = match(first, member, "condition", by=by, join=join)[0]
        except LabelError as error:
            raise LabelError(f"members 0 (first) and {i} (second) of the run: {error}") from None
    members = [match(first, member, "condition", by=by, join="inner")[1] for member in members]
    return xr.concat(members, dim=run["seed"], join="override", coords="minimal", compat="override")


def _splittable(recorded, halves, y: xr.DataArray, by, codes):
    """Trials and halves on the matched conditions and times, and why they cannot be split."""
    if halves is not None:
        matched = match(y, halves, "condition", by=by, join="inner")[1]
        matched = pair(y, matched, ("time", "unit"), what=("means", "halves"), join="inner")[1]
        if any(matched.sizes[dim] != size for dim, size in y.sizes.items()):
            raise LabelError(
                "the halves on 'repetition' lack conditions, times or units that the means have."
            )
        return None, given_halves(matched), ""
    if codes is None:
        return None, None, "the recording holds condition means without halves ('repetition')"
    if not is_loaded(recorded) and recorded.nbytes > LARGE:
        reason = (
            f"single trials of {gib(recorded.nbytes)} are not loaded (limit {gib(LARGE)}): give "
            "the means of two halves of them on 'repetition' (neurodyn.trials.split_half)"
        )
        return None, None, reason
    n = y.sizes["condition"]
    trials = group_trials(recorded, codes, n, what="the recording", balance=True)
    try:
        refuse_single_trials(trials, y)
    except LabelError as error:
        return trials, None, f"{error} (min_trials=2, join='inner' leaves such conditions out)"
    return trials, None, ""
