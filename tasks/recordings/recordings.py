"""Recordings of any form as a list of arrays; faults are refused by name."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.labels import clock, valid
from neurodyn.labels.sequences import refuse_frame

#: Dims of many recordings, and of their variables.
MANY, LAST = ("trial", "subject"), ("unit", "channel", "output", "input")


class Recordings(NamedTuple):
    """Recordings of the same variables.

    Attributes
    ----------
    parts
        One array ``(time, output)`` for each.
    names
        Names of the variables, where the data have any.
    dt, unit
        Their step, 1 without a coordinate `time`; and its unit: "ms", or "1" for steps.
    trials
        Label of the trial or subject that each is, None where it has none.
    starts
        Time of the first sample of each, NaN where it has none.
    """

    parts: list[np.ndarray]
    names: tuple[str, ...] | None
    dt: float
    unit: str
    trials: list[Any]
    starts: list[float]

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.parts[0].shape[1]

    def check(self, length: int) -> None:
        """Refuse recordings that are too short, not finite, or constant in a variable."""
        for i, x in enumerate(self.parts):
            which = (
                f"recording {i} of {len(self.parts)}" if len(self.parts) > 1 else "the recording"
            )
            if len(x) < length + 1:
                raise ValueError(
                    f"Windows: {which} has {len(x)} samples, fewer than the {length + 1} of a "
                    f"window of {length} steps: pass a smaller `length`, or leave it out."
                )
            bad = ~np.isfinite(x).all(1)
            if bad.any():
                raise ValueError(
                    f"Windows: {which} holds NaN or infinite values in {int(bad.sum())} of "
                    f"{len(x)} samples, first at sample {int(bad.argmax())}: interpolate them, or "
                    "cut the recording there and pass the pieces as a list."
                )
            constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
            if constant.size:
                names = [self.names[j] if self.names else f"output {j}" for j in constant]
                raise ValueError(
                    f"Windows: {which} is constant in {', '.join(names)}: there is no dynamics to "
                    "learn there; leave it out."
                )


def as_recordings(data: Any, *, what: str, dt: float | None = None) -> Recordings:
    """Bring data of any allowed form into one.

    Raises
    ------
    ValueError
        If dims or shapes do not fit; `what` names the argument. LabelError if their clock does not.
    """
    found = _read(data, what, dt)
    several = data if isinstance(data, (list, tuple)) else [data]
    labelled = any(isinstance(part, (xr.Dataset, xr.DataArray)) for part in several)
    if not labelled and all(x.shape[1] > x.shape[0] for x in found.parts):
        raise ValueError(
            f"Windows: `{what}` has {found.parts[0].shape[0]} samples of {found.n} outputs, by its "
            "shape: arrays are (time, output) or (subject, time, output). If time comes last, pass "
            f"np.swapaxes({what}, -1, -2); if it does not, say so by xr.DataArray({what}, "
            "dims=('time', 'output'))."
        )
    return found


def _is_row(x: Any) -> bool:
    """Whether ``data`` is a list of numbers, i.e. one row of a table."""
    return isinstance(x, (list, tuple)) and all(np.ndim(one) == 0 for one in x) and len(x) > 0


def _read(data: Any, what: str, dt: float | None) -> Recordings:
    if isinstance(data, (list, tuple)) and data and _is_row(data[0]):
        data = np.asarray(data)
    if isinstance(data, (list, tuple)):
        if not data:
            raise ValueError(f"Windows: `{what}` is an empty list.")
        several = [_read(part, f"{what}[{i}]", dt) for i, part in enumerate(data)]
        sizes = {r.n for r in several}
        if len(sizes) > 1:
            raise ValueError(
                f"Windows: the recordings in `{what}` differ in their number of variables: "
                f"{sorted(sizes)}."
            )
        if len({r.names for r in several}) > 1:
            raise ValueError(
                f"Windows: the recordings in `{what}` name their variables differently."
            )
        units = [r.unit for r in several]
        if len(set(units)) > 1:
            raise ValueError(
                f"Windows: the recordings in `{what}` differ in the unit of time: {units} ('1' are "
                "steps, of data without labels of time or a `dt`)."
            )
        steps = [r.dt for r in several]
        if not np.allclose(steps, steps[0], rtol=1e-6):
            raise ValueError(
                f"Windows: the recordings in `{what}` differ in their step: {sorted(set(steps))}."
            )
        trials = [x for r in several for x in r.trials]
        starts = [x for r in several for x in r.starts]
        return Recordings([x for r in several for x in r.parts], *several[0][1:4], trials, starts)
    if isinstance(data, xr.Dataset):
        data = only_variable(data, what)
    if isinstance(data, xr.DataArray):
        return _from_xarray(data, what, dt)
    refuse_frame(data, what)
    values = np.asarray(data)
    if values.ndim not in (2, 3) or 0 in values.shape or values.dtype.kind not in "iuf":
        raise ValueError(
            f"Windows: `{what}` must be numbers (time, output) or (subject, time, output), got "
            f"{values.dtype} of shape {values.shape}. A single variable is data[:, None]."
        )
    parts = list(values if values.ndim == 3 else values[None])
    step, unit = (1.0, "1") if dt is None else (float(dt), "ms")
    return Recordings(parts, None, step, unit, [None] * len(parts), [np.nan] * len(parts))


def only_variable(ds: xr.Dataset, what: str) -> xr.DataArray:
    """The one variable of a Dataset that has times."""
    found = [str(name) for name, x in ds.data_vars.items() if "time" in x.dims]
    if len(found) != 1:
        raise ValueError(
            f"Windows: `{what}` is a Dataset with {len(found)} variables on `time` "
            f"({', '.join(found) or 'none'}): pass one of them, e.g. ds[NAME]."
        )
    return ds[found[0]]


def _from_xarray(data: xr.DataArray, what: str, dt: float | None) -> Recordings:
    many = [d for d in data.dims if d in MANY]
    last = [d for d in data.dims if d in LAST]
    if "time" not in data.dims or len(last) != 1 or len(many) > 1 or data.ndim != 2 + len(many):
        raise ValueError(
            f"Windows: `{what}` needs the dims time, one of {', '.join(LAST)}, and at most one of "
            f"{', '.join(MANY)}; got {tuple(data.dims)}: rename or select them first."
        )
    time, step, unit = clock(data, what=f"Windows: `{what}`", dt=dt, default=1.0, pieces=True)
    data = data.transpose(*many, "time", last[0])
    parts = list(data.values) if many else [data.values]
    if {"n_valid", "valid_until"} & set(data.coords):
        lengths = np.atleast_1d(valid(data).sum("time").values)
        parts = [x[:n] for x, n in zip(parts, lengths, strict=True)]
    names = None
    if last[0] in data.coords:
        names = tuple(str(x) for x in data[last[0]].values)
    known = [d for d in (*many, *MANY) if d in data.coords and data[d].dims == tuple(many)]
    trials = np.atleast_1d(data[known[0]].values).tolist() if known else [None] * len(parts)
    start = float(time[0]) if "time" in data.coords else np.nan
    return Recordings(parts, names, step, unit, trials, [start] * len(parts))


def standardised(
    parts: Sequence[np.ndarray], how: str
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The recordings as trained on, and the mean and standard deviation that were taken out."""
    parts = [np.asarray(x, np.float64) for x in parts]
    if how == "none":
        mean, std = (np.full((len(parts), parts[0].shape[1]), x) for x in (0.0, 1.0))
    elif how == "each":
        mean, std = (np.stack([f(x, axis=0) for x in parts]) for f in (np.mean, np.std))
    else:
        together = np.concatenate(parts)
        mean, std = (np.tile(f(together, axis=0), (len(parts), 1)) for f in (np.mean, np.std))
    return [(x - m) / s for x, m, s in zip(parts, mean, std, strict=True)], mean, std
