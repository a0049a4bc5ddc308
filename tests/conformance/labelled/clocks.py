"""Another unit, direction or step of time: right, or refused by name."""

import re
from typing import Any

import numpy as np
import xarray as xr

import neurodyn as nd
from tests.conformance.labelled.calls import (
    Case,
    Change,
    apart_from_draws,
    attempt,
    flat,
    leaf,
    ours,
    reference,
    said_by,
    whole,
    within,
)
from tests.conformance.labelled.seen import difference, seen

__all__ = ["CLOCKS", "clock"]

#: Words of a refusal for the clock.
NAMED = re.compile(
    r"time|step|gap|second|clock|\bbin|spaced|reverse|sample|shape|agree|\bms\b|symbol", re.I
)


def _coarse(x):
    coarse = x.coarsen(time=2, boundary="trim")
    with xr.set_options(keep_attrs=True):
        counts = x.attrs.get("kind") == "spike_count" or getattr(x, "name", "") == "spike_count"
        return coarse.sum() if counts else coarse.mean()


def _with_gap(x):
    """As many samples as of a coarser step, for which programs are there."""
    n = x.sizes["time"]
    return x.isel(time=np.r_[0 : n // 4, n - (n // 2 - n // 4) : n])


def _timedelta(x):
    ns = np.round(x["time"].values * 1e6).astype("timedelta64[ns]")
    return x.assign_coords(time=("time", ns))


CLOCKS: dict[str, Change] = {
    "seconds": nd.to_seconds,
    "timedelta64": _timedelta,
    "reversed": lambda x: x.isel(time=slice(None, None, -1)),
    "repeated": lambda x: x.isel(time=np.r_[0, 0, 1 : x.sizes["time"] - 1]),
    "gap": _with_gap,
    "thinned": lambda x: x.isel(time=slice(1, None, 2)),
    "coarse": _coarse,
}


def clock(case: Case, name: str) -> str:
    """The fault of an answer to data of another clock."""
    change = CLOCKS[name]
    changed, impossible = attempt(lambda: within(change, case.given))
    if impossible or (case.dim == "spike" and name != "seconds"):
        return ""
    got, error = attempt(lambda: seen(case.example(**{case.argument: changed})))
    if error:
        if not ours(error):
            return f"{name}: {said_by(error)}"
        named = NAMED.search(str(error))
        return "" if named else f"{name}: refused without a word of time: {said_by(error)}"
    said = _SAYS.get(name, _of_the_same)(case, change, got)
    if said and (_sample_by_sample(case, change, got) or _as_both(case, change, got)):
        return ""
    return f"{name}: {said}" if said else ""


def _of_the_same(case: Case, change: Change, got: Any) -> str:
    """The same samples under other labels give the same answer."""
    return apart_from_draws(case.example, got, reference(case.example))


def _of_an_uneven_step(case: Case, change: Change, got: Any) -> str:
    """Only what does not depend on the step may answer."""
    if case.plot:
        return ""  # what is drawn stands at its time
    free = _is_free_of_the_clock(case)
    return "" if free else "answers, though what it says depends on an even step"


def _of_a_new_step(case: Case, change: Change, got: Any) -> str:
    """With attributes that say what the labels say, the same."""
    if not {"bin_width", "dt"} & set(leaf(case.given).attrs):
        return ""  # nothing else says what the step is

    def anew(x):
        made = change(x)
        step = float(np.diff(made["time"].values).mean())
        return made.assign_attrs({n: step for n in ("bin_width", "dt") if n in x.attrs})

    want, refused = attempt(lambda: case.called(anew))
    return "" if refused else apart_from_draws(case.example, got, want)


def _of_fewer(case: Case, change: Change, got: Any) -> str:
    """Every second sample gives the answer of a new step; a bin is as wide as before."""
    binned = "bin_width" in leaf(case.given).attrs
    return "" if binned else _of_a_new_step(case, change, got)


_SAYS = {
    "gap": _of_an_uneven_step,
    "repeated": _of_an_uneven_step,
    "thinned": _of_fewer,
    "coarse": _of_a_new_step,
}


def _sample_by_sample(case: Case, change: Change, got: Any) -> bool:
    """Whether f acts on each sample alone, so that it may change afterwards as well."""
    made = whole(case)
    if made is None or made.sizes.get("time") != leaf(case.given).sizes.get("time"):
        return False
    return not difference(got, seen(change(made)))


def _as_both(case: Case, change: Change, got: Any) -> bool:
    """Whether the samples that both arguments have were compared."""
    if len(case.example.arguments) < 2:
        return False
    both = {
        a: within(change, v) for a, v in case.example.arguments.items() if "time" in leaf(v).dims
    }
    want, refused = attempt(lambda: seen(case.example(**both)))
    return len(both) > 1 and refused is None and not difference(got, want)


def _is_free_of_the_clock(case: Case) -> bool:
    """Whether doubled time labels change nothing but time labels."""

    def slower(x):
        return x.assign_coords(time=("time", 2 * x["time"].values, x["time"].attrs))

    got, error = attempt(lambda: case.called(slower))
    if error:
        return False
    got, want = flat(got), flat(reference(case.example))
    parts = [n for n in want if n.rsplit(".", 1)[-1] != "time"]
    return set(got) == set(want) and not any(difference(got[n], want[n]) for n in parts)
