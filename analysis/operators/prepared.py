"""From the activity of a system to embedded trials, their folds, and a checked rank."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurodyn.analysis.operators.delays import embed, long_enough
from neurodyn.analysis.operators.fit import (
    OFFSETS,
    Basis,
    Embedded,
    Errors,
    Operator,
    errors_of,
    fitted,
    operator_of,
)
from neurodyn.analysis.operators.series import Series, inputs_of
from neurodyn.common.checks import whole
from neurodyn.labels import LabelError

#: Fraction of the variance that the default rank keeps.
SHARE = 0.99


class Settings(NamedTuple):
    """How operators are fitted."""

    n_delays: int
    delay_interval: int
    ridge: float
    offset: str

    @property
    def past(self) -> int:
        """Number of steps before a sample that are put together with it."""
        return (self.n_delays - 1) * self.delay_interval


def settings(n_delays: Any, delay_interval: Any, ridge: Any, offset: Any) -> Settings:
    """Check how operators shall be fitted."""
    if offset not in OFFSETS:
        raise ValueError(f"offset must be one of {', '.join(OFFSETS)}, got {offset!r}.")
    if np.ndim(ridge) or not np.isfinite(ridge) or ridge < 0:
        raise ValueError(f"ridge must be a number >= 0, got {ridge!r}.")
    delays = whole("n_delays", n_delays), whole("delay_interval", delay_interval)
    return Settings(*delays, float(ridge), offset)


def embedded(
    series: Series, how: Settings, inputs: Any = None, lag: int = 0, *, what: str = "activity"
) -> Embedded:
    """Embed the trials of a system.

    Raises
    ------
    LabelError
        If no trial is long enough for two embedded samples that follow each other.
    """
    values = series.values
    seen = np.isfinite(values).all(-1)
    longest = max((np.flatnonzero(trial).size for trial in seen), default=0)
    long_enough(longest, how.n_delays, how.delay_interval, what=what)
    h = embed(values, how.n_delays, how.delay_interval)
    h = h.reshape(*h.shape[:2], -1)
    u = None
    if inputs is not None:
        u = inputs_of(series, inputs, lag)[:, how.past :]
    data = Embedded(h, np.isfinite(h).all(-1), u)
    if not data.steps.any():
        raise LabelError(
            f"no two embedded samples of {what} follow each other without missing ones: take "
            f"fewer delays than {how.n_delays}, or a shorter interval than {how.delay_interval}."
        )
    return data


def most_of(data: Embedded) -> int:
    """The largest rank that an operator may have: of dimensions, and of steps to fit it to."""
    return int(min(data.samples.shape[-1], data.complete.sum() - 1, data.steps.sum()))


def explained_rank(basis: Basis) -> int:
    """Number of coordinates that hold `SHARE` of the variance."""
    share = np.cumsum(basis.size**2) / (basis.size**2).sum()
    return int(np.searchsorted(share, SHARE) + 1)


def folds_of(
    data: Embedded, order: np.ndarray, n_folds: int, past: int
) -> tuple[Embedded, list[np.ndarray]]:
    """Trials of each fold: every n-th in the order of labels; a single trial is cut in time.

    The first samples of a piece, whose `past` lies in the piece before, are left out.

    Raises
    ------
    ValueError
        If `n_folds` is below two.
    """
    n = len(data.samples)
    n_folds = whole("n_folds", n_folds, 2)
    if n > 1:
        n_folds = min(n_folds, n)
        return data, [order[i::n_folds] for i in range(n_folds)]
    piece = -(-data.samples.shape[1] // n_folds)

    def cut(x, empty):
        padded = np.full((n_folds * piece, *x.shape[2:]), empty, x.dtype)
        padded[: x.shape[1]] = x[0]
        return padded.reshape(n_folds, piece, *x.shape[2:])

    complete = cut(data.complete, False)
    complete[1:, :past] = False
    u = None if data.inputs is None else cut(data.inputs, np.nan)
    return Embedded(cut(data.samples, np.nan), complete, u), [np.array([i]) for i in range(n_folds)]


def without(data: Embedded, fold: np.ndarray) -> Embedded:
    """The trials outside of a fold."""
    return data.of_trials(np.setdiff1d(np.arange(len(data.samples)), fold))


def held_out(
    data: Embedded,
    folds: list[np.ndarray],
    ranks: list[int],
    how: Settings,
    n_units: int,
    n_steps: int,
) -> list[Errors]:
    """Errors for each rank, summed over folds that are predicted from the others."""
    total = [np.zeros((4, n_steps)) for _ in ranks]
    for fold in folds:
        known, new = without(data, fold), data.of_trials(fold)
        if most_of(known) < max(ranks):
            raise ValueError(
                f"rank {max(ranks)} is too high for cross-validation: without one fold "
                f"{most_of(known)} steps or dimensions are left."
            )
        fit = fitted(known, how.offset, max(ranks))
        for i, rank in enumerate(ranks):
            operator = operator_of(fit, rank, how.ridge)
            total[i] += errors_of(operator, new, n_units, n_steps)
    return [Errors(*sums) for sums in total]


def relative(errors: Errors) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the operator and of no change, as fractions of the variance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return errors.squares / errors.spread, errors.still / errors.spread


def information(errors: Errors, operator: Operator) -> np.ndarray:
    """AIC per predicted value, from errors on the data that the operator was fitted to."""
    parameters = operator.A.size + operator.B.size + np.count_nonzero(operator.c)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(errors.squares / errors.n) + 2 * (parameters + 1) / errors.n
