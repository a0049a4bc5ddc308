"""Times as plain numbers of milliseconds, without guesses about units."""

from typing import Any

import numpy as np

from neurodyn.labels.convention import LabelError


def refuse_units(what: str, given: Any) -> None:
    """Refuse numbers that carry a unit, which NumPy would drop: 20 ms of Brian2 are 0.02 (s).

    Raises
    ------
    TypeError
        If they are of Brian2, quantities, neo, astropy or pint.
    """
    known = isinstance(given, np.ndarray) and type(given) is not np.ndarray
    known = known and any(hasattr(given, name) for name in ("dim", "units", "unit"))
    if known or hasattr(given, "magnitude"):
        raise TypeError(
            f"{what} carries a unit of its own, got {given!r:.80}: pass plain numbers in ms (mV, "
            "pA, nS, Hz). Of Brian2, divide by that unit, x / ms; of neo and quantities, take "
            "x.rescale('ms').magnitude."
        )


def plain_times(given: Any, what: str) -> np.ndarray:
    """Times [ms] as a float64 array; those with another unit are refused, because it would be lost.

    Parameters
    ----------
    given
        Numbers.
    what
        Name of them in errors.

    Raises
    ------
    TypeError
        If they carry a unit, as those of neo, quantities and Brian2 do.
    LabelError
        If they are dates, durations of NumPy or pandas, or no numbers.
    """
    refuse_units(what, given)
    if isinstance(given, (list, tuple)) and len(given):
        refuse_units(what, given[0])
    values = np.asarray(given)
    if values.dtype.kind == "m":
        raise LabelError(
            f"{what}: {values.dtype} is no number of ms: divide by numpy.timedelta64(1, 'ms')."
        )
    if values.dtype.kind == "M":
        raise LabelError(
            f"{what}: {values.dtype} is no number of ms: subtract the start of the recording, and "
            "divide by numpy.timedelta64(1, 'ms')."
        )
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise LabelError(f"{what} must be numbers of ms, got {given!r:.80} ({error}).") from error


def plain_step(dt: Any) -> float:
    """A step [ms] that the user gave.

    Raises
    ------
    TypeError
        If it carries a unit.
    LabelError
        If it is no finite number above 0.
    """
    step = plain_times(dt, "dt")
    if not (step.ndim == 0 and np.isfinite(step) and step > 0):
        raise LabelError(f"dt must be a number of ms above 0, got {dt!r}.")
    return float(step)
