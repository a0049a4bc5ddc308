"""Long multivariate recordings without trials: heart, scalp and haemodynamic signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from neurodyn import labels

#: Delays of the five copies of the electrocardiogram [samples at 700 Hz].
DELAYS = (0, 20, 68, 55, 10)
ECG_RATE, ECG_SLOW_RATE, EEG_RATE = 700.0, 70.0, 160.0  # Hz
REPETITION_TIME = 3000.0  # ms
BLOCK = 72  # samples


def read_ecg(paths: Sequence[Path]) -> xr.Dataset:
    """Read the delay-embedded electrocardiogram at 70 Hz.

    Parameters
    ----------
    paths
        The .npy file.

    Returns
    -------
    `ecg` (time, channel), 10000 samples in steps of 100/7 ms: one electrocardiogram and four
    delayed copies, scaled. `delay` is that of each channel [ms].
    """
    return _dataset("ecg", np.load(paths[0]), 1e3 / ECG_SLOW_RATE, "electrocardiogram", _delays())


def read_ecg_pecuzal(paths: Sequence[Path], *, every: int = 1) -> xr.Dataset:
    """Read the delay-embedded electrocardiogram at 700 Hz, in two parts.

    Parameters
    ----------
    paths
        The .npy files of the two parts.
    every
        Keep one sample in so many. 10 gives the sampling rate of the dataset ``ecg``, 70 Hz, with
        the second part, which that dataset does not have.

    Returns
    -------
    `ecg` (trial, time, channel): two stretches of 100000 samples at 700 Hz of one
    electrocardiogram and four delayed copies, scaled. `part` is "train" or "test", `delay` the
    delay of each channel [ms].

    Raises
    ------
    ValueError
        If `every` is no whole number above 0.
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every keeps one sample in so many: 1, 2, 3...; got {every!r}.")
    parts = np.stack([np.load(path)[::every] for path in paths])
    part = {"part": ("trial", ["train", "test"], "1", "use of the part")}
    return _dataset("ecg", parts, every * 1e3 / ECG_RATE, "electrocardiogram", _delays() | part)


def read_eeg(paths: Sequence[Path]) -> xr.Dataset:
    """Read the electroencephalogram.

    Parameters
    ----------
    paths
        The .npy file.

    Returns
    -------
    `eeg` (time, channel): 9640 samples at 160 Hz of 64 channels, smoothed, each scaled to mean 0
    and variance 1.
    """
    return _dataset("eeg", np.load(paths[0]), 1e3 / EEG_RATE, "electroencephalogram", {})


def read_fmri(paths: Sequence[Path]) -> xr.Dataset:
    """Read the haemodynamic signals of 20 regions.

    Parameters
    ----------
    paths
        The .npy file.

    Returns
    -------
    `bold` (time, channel): 360 samples of 20 regions of interest, each scaled to mean 0 and
    variance 1. `block` numbers the five blocks of 72 samples, which were joined.
    """
    bold = np.load(paths[0])
    block = {"block": ("time", np.arange(len(bold)) // BLOCK, "1", "task block")}
    return _dataset("bold", bold, REPETITION_TIME, "blood-oxygen-level dependent signal", block)


def _delays() -> dict:
    milliseconds = np.array(DELAYS) * 1e3 / ECG_RATE
    return {"delay": ("channel", milliseconds, "ms", "delay of the copy")}


def _dataset(name: str, values: np.ndarray, dt: float, long_name: str, coords: dict) -> xr.Dataset:
    dims = ("trial", "time", "channel")[3 - values.ndim :]
    time = np.arange(values.shape[-2], dtype=np.float64) * dt
    return labels.dataset(
        {name: (dims, values.astype(np.float64), "1", f"{long_name}, scaled")},
        {"time": time, **coords},
        source="recording",
        attrs={"sampling_step": dt},
    )
