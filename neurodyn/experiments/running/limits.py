"""Types of settings with the range of their values, e.g. ``n_seeds: Count``."""

import math
from typing import Annotated, NamedTuple


class Limits(NamedTuple):
    """The range of a number.

    Attributes
    ----------
    low, high
        Smallest and largest value.
    above
        Whether values must be above ``low``, not equal to it.
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


#: Number of things, at least 1.
Count = Annotated[int, Limits(1)]
#: Whole number, at least 0.
Whole = Annotated[int, Limits(0)]
#: Seed of random numbers.
Seed = Annotated[int, Limits(0, 2_000_000_000)]
#: Number above 0.
Positive = Annotated[float, Limits(0, above=True)]
#: Number, at least 0.
NotNegative = Annotated[float, Limits(0)]
#: Number from 0 to 1.
Fraction = Annotated[float, Limits(0, 1)]
