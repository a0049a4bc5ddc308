"""Types of settings that say which values they take, e.g. ``n_seeds: Count``."""

import math
from typing import Annotated, NamedTuple

__all__ = ["Count", "Fraction", "Limits", "NotNegative", "Positive", "Seed", "Whole"]


class Limits(NamedTuple):
    """The range of a number.

    Attributes
    ----------
    low, high
        Its ends.
    above
        Whether the low end itself is out of range.
    """

    low: float | int
    high: float | int = math.inf
    above: bool = False

    def holds(self, value: float | int) -> bool:
        """Whether a number is in the range."""
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        low = f"{'> ' if self.above else '>= '}{self.low:g}"
        return low if math.isinf(self.high) else f"{low} and <= {self.high:.10g}"


#: How many: at least one.
Count = Annotated[int, Limits(1)]
#: A whole number that may be 0.
Whole = Annotated[int, Limits(0)]
#: What random numbers are drawn from.
Seed = Annotated[int, Limits(0, 2_000_000_000)]
Positive = Annotated[float, Limits(0, above=True)]
NotNegative = Annotated[float, Limits(0)]
#: From 0 to 1.
Fraction = Annotated[float, Limits(0, 1)]
