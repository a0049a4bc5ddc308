"""Power spectra of trajectories, and the distance between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from neurodyn.analysis.reconstructions.trajectories import (
    as_pair,
    as_runs,
    has_times,
    label_runs,
    read_step,
)
from neurodyn.analysis.shared.results import described
from neurodyn.analysis.shared.scaling import standardised
from neurodyn.labels import LabelError
from neurodyn.labels.only import takes

#: Half width of the smoothing kernel, in its standard deviations.
_TRUNCATE = 4.0
#: Least movement relative to the largest value; below, rounding may make it.
_MOVING = 1e-12


@takes(activity=["time"])
def power_spectrum(
    activity: Any, *, sigma: float = 20.0, dt: float | int | None = None
) -> xr.DataArray:
    """Power spectra of standardised trajectories, smoothed over frequencies.

    Parameters
    ----------
    activity
        ``(time, channel)``, or with leading dims.
    sigma
        Standard deviation of the Gaussian that smooths, in frequency bins (as published, so that
        the smoothing in Hz depends on the length); 0 for none.
    dt
        Sampling step [ms]; default that of the ``time`` coordinate. Without either, frequencies are
        in cycles per sample; of times that count steps, in cycles per step.

    Returns
    -------
    xr.DataArray
        ``(..., frequency, channel)``: shares of the power, which sum up to 1. NaN for constant
        channels and diverged runs.

    Raises
    ------
    ValueError, LabelError
        On other shapes or dims, or trajectories too short for `sigma`.
    """
    runs = as_runs(activity, "activity", even=True)
    step, unit = read_step(activity, "activity", dt)
    step, unit = (step / 1e3, "Hz") if unit == "ms" else (step, "1")
    spectra = _spectra(runs.values, sigma)
    frequency = np.fft.rfftfreq(runs.values.shape[1], step)
    channel = range(spectra.shape[2]) if runs.channels is None else runs.channels.values
    frequency = described("frequency", frequency, unit, "frequency")
    return xr.DataArray(
        spectra.reshape((*runs.shape, *spectra.shape[1:])),
        runs.coords | {"frequency": frequency, "channel": ("channel", channel)},
        (*runs.dims, "frequency", "channel"),
        name="power",
        attrs={"units": "1", "long_name": "share of the power", "sigma_bins": sigma},
    )


@takes(generated=["time"], truth=["time"])
def spectral_distance(generated: Any, truth: Any, *, sigma: float = 20.0) -> xr.Dataset:
    r"""Hellinger distance between power spectra.

    In every channel, trajectories are standardised, and their spectra smoothed and normalised; then
    :math:`H = \sqrt{1 - \sum \sqrt{p q}}`, from 0 for the same spectrum to 1 for spectra without
    overlap. ``d_h`` is the mean over channels.

    Parameters
    ----------
    generated
        Trajectories of the model, ``(time, channel)`` or with leading dims, each scored.
    truth
        True trajectories of the same length and step; where there are several, their spectra are
        averaged. Where both are labelled, channels are matched by their labels.
    sigma
        Standard deviation of the smoothing in frequency bins. As published: 20; 1 for the short
        fMRI recordings. The value of the distance depends on it and on the length.

    Returns
    -------
    xr.Dataset
        ``d_h``; ``hellinger`` of each channel; ``status``: "ok", "diverged" (NaN or infinite
        values) or "constant" (a channel of the run does not move), where ``d_h`` is NaN. (The
        published evaluation of AL-RNN counts these as 1; ``.fillna(1.0)`` does so.)

    Raises
    ------
    ValueError, LabelError
        On other shapes or dims, different or too short lengths, holes or constant channels in the
        truth.

    References
    ----------
    Mikhaeil, Monfared & Durstewitz, NeurIPS 2022. Hess, Monfared, Brenner & Durstewitz, ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> x = np.sin(np.arange(2000.0) / 10)[:, None]
    >>> analysis.spectral_distance(2 * x, x, sigma=1.0)["d_h"].item() < 1e-6
    True
    """
    runs, true = as_pair(generated, truth, even=True)
    _same_step(generated, truth)
    if runs.values.shape[1] != true.shape[1]:
        raise ValueError(
            f"`generated` has {runs.values.shape[1]} samples and `truth` {true.shape[1]}: spectra "
            "need equal lengths; cut the longer one."
        )
    p = _spectra(true, sigma).mean(0)
    if np.isnan(p).any():
        flat = np.flatnonzero(np.isnan(p).any(0)).tolist()
        raise ValueError(f"`truth` is constant in channels {flat} in some trials; leave them out.")
    q = _spectra(runs.values, sigma)
    # The distance between the square roots is the same, and keeps its digits for close spectra.
    each = np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(1) / 2)
    moving = np.isfinite(each).all(1)
    status = np.where(runs.finite, np.where(moving, "ok", "constant"), "diverged")
    variables = {
        "d_h": (each.mean(1), "1", "Hellinger distance between power spectra"),
        "hellinger": (each, "1", "Hellinger distance between power spectra"),
        "status": (status, "1", "outcome of the run"),
    }
    return label_runs(runs, variables, {"sigma_bins": sigma, "n_samples": true.shape[1]})


def _same_step(generated: Any, truth: Any) -> None:
    """Refuse two sides of different steps, because their frequency bins differ."""
    if not (has_times(generated) and has_times(truth)):
        return
    (a, unit), (b, other) = read_step(generated, "generated"), read_step(truth, "truth")
    if unit != other or not np.isclose(a, b, rtol=1e-6):
        raise LabelError(
            f"`generated` has steps of {a:g} {unit}, `truth` of {b:g} {other} (1: steps without "
            "physical time): frequencies would not be the same; bring both to one step (.interp, "
            ".coarsen)."
        )


def _spectra(
    x: Float[np.ndarray, "run time channel"], sigma: float
) -> Float[np.ndarray, "run frequency channel"]:
    n_frequencies = x.shape[1] // 2 + 1
    if not (np.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"`sigma` must be a number of frequency bins >= 0, got {sigma}.")
    if n_frequencies < max(4, _TRUNCATE * sigma):
        raise ValueError(
            f"Trajectories of {x.shape[1]} samples have {n_frequencies} frequencies, too few to "
            f"smooth by {sigma:g} bins: pass a smaller `sigma`, or longer trajectories."
        )
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        size = np.abs(x).max(1, keepdims=True)
        z = standardised(x, 1)
        largest = np.abs(x - x[:, :1]).max(1, keepdims=True)
        moving = largest > _MOVING * size
        z = z / np.where(moving, z.std(1, keepdims=True), np.nan)
    power = np.abs(np.fft.rfft(np.nan_to_num(z), axis=1)) ** 2
    if sigma:
        power = gaussian_filter1d(power, sigma, axis=1, mode="reflect", truncate=_TRUNCATE)
    power = np.maximum(power, 0)
    bad = ~np.isfinite(z).all(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bad, np.nan, power / power.sum(1, keepdims=True))
