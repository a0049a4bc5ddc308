"""Two labelled objects belong together by their labels: entries that are missing, other times."""

from typing import Any

import numpy as np
import xarray as xr

from tests.conformance.labelled.calls import (
    ORDERED,
    Case,
    apart_from_draws,
    attempt,
    leaf,
    ours,
    reference,
    said_by,
    within,
)
from tests.conformance.labelled.examples import result
from tests.conformance.labelled.seen import difference, seen

__all__ = ["paired"]


def paired(case: Case, order: np.ndarray) -> str:
    """Entries that the second object lacks, or labels otherwise, are refused or count as missing.

    Only where it matters which entry of one belongs to which of the other.
    """
    others = [a for a in case.example.arguments if a != case.argument]
    shares = [a for a in others if case.dim in getattr(leaf(case.example.arguments[a]), "dims", ())]
    if case.first or not shares or (case.dim in ORDERED and case.dim != "time"):
        return ""

    def shuffled(x):
        taken = (
            x.roll({case.dim: x.sizes[case.dim] // 3})
            if case.dim == "time"
            else x.isel({case.dim: order})
        )
        return taken.assign_coords({case.dim: x[case.dim]}) if case.dim in x.coords else taken

    moved, error = attempt(lambda: case.called(shuffled))
    if error is None and not _differs(case, moved):
        return ""
    if case.dim == "time":
        return _other_times(case, shares)
    if case.dim not in leaf(case.given).indexes:
        return ""
    return _missing(case, shares, np.sort(order[order != _left_out(leaf(case.given), case, order)]))


def _left_out(given: Any, case: Case, order: np.ndarray) -> int:
    """The first entry of the order; of trials, one that is alone in its condition.

    Measures of conditions rightly accept that one of several trials of a condition is missing.
    """
    if case.dim == "trial" and "coherence" in given.coords:
        values, counts = np.unique(given["coherence"].values, return_counts=True)
        alone = np.isin(given["coherence"].values[order], values[counts == 1])
        return int(order[np.argmax(alone)])
    return int(order[0])


def _differs(case: Case, got: Any) -> bool:
    """Whether a result is another one, roughly: what is not paired changes a little at most."""
    want = reference(case.example)
    return bool(difference(got, want, rtol=0.1) and apart_from_draws(case.example, got, want))


def _missing(case: Case, shares: list[str], keep: np.ndarray) -> str:
    def fewer(x):
        return x.isel({case.dim: keep})

    got, error = attempt(lambda: case.called(fewer))
    if error:
        return "" if ours(error) else f"missing entries: {said_by(error)}"
    both = {a: within(fewer, case.example.arguments[a]) for a in (case.argument, *shares)}
    inner, refused = attempt(lambda: seen(case.example(**both)))
    if refused is None and not difference(got, inner):
        return ""
    labels = leaf(case.given)[case.dim].values[keep]
    made = result(case.example)
    allowed = [made, _only(made, case.dim, labels)]
    parts = list(zip(*allowed, strict=True)) if isinstance(made, tuple | list) else [tuple(allowed)]
    given = got if isinstance(made, tuple | list) else [got]
    if all(
        any(not apart_from_draws(case.example, g, seen(a)) for a in choices)
        for g, choices in zip(given, parts, strict=True)
    ):
        return ""
    said = difference(got, reference(case.example))
    return f"entries are missing on one side, and it answers: {said}"


def _only(made: Any, dim: str, labels: np.ndarray) -> Any:
    """A result with the entries that were left."""
    if isinstance(made, tuple | list):
        return [_only(m, dim, labels) for m in made]
    if isinstance(made, xr.Dataset | xr.DataArray) and dim in made.indexes:
        return made.sel({dim: made[dim].isin(labels)})
    return made


def _other_times(case: Case, shares: list[str]) -> str:
    def later(x):
        step = float(np.diff(x["time"].values).mean())
        return x.assign_coords(time=("time", x["time"].values + 1.4 * step, x["time"].attrs))

    if case.plot:
        everything = {a: within(later, v) for a, v in case.example.arguments.items()}
        drawn, error = attempt(lambda: seen(case.example(**everything)))
        if error is None and not difference(drawn, reference(case.example)):
            return ""  # times are not shown
    got, error = attempt(lambda: case.called(later))
    if error:
        return "" if ours(error) else f"other times: {said_by(error)}"
    if difference(got, reference(case.example)):
        return ""  # it took them into account
    return "the other side has other times (by 1.4 steps), and it answers as if they were the same"
