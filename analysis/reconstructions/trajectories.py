"""Trajectories of systems and of data, brought to one form and checked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neurodyn.analysis.shared.results import table
from neurodyn.common.checks import plain_number
from neurodyn.labels import LabelError, clock, encode_attrs, like, pair_channels, valid
from neurodyn.labels.check_values import held
from neurodyn.labels.sequences import refuse_frame

_CHANNELS = ("output", "unit", "latent", "channel")


class Runs(NamedTuple):
    """Generated trajectories.

    Attributes
    ----------
    values
        ``(run, time, channel)``, float64.
    finite
        Whether each run is finite throughout.
    dims, shape, coords
        How the runs were labelled before they were stacked.
    channels
        Labels of the channels, or None.
    """

    values: Float[np.ndarray, "run time channel"]
    finite: Bool[np.ndarray, " run"]
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    coords: dict[str, Any]
    channels: xr.DataArray | None


def as_runs(data: Any, name: str = "generated", *, even: bool = False) -> Runs:
    """Trajectories ``(..., time, channel)`` with any leading dims, stacked into runs.

    ``even`` refuses uneven times, for measures in which neighbouring samples are one step apart.

    Raises
    ------
    LabelError, TypeError, ValueError
        If dims are wrong or the numbers are none.
    """
    if isinstance(data, xr.Dataset):
        raise TypeError(f"`{name}` must be one variable: pass e.g. {name}['outputs'].")
    channels = None
    if isinstance(data, xr.DataArray):
        data, dim = _in_order(data, name)
        channels = data[dim] if dim in data.coords else None
        if "time" in data.coords:
            clock(data, what=f"`{name}`", default=np.nan, even=even)
        if not bool(valid(data).all()):
            raise LabelError(
                f"`{name}` has trials that end before others, so that their padding would count: "
                "cut all to a time that each reaches, .sel(time=slice(start, stop))."
            )
        dims = tuple(str(d) for d in data.dims[:-2])
        coords = {str(n): c.variable for n, c in data.coords.items() if set(c.dims) <= set(dims)}
        values = held(data, what=f"`{name}`").values
    else:
        refuse_frame(data, name)
        values = np.asarray(data)
        if values.ndim not in (2, 3):
            raise ValueError(
                f"`{name}` must be (time, channel) or (trial, time, channel), got shape "
                f"{values.shape}; a single channel is {name}[:, None]. For more leading axes pass "
                "a DataArray."
            )
        dims, coords = (("trial",), {}) if values.ndim == 3 else ((), {})
    if values.dtype.kind not in "iuf" or 0 in values.shape:
        raise ValueError(f"`{name}` must hold numbers, got {values.dtype} of shape {values.shape}.")
    shape = values.shape[:-2]
    stacked = values.reshape(-1, *values.shape[-2:]).astype(np.float64)
    finite = np.asarray(np.isfinite(stacked).all((1, 2)))
    return Runs(stacked, finite, dims, shape, coords, channels)


def as_truth(
    data: Any, name: str = "truth", *, even: bool = False
) -> Float[np.ndarray, "run time channel"]:
    """True trajectories, all finite and without constant channels.

    Raises
    ------
    LabelError, TypeError, ValueError
        As :func:`as_runs`; and for holes and constant channels, naming them.
    """
    runs = as_runs(data, name, even=even)
    if not runs.finite.all():
        bad = int((~np.isfinite(runs.values)).any(-1).sum())
        raise ValueError(
            f"`{name}` holds NaN or infinite values in {bad} samples; cut or interpolate them "
            "first."
        )
    flat = np.flatnonzero(np.ptp(runs.values, axis=(0, 1)) == 0)
    if flat.size:
        raise ValueError(
            f"`{name}` is constant in channels {flat.tolist()}: nothing can be told from them; "
            "leave them out on both sides."
        )
    return runs.values


def has_times(data: Any) -> bool:
    """Whether trajectories are labelled with times."""
    return isinstance(data, xr.DataArray) and "time" in data.coords


def read_step(data: Any, name: str, dt: float | int | None = None) -> tuple[float, str]:
    """Step of trajectories and its unit: that of their labels, else `dt`, else one sample ("1").

    Raises
    ------
    LabelError, ValueError
        As :func:`neurodyn.labels.clock`; and if `dt` is no number above 0.
    """
    if has_times(data):
        return clock(data, what=f"`{name}`", dt=dt)[1:]
    return (1.0, "1") if dt is None else (plain_number("dt", dt, above=0), "ms")


def as_pair(
    generated: Any, truth: Any, *, even: bool = False
) -> tuple[Runs, Float[np.ndarray, "run time channel"]]:
    """Runs, and the values of the truth, of the same channels in the same order.

    Trajectories of the truth come in the order of their labels, so that random draws from them do
    not depend on their arrangement.

    Raises
    ------
    LabelError, TypeError, ValueError
        As :func:`as_runs` and :func:`as_truth`, and if channels differ.
    """
    generated, truth = same_channels(generated, truth)
    if isinstance(truth, xr.DataArray):
        leading = [d for d in truth.dims if d in truth.indexes and d not in ("time", "channel")]
        truth = truth.sortby(leading) if leading else truth
    return as_runs(generated, even=even), as_truth(truth, even=even)


def same_channels(generated: Any, truth: Any) -> tuple[Any, Any]:
    """Both with the same channels in the order of the generated ones; arrays pair by position.

    Where one is labelled both come back labelled, with the dims time and channel last.

    Raises
    ------
    LabelError, TypeError, ValueError
        If channels or dims differ.
    """
    n, m = as_runs(generated).values.shape[2], as_runs(truth, "truth").values.shape[2]
    if n != m:
        raise ValueError(
            f"`generated` has {n} channels and `truth` {m}: pass the model's outputs, not its "
            "latent state, and the same channels on both sides."
        )
    if not any(isinstance(x, xr.DataArray) for x in (generated, truth)):
        return generated, truth
    a, b = _by_channel(generated, truth, "generated"), _by_channel(truth, generated, "truth")
    b = pair_channels(a, b, "channel", "channel", what=("generated", "truth"))
    return a, b.transpose(..., "time", "channel")


def _by_channel(data: Any, other: Any, name: str) -> xr.DataArray:
    """The data as a DataArray whose last dim is called channel."""
    if isinstance(data, xr.DataArray):
        data, dim = _in_order(data, name)
        if dim != "channel":
            data = data.drop_vars("channel", errors="ignore").rename({dim: "channel"})
        return data
    values = np.asarray(data)
    array = xr.DataArray(values, dims=("trial", "time", "channel")[-values.ndim :])
    names = _by_channel(other, None, "other")
    if "channel" not in names.coords:
        return array
    numbered = like(np.arange(values.shape[-1]), names["channel"], what=("labelled side", "other"))
    return array.assign_coords(channel=numbered["channel"])


def label_runs(
    runs: Runs, variables: dict[str, tuple[Any, str, str]], attrs: dict[str, Any]
) -> xr.Dataset:
    """Results of each run under the labels of the runs.

    Parameters
    ----------
    runs
        The runs.
    variables
        ``{name: (values, units, long_name)}`` with values ``(run,)`` or ``(run, channel)``.
    attrs
        Settings of the measure.
    """
    built = {}
    for name, (values, units, long_name) in variables.items():
        values = np.asarray(values)
        dims = runs.dims if values.ndim == 1 else (*runs.dims, "channel")
        values = values.reshape((*runs.shape, *values.shape[1:]))
        built[name] = (dims, values, units, long_name)
    ds = table(built, runs.coords)
    if runs.channels is not None and "channel" in ds.dims:
        ds = ds.assign_coords(channel=("channel", runs.channels.values))
    return ds.assign_attrs(encode_attrs(attrs))


def _in_order(data: xr.DataArray, name: str) -> tuple[xr.DataArray, str]:
    found = [str(d) for d in data.dims if d in _CHANNELS]
    if "time" not in data.dims or len(found) != 1:
        raise LabelError(
            f"`{name}` must have the dim 'time' and one of {', '.join(_CHANNELS)}, got "
            f"{tuple(data.dims)}: rename or select first."
        )
    return data.transpose(..., "time", found[0]), found[0]
