"""How well a model has reconstructed a system: the usual measures under named protocols."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn.analysis.reconstructions.mixtures import mixture_divergence
from neurodyn.analysis.reconstructions.spectra import spectral_distance
from neurodyn.analysis.reconstructions.state_space import state_space_divergence
from neurodyn.analysis.reconstructions.trajectories import as_runs, as_truth
from neurodyn.labels.only import takes


class Protocol(NamedTuple):
    """How a publication scores reconstructions.

    Attributes
    ----------
    bins
        Range of the bins, see :func:`~neurodyn.analysis.state_space_divergence`.
    most
        Number of channels up to which it uses bins; above, Gaussians of variance 1.
    about
        Source of the protocol.
    """

    bins: str
    most: int
    about: str


#: Protocols by name. They differ in range of bins and in when Gaussians take over.
RECONSTRUCTION_PROTOCOLS = {
    "alrnn": Protocol("margin", 10, "Brenner et al. 2024, Julia code"),
    "alrnn_python": Protocol("inner", 10, "Brenner et al. 2024, Python code"),
    "gtf": Protocol("margin", 5, "Hess et al. 2023"),
    "two_sd": Protocol("two_sd", 5, "earlier publications of the same group"),
}


@takes(generated=["time"], truth=["time"])
def reconstruction(
    generated: Any,
    truth: Any,
    *,
    protocol: str = "alrnn",
    n_bins: int = 30,
    variance: float = 1.0,
    sigma: float = 20.0,
    n_spectrum: int | None = None,
) -> xr.Dataset:
    """State-space divergence and distance of power spectra, under one protocol.

    Parameters
    ----------
    generated
        Free runs of the model, ``(time, channel)`` or with leading dims such as seed; each is
        scored.
    truth
        True trajectories, standardised as the model's training data were.
    protocol
        ``"alrnn"`` or ``"gtf"`` (bins with a margin up to 10 or 5 channels, else Gaussians),
        ``"alrnn_python"`` (``"inner"`` bins), ``"two_sd"``.
    n_bins, variance, sigma
        Bins per dimension; variance of the Gaussians; smoothing of the spectra in frequency bins.
    n_spectrum
        Samples from the start of both that the spectra are of; default all, which must then be
        equally many.

    Returns
    -------
    xr.Dataset
        ``d_stsp`` and ``d_h``; ``status``: "ok", or the first failure; ``d_stsp_status``,
        ``d_h_status``. All settings and numbers of samples are in the attributes.

    Raises
    ------
    ValueError, LabelError
        As the measures.

    See Also
    --------
    reconstruction_floor : the score of two runs of the truth.
    """
    if protocol not in RECONSTRUCTION_PROTOCOLS:
        known = ", ".join(RECONSTRUCTION_PROTOCOLS)
        raise ValueError(f"`protocol` must be one of {known}, got {protocol!r}.")
    how = RECONSTRUCTION_PROTOCOLS[protocol]
    n_channels = as_runs(generated).values.shape[2]
    if n_channels <= how.most:
        states = state_space_divergence(generated, truth, n_bins=n_bins, protocol=how.bins)
    else:
        states = mixture_divergence(generated, truth, variance=variance)
    short, true = _start(generated, n_spectrum), _start(truth, n_spectrum)
    spectra = spectral_distance(short, true, sigma=sigma)
    ds = xr.Dataset(
        {
            "d_stsp": states["d_stsp"],
            "d_h": spectra["d_h"],
            "d_stsp_status": states["status"],
            "d_h_status": spectra["status"],
        }
    )
    failed = xr.where(states["status"] == "ok", spectra["status"], states["status"])
    ds["status"] = failed.assign_attrs(units="1", long_name="outcome of the run")
    own = {key: value for key, value in states.attrs.items() if key not in ("protocol",)}
    return ds.assign_attrs(
        own
        | {
            "protocol": protocol,
            "divergence": states.attrs["protocol"],
            "sigma_bins": sigma,
            "n_spectrum": spectra.attrs["n_samples"],
        }
    )


@takes(truth=["time"])
def reconstruction_floor(truth: Any, other: Any = None, **options: Any) -> xr.Dataset:
    """Score of a perfect model: one run of the truth against another.

    Parameters
    ----------
    truth
        True trajectory ``(time, channel)``.
    other
        Another, independent one, in the place of the model's. Default: the second half of `truth`,
        in the place of a model, against the first.
    **options
        As for :func:`reconstruction`; lengths matter, so take those of the comparison.

    Returns
    -------
    xr.Dataset
        As of :func:`reconstruction`.

    Raises
    ------
    ValueError, LabelError
        As :func:`reconstruction`.
    """
    if other is None:
        values = as_truth(truth)
        if len(values) > 1:
            raise ValueError(
                f"`truth` has {len(values)} trajectories: pass one as `truth`, another as `other`."
            )
        half = values.shape[1] // 2
        truth, other = values[0, :half], values[0, half : 2 * half]
    return reconstruction(other, truth, **options)


def _start(data: Any, n: int | None) -> Any:
    if n is None:
        return data
    if isinstance(data, xr.DataArray):
        length, cut = data.sizes["time"], data.isel(time=slice(n))
    else:
        values = np.asarray(data)
        length, cut = values.shape[-2], values[..., :n, :]
    if length < n:
        raise ValueError(f"`n_spectrum` is {n}, but there are only {length} samples.")
    return cut
