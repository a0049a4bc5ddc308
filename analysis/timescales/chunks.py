"""Chunks of activity that follow each other in time, read by their labels if they have any."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn import labels
from neurodyn.labels import LabelError
from neurodyn.labels.only import only

Chunk = Float[Array, "time trial unit"]
_DIMS = ("time", "trial", "unit")


class Seen:
    """Labels of the chunks that were read so far.

    Attributes
    ----------
    first
        Labels of trials and units, those of the first chunk; its values are not used.
    clock
        Times of the last chunk, with the step and unit of all of them.
    """

    def __init__(self, first: xr.DataArray, clock: labels.Clock):
        self.first, self.clock = first, clock


class Reading(NamedTuple):
    """A chunk and the labels read so far; `seen` is None where chunks are plain arrays."""

    values: Chunk | Float[np.ndarray, "time trial unit"]
    seen: Seen | None


def read_chunk(chunk: Any, before: Reading | None = None) -> Reading:
    """Values of a chunk, in the order of trials and units that the first chunk has.

    Parameters
    ----------
    chunk
        DataArray with the dims time, trial and unit in any order, or an array in this one.
    before
        The chunk before this one, as this function returned it; None: this is the first.

    Raises
    ------
    LabelError
        If chunks differ in trials, units, step or unit of time; a chunk does not start one step
        after the end of that before it; or some have labels and others none.
    ValueError
        If a chunk is empty, or an array has other dims.
    """
    chunk = only(chunk, "chunk", _DIMS)
    labelled = isinstance(chunk, xr.DataArray)
    if before is not None and labelled != (before.seen is not None):
        raise LabelError(
            "Some chunks have labels and others none, so that nothing says which trials and units "
            "belong together: pass DataArrays only, or arrays (time, trial, unit) only."
        )
    seen = None
    if labelled:
        chunk, seen = _labelled(chunk, None if before is None else before.seen)
    # Arrays of NumPy stay in float64, because float32 loses a small signal on a large offset.
    on_device = isinstance(chunk, jax.Array)
    values = jnp.asarray(chunk, jnp.result_type(float)) if on_device else np.asarray(chunk, float)
    if values.ndim != 3 or not values.size:
        raise ValueError(f"A chunk is (time, trial, unit) and not empty, got shape {values.shape}.")
    if before is not None and values.shape[1:] != before.values.shape[1:]:
        raise ValueError(
            f"A chunk is (time, trial, unit) with {before.values.shape[1:]} as before in trials "
            f"and units, got {values.shape}."
        )
    return Reading(values, seen)


def _labelled(chunk: xr.DataArray, seen: Seen | None) -> tuple[Any, Seen]:
    if set(chunk.dims) != set(_DIMS):
        raise LabelError(f"A chunk has the dims time, trial and unit, got {tuple(chunk.dims)}.")
    if not chunk.size:
        raise LabelError(f"A chunk is empty: its sizes are {dict(chunk.sizes)}.")
    chunk = chunk.transpose(*_DIMS)
    if seen is None:
        return chunk, Seen(chunk[0].drop_vars("time", errors="ignore"), _clock(chunk, None))
    clock = _clock(chunk, seen.clock.step)
    _check_follows(seen.clock, clock)
    _, chunk = labels.pair(seen.first, chunk, _DIMS[1:], what=("first chunk", "chunk after it"))
    return chunk.transpose(*_DIMS), Seen(seen.first, clock._replace(step=seen.clock.step))


def _clock(chunk: xr.DataArray, dt: float | None) -> labels.Clock:
    if "time" not in chunk.coords:
        raise LabelError(
            "A chunk has labels but no times, so that nothing says in which order chunks come: "
            ".assign_coords(time=...), in ms, or pass chunk.transpose('time', 'trial', "
            "'unit').values."
        )
    return labels.clock(chunk, what="a chunk", dt=dt)


def _check_follows(before: labels.Clock, clock: labels.Clock) -> None:
    if clock.unit != before.unit:
        raise LabelError(
            f"Times of a chunk are in {clock.unit!r}, of that before it in {before.unit!r}: bring "
            "all into one unit."
        )
    end, start = float(before.time[-1]), float(clock.time[0])
    if abs(start - (end + before.step)) > 0.01 * before.step:
        fault = "leave a gap" if start > end + before.step else "overlap or are out of order"
        raise LabelError(
            f"Chunks {fault}: one ends at {end!r}, and the next starts at {start!r} instead of one "
            f"step of {before.step:g} later. Pass chunks that follow each other, in order of time."
        )
