"""What inference is given, checked: networks, streams of observations, keys."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.models.pvrnn.layers import layer_of
from neurodyn.models.pvrnn.model import PVRNN

__all__ = ["as_streams", "check_network", "latent_coords", "one_key_each"]


def check_network(model: Any) -> None:
    """Refuse what is no PV-RNN."""
    if not isinstance(model, PVRNN):
        raise TypeError(
            f"Inference by error regression is for a PVRNN, got a {type(model).__name__}; networks "
            "that read their observations predict with neurodyn.analysis.forecast."
        )


def as_streams(
    observed: Any, mask: Any, n_outputs: int
) -> tuple[Float[Array, "trial time output"], Float[Array, "trial time output"]]:
    """Observations and the weights of their errors, as arrays; 0 where nothing is observed."""
    if isinstance(observed, xr.Dataset):
        if "targets" not in observed:
            raise ValueError(f"The Dataset has no `targets`; it has {sorted(observed.data_vars)}.")
        observed = observed["targets"]
    if isinstance(observed, xr.DataArray):
        observed = observed.values
    x = jnp.asarray(observed, jnp.result_type(float))
    if x.ndim != 3 or 0 in x.shape or x.shape[2] != n_outputs:
        raise ValueError(
            f"Observations must be (trial, time, output) with {n_outputs} outputs, got shape "
            f"{x.shape}."
        )
    weights = jnp.ones_like(x) if mask is None else jnp.asarray(np.asarray(mask), x.dtype)
    if weights.shape != x.shape:
        raise ValueError(f"`mask` has shape {weights.shape}, the observations {x.shape}.")
    if not bool(jnp.isfinite(weights).all() & (weights >= 0).all()):
        raise ValueError("`mask` holds weights: finite numbers >= 0.")
    seen = weights > 0
    if not bool(jnp.isfinite(jnp.where(seen, x, jnp.zeros_like(x))).all()):
        raise ValueError(
            "Observations hold NaN or infinite values: pass a `mask` that is 0 where nothing was "
            "observed."
        )
    # Masked values must not reach a product with 0.
    return jnp.where(seen, x, jnp.zeros_like(x)), weights


def one_key_each(key: PRNGKeyArray, n: int) -> Any:
    """A key for each stream, which depends on its number only."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n, dtype=jnp.uint32))


def latent_coords(model: PVRNN) -> dict[str, Any]:
    """Which layer each latent belongs to."""
    return {"latent_layer": ("latent", layer_of(model.n_latents) + 1)}
