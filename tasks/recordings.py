"""Recordings of any form as a list of arrays, with every fault of them named."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn import labels

__all__ = ["Recordings", "as_recordings", "standardised"]

_MANY, _LAST = ("trial", "subject"), ("unit", "channel", "output", "input")


class Recordings(NamedTuple):
    """Recordings of the same variables.

    Attributes
    ----------
    parts
        One array ``(time, output)`` for each.
    names
        Names of the variables, where the data have any.
    dt
        Their step [ms]: None without a coordinate `time`, NaN where that is uneven.
    """

    parts: list[np.ndarray]
    names: tuple[str, ...] | None
    dt: float | None

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.parts[0].shape[1]

    def step(self) -> float:
        """The step of the coordinate `time`, 1 without one."""
        if self.dt is None:
            return 1.0
        if np.isnan(self.dt):
            raise ValueError("Windows: the coordinate `time` of `data` is uneven: pass `dt=`.")
        return self.dt

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


def as_recordings(data: Any, *, what: str) -> Recordings:
    """Bring data of any allowed form into one.

    Raises
    ------
    ValueError
        If dims or shapes do not fit; `what` names the argument.
    """
    if isinstance(data, (list, tuple)):
        if not data:
            raise ValueError(f"Windows: `{what}` is an empty list.")
        several = [as_recordings(part, what=f"{what}[{i}]") for i, part in enumerate(data)]
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
        if len({str(r.dt) for r in several}) > 1:
            raise ValueError(f"Windows: the recordings in `{what}` differ in their step.")
        return Recordings([x for r in several for x in r.parts], *several[0][1:])
    if isinstance(data, xr.Dataset):
        data = _only_variable(data, what)
    if isinstance(data, xr.DataArray):
        return _from_xarray(data, what)
    values = np.asarray(data)
    if values.ndim not in (2, 3) or 0 in values.shape or values.dtype.kind not in "iuf":
        raise ValueError(
            f"Windows: `{what}` must be numbers (time, output) or (subject, time, output), got "
            f"{values.dtype} of shape {values.shape}. A single variable is data[:, None]."
        )
    return Recordings(list(values if values.ndim == 3 else values[None]), None, None)


def _only_variable(ds: xr.Dataset, what: str) -> xr.DataArray:
    found = [str(name) for name, x in ds.data_vars.items() if "time" in x.dims]
    if len(found) != 1:
        raise ValueError(
            f"Windows: `{what}` is a Dataset with {len(found)} variables on `time` "
            f"({', '.join(found) or 'none'}): pass one of them, e.g. ds[NAME]."
        )
    return ds[found[0]]


def _from_xarray(data: xr.DataArray, what: str) -> Recordings:
    many = [d for d in data.dims if d in _MANY]
    last = [d for d in data.dims if d in _LAST]
    if "time" not in data.dims or len(last) != 1 or len(many) > 1 or data.ndim != 2 + len(many):
        raise ValueError(
            f"Windows: `{what}` needs the dims time, one of {', '.join(_LAST)}, and at most one of "
            f"{', '.join(_MANY)}; got {tuple(data.dims)}: rename or select them first."
        )
    data = data.transpose(*many, "time", last[0])
    parts = list(data.values) if many else [data.values]
    if {"n_valid", "valid_until"} & set(data.coords):
        lengths = np.atleast_1d(labels.valid(data).sum("time").values)
        parts = [x[:n] for x, n in zip(parts, lengths, strict=True)]
    names = None
    if last[0] in data.coords:
        names = tuple(str(x) for x in data[last[0]].values)
    return Recordings(parts, names, _step(data))


def _step(data: xr.DataArray) -> float | None:
    if "time" not in data.coords or data.sizes["time"] < 2:
        return None
    steps = np.diff(data["time"].values.astype(float))
    return float(steps[0]) if np.allclose(steps, steps[0], rtol=1e-6, atol=1e-9) else np.nan


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
