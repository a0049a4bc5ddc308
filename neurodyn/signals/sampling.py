"""Values of a signal at other times: the nearest sample, or a line between two of them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.labels.clock import slack_of
from neurodyn.labels.convention import Number

Method = Literal["nearest", "linear"]
#: Usual steps that samples may be apart for values between them to be interpolated.
LONGEST_GAP = 3.0


class Samples(NamedTuple):
    """Where the values at some times come from; all arrays are shaped like these times.

    Attributes
    ----------
    low, high
        Positions of the samples before and after each time.
    weight
        Weight of the second one, 0 to 1.
    found
        Whether the signal has a value there.
    when
        Time that the value truly is of [ms].
    """

    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    found: np.ndarray
    when: np.ndarray


def on_time(ds: xr.Dataset, what: str, done: str) -> list[Any]:
    """Names of the variables on `time`.

    Parameters
    ----------
    ds
        A signal.
    what
        Its name in errors.
    done
        What happens to these variables, for errors: "cut", "resampled".

    Raises
    ------
    LabelError
        If there are none, one of them holds no real numbers, or a coordinate lies on `time`, too.
    """
    names = [name for name, v in ds.items() if "time" in v.dims]
    if not names:
        raise LabelError(f"no signal lies on 'time': variables of {what} are {list(ds.data_vars)}.")
    if other := [n for n, c in ds.coords.items() if "time" in c.dims and n != "time"]:
        raise LabelError(
            f"the coordinates {other} lie on 'time': .reset_coords({other}) makes them variables, "
            f"which are {done}, too; .drop_vars({other}) leaves them out."
        )
    if wrong := [name for name in names if ds[name].dtype.kind not in "biuf"]:
        raise LabelError(
            f"{wrong} hold no real numbers, so that NaN cannot mark missing samples: "
            f".drop_vars({wrong}) leaves them out."
        )
    return names


def in_pieces(times: np.ndarray) -> bool:
    """Whether times are even but for gaps."""
    steps = np.diff(times)
    usual = float(np.median(steps))
    slack = max(slack_of(times), 1e-6 * usual)
    return bool(np.all((np.abs(steps - usual) <= slack) | (steps > 1.5 * usual)))


def tidy_step(step: float, times: np.ndarray) -> float:
    """The step that an even clock means, where late times are too coarse to tell it exactly.

    It is the roundest step, or rate, within the rounding of the first and the last time.
    """
    doubt = 2 * float(np.spacing(np.abs(times).max())) / max(times.size - 1, 1)
    for digits in range(10):
        rate = round(1000 / step, digits)
        for found in (round(step, digits), 1000 / rate if rate else np.inf):
            if abs(found - step) <= doubt:
                return found
    return step


def find_gap(max_gap: Number | None, step: float) -> float:
    """The longest gap to interpolate over [ms].

    Raises
    ------
    LabelError
        If `max_gap` is not a positive number.
    """
    if max_gap is None:
        return LONGEST_GAP * step
    if not (np.ndim(max_gap) == 0 and max_gap > 0):
        raise LabelError(f"max_gap must be a positive number of ms, got {max_gap!r}.")
    return float(max_gap)


def nearest(times: np.ndarray, at: np.ndarray, step: float) -> Samples:
    """The sample that is nearest to each time, at most half a step from it."""
    slack = slack_of(times)
    after = np.clip(np.searchsorted(times, at - slack), 1, max(times.size - 1, 1))
    before = after - 1
    after = np.minimum(after, times.size - 1)
    # Of two that are as near, always the later one, so that none is taken twice.
    later = np.abs(times[after] - at) <= np.abs(at - times[before]) + slack
    place = np.where(later, after, before)
    when = times[place]
    found = np.abs(when - at) <= step / 2 + slack
    return Samples(place, place, np.zeros(at.shape), found, when)


def between(times: np.ndarray, at: np.ndarray, gap: float) -> Samples:
    """Lines between the two samples around each time, if these are at most `gap` apart [ms]."""
    slack = slack_of(times)
    low = np.clip(np.searchsorted(times, at, side="right") - 1, 0, max(times.size - 2, 0))
    high = np.minimum(low + 1, times.size - 1)
    width = times[high] - times[low]
    weight = np.clip((at - times[low]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    # On a sample its neighbour has no say, even if that is NaN or beyond a gap.
    first, second = np.abs(at - times[low]) <= slack, np.abs(at - times[high]) <= slack
    weight = np.where(first, 0.0, np.where(second, 1.0, weight))
    low, high = np.where(weight == 1, high, low), np.where(weight == 0, low, high)
    inside = (at >= times[0] - slack) & (at <= times[-1] + slack)
    return Samples(low, high, weight, inside & ((width <= gap + slack) | (low == high)), at)


def values_at(
    variable: xr.Variable, samples: Samples, dims: tuple[str, ...], inside: np.ndarray
) -> xr.Variable:
    """Values of a variable on `time` at these samples, NaN where they are not inside.

    Lazy arrays stay lazy. Whole numbers become floats.
    """
    variable = variable.transpose("time", ...)
    variable = variable.astype(np.result_type(variable.dtype, np.float32))
    found = _picked(variable, samples.low, dims)
    if (samples.low != samples.high).any():
        weight = xr.Variable(dims, samples.weight.astype(variable.dtype))
        found = found + weight * (_picked(variable, samples.high, dims) - found)
    if not inside.all():
        found = found.where(xr.Variable(dims, inside))
    found.attrs = variable.attrs
    return found


def _picked(variable: xr.Variable, place: np.ndarray, dims: tuple[str, ...]) -> xr.Variable:
    picked = variable.isel(time=place.ravel())
    data = picked.data.reshape(*place.shape, *picked.shape[1:])
    return xr.Variable((*dims, *variable.dims[1:]), data)
