"""The same for the same labels, in whatever order entries and dims come."""

import numpy as np

from tests.conformance.labelled.calls import (
    FEATURES,
    Case,
    apart_from_draws,
    attempt,
    ours,
    reference,
    said_by,
)
from tests.conformance.labelled.seen import difference, seen

__all__ = ["permuted", "transposed"]


def permuted(case: Case, order: np.ndarray) -> str:
    """f of permuted data is f of the data."""
    if case.of_a_model:
        return ""
    got, error = attempt(lambda: case.called(lambda x: x.isel({case.dim: order})))
    if error:
        return said_by(error)
    perms = {case.dim: order}
    said = apart_from_draws(case.example, got, reference(case.example), perms)
    if said and case.plot and case.dim not in FEATURES:
        # Of trials and networks the first may be shown, which is another one now.
        first, error = attempt(lambda: case.called(lambda x: x.isel({case.dim: order[:1]})))
        if error is None and not difference(got, first):
            return ""
        if case.first and "trial" in case.example.entry.signature.parameters:
            chosen, error = attempt(lambda: seen(case.example(trial=int(order[0]))))
            said = said if error or difference(got, chosen, perms) else ""
    return said


def transposed(case: Case) -> str:
    """Dims in another order: the same, or a refusal."""
    got, error = attempt(lambda: case.called(lambda x: x.transpose(*list(x.dims)[::-1])))
    if error:
        return "" if ours(error) else said_by(error)
    return apart_from_draws(case.example, got, reference(case.example))
