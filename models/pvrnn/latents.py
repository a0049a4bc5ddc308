"""The latents of one step of a PV-RNN, and the labels of all recorded variables."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.models.pvrnn.layers import layer_of
from neurodyn.models.unit_labels import label_units
from neurodyn.system import Variable


class Latents(NamedTuple):
    """Latents of the last step of a PV-RNN.

    Attributes
    ----------
    step
        Number of steps taken.
    z
        Latents.
    mean, sigma
        Mean and standard deviation of the distribution they were drawn from: posterior or prior.
    prior_mean, prior_sigma
        Mean and standard deviation of the prior.
    kl
        Divergence of that distribution from the prior, for each layer [nats].
    """

    step: Int[Array, "*batch"]
    z: Float[Array, "*batch latent"]
    mean: Float[Array, "*batch latent"]
    sigma: Float[Array, "*batch latent"]
    prior_mean: Float[Array, "*batch latent"]
    prior_sigma: Float[Array, "*batch latent"]
    kl: Float[Array, "*batch layer"]


def _of_latents(long_name: str) -> Variable:
    return Variable(("latent",), "1", long_name, "latent")


#: Recorded variables of a PV-RNN.
VARIABLES = {
    "d": Variable(("unit",), "1", "deterministic units", "hidden"),
    "z": _of_latents("latents"),
    "mean": _of_latents("mean of the distribution of the latents"),
    "sigma": _of_latents("standard deviation of the distribution of the latents"),
    "prior_mean": _of_latents("mean of the prior"),
    "prior_sigma": _of_latents("standard deviation of the prior"),
    "kl": Variable(("layer",), "nat", "divergence from the prior", "statistic"),
}


def unit_labels(model: Any) -> dict[str, Any]:
    """Coordinates of units, latents and layers; layers are numbered from 1."""
    coords = {
        "unit_layer": layer_of(model.n_units) + 1,
        "latent_layer": ("latent", layer_of(model.n_latents) + 1),
        "layer": ("layer", np.arange(len(model.n_units)) + 1),
    }
    known = label_units(None, None, model.tau)
    if "tau" in known:
        coords["tau"] = ("unit", known["tau"], "steps", "time constant")
    return coords
