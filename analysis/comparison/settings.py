"""What a comparison computes: its measures, and how it judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from neurodyn.analysis.comparison.intervals import Interval, check_interval
from neurodyn.analysis.shared.ceiling import CeilingKind, attainable
from neurodyn.analysis.shared.measure import Measure
from neurodyn.analysis.shared.pairing import Join

NullKind = Literal["conditions", "units", "rotation"]
#: The question that the p value of each null answers, put into an attribute of the result.
QUESTIONS = {
    "conditions": (
        "Is the run closer to the recording than to one whose {what} are assigned to conditions at "
        "random{within}?"
    ),
    "units": (
        "Is the run closer to the recording than to units whose conditions are permuted{within}, "
        "each unit by itself?"
    ),
    "rotation": (
        "Is the run closer to the recorded units than to the same population in randomly rotated "
        "axes? (Measures that ignore rotations score the same, so that p is 1.)"
    ),
}


@dataclass(frozen=True)
class Settings:
    """Settings of one call of `compare`, as described there."""

    measures: tuple[Measure, ...]
    by: str | Sequence[str] | None
    join: Join
    min_trials: int
    window: Sequence[float | int] | None
    n_splits: int
    n_null: int
    n_folds: int | None
    penalties: Any
    ceiling_kind: CeilingKind
    min_ceiling: float
    variable: str | tuple[str | None, str | None] | None
    null: NullKind
    within: tuple[str, ...]
    ceiling: str | None
    bootstrap: tuple[str, ...]
    n_bootstrap: int
    interval: Interval
    level: float
    key: Any

    def check(self) -> None:
        """Refuse settings that mean nothing, before anything is computed.

        Raises
        ------
        ValueError
            Saying which.
        """
        if self.n_splits < 1 or self.n_null < 0 or self.min_trials < 1:
            raise ValueError(
                "n_splits and min_trials must be 1 at least and n_null 0 at least, got "
                f"n_splits={self.n_splits}, min_trials={self.min_trials}, n_null={self.n_null}."
            )
        if self.null not in get_args(NullKind):
            raise ValueError(
                f"null is one of {', '.join(map(repr, QUESTIONS))}, got {self.null!r}."
            )
        if self.within and self.null == "rotation":
            raise ValueError("`within` is about labels that are exchanged; a rotation has none.")
        if self.n_bootstrap < 1:
            raise ValueError(f"n_bootstrap must be 1 at least, got {self.n_bootstrap}.")
        attainable(np.ones(1), self.ceiling_kind)
        check_interval(self.interval, self.level)


def names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)
