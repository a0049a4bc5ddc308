"""What a law of a measure says, and the data that it is tried on."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from neurodyn import labels

N_CONDITIONS, N_TIMES, N_UNITS, N_TRIALS = 8, 24, 6, 5
RNG = np.random.default_rng(0)
LATENTS = np.cumsum(RNG.standard_normal((N_CONDITIONS, N_TIMES, 3)), 1)
COHERENCE = np.arange(N_CONDITIONS) / N_CONDITIONS
#: Slow noise of single trials, so that they have a timescale.
NOISE = RNG.standard_normal((N_TRIALS, N_CONDITIONS, N_TIMES, N_UNITS))
for _t in range(1, N_TIMES):
    NOISE[:, :, _t] = 0.8 * NOISE[:, :, _t - 1] + 0.6 * NOISE[:, :, _t]


def population(n_units: int, seed: int) -> np.ndarray:
    """Activity (condition, time, unit) that latents make, with noise."""
    rng = np.random.default_rng(seed)
    noise = 0.3 * rng.standard_normal((N_CONDITIONS, N_TIMES, n_units))
    return LATENTS @ rng.standard_normal((3, n_units)) + noise


def trials() -> np.ndarray:
    """Single trials (trial, time, unit), those of one condition after another."""
    return (X[:, None] + NOISE.swapaxes(0, 1)).reshape(-1, N_TIMES, N_UNITS)


X, Y = population(N_UNITS, 1), population(N_UNITS, 2)
#: More units than samples.
WIDE = population(N_CONDITIONS * N_TIMES + 8, 3)


class Law(NamedTuple):
    """How a measure follows its data, last axis units (or channels).

    Attributes
    ----------
    measure
        Function of the data (of both sides, where there are several `data`).
    data
        What it is tried on, each side with a scale and an offset of its own.
    power
        The value goes with this power of the scale of the first side.
    offset
        Whether an offset leaves the value, is carried into it, or changes it.
    own
        Whether each unit may have a scale and an offset of its own; else they share the scale.
    units
        Whether another order of units leaves the value, or goes along; None: it has no order.
    most
        Largest exponent of ten of the scale.
    digits
        Precision that it computes in.
    condition
        By how much rounding may grow, from the input to the value.
    """

    measure: Callable[..., Any]
    data: tuple[np.ndarray, ...] = (X,)
    power: int = 0
    offset: Literal["ignored", "carried", "matters"] = "ignored"
    own: bool = False
    units: Literal["same", "along"] | None = "same"
    most: float = 12.0
    digits: type = np.float32
    condition: float = 300.0


def means(values: np.ndarray, source: str = "model") -> xr.Dataset:
    """Labelled condition means."""
    dims = ("condition", "time", "unit")
    coords = {"time": labels.time_axis(N_TIMES, 20.0), "side": ("condition", np.arange(8))}
    rate = {"rate": (dims, values, "Hz", "rate")}
    return labels.dataset(rate, coords, source=source, values=False)


def of_trials(values: np.ndarray) -> xr.DataArray:
    """Labelled trials."""
    coords = {
        "time": labels.time_axis(N_TIMES, 20.0),
        "coherence": ("trial", np.repeat(COHERENCE, N_TRIALS)),
        "trial": np.arange(len(values)),
    }
    return xr.DataArray(values, coords, ("trial", "time", "unit"), name="rate")


def counts(values: np.ndarray) -> xr.Dataset:
    """Labelled counts of spikes."""
    of = {"spike_count": (("trial", "time", "unit"), values, "count", "count", "spike_count")}
    coords = {"time": labels.time_axis(N_TIMES, 20.0) - 10.0, "trial": np.arange(len(values))}
    return labels.dataset(of, coords, source="recording", attrs={"bin_width": 20.0}, values=False)


def flat(x: np.ndarray) -> np.ndarray:
    """Samples (sample, unit)."""
    return x.reshape(-1, x.shape[-1])
