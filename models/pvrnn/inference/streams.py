"""Checked arguments of inference: networks, streams of observations, keys."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.labels import Observed, for_model, like, pair, read_sequences
from neurodyn.models.pvrnn.layers import layer_of
from neurodyn.models.pvrnn.model import PVRNN


def check_network(model: Any) -> None:
    """Raise TypeError if the model is no PV-RNN."""
    if not isinstance(model, PVRNN):
        raise TypeError(
            f"Inference by error regression is for a PVRNN, got a {type(model).__name__}; networks "
            "that read their observations predict with neurodyn.analysis.forecast."
        )


def as_streams(
    observed: Any, mask: Any, n_outputs: int, dt: float | None = None, *, name: str = "observed"
) -> tuple[Observed, Float[Array, "trial time output"], Float[Array, "trial time output"]]:
    """Observations with their labels, and as arrays with the weights of their errors.

    Where nothing is observed both are 0.
    """
    observed = for_model(observed, name=name)
    seen = read_sequences(observed, dt=dt, name=name)
    x = jnp.asarray(seen.values, jnp.result_type(float))
    if x.shape[2] != n_outputs:
        raise ValueError(
            f"`{name}` must be (trial, time, output) with {n_outputs} outputs, got shape {x.shape}."
        )
    weights = jnp.ones_like(x) if mask is None else _weights(mask, seen, observed, x.dtype, name)
    if seen.n_valid is not None:
        inside = np.arange(x.shape[1])[None] < np.asarray(seen.n_valid)[:, None]
        weights = weights * jnp.asarray(inside[..., None], x.dtype)
    there = weights > 0
    if not bool(jnp.isfinite(jnp.where(there, x, jnp.zeros_like(x))).all()):
        raise ValueError(
            f"`{name}` holds NaN or infinite values: pass a `mask` that is 0 where nothing was "
            "observed."
        )
    # Masked values must not reach a product with 0.
    return seen, jnp.where(there, x, jnp.zeros_like(x)), weights


def _weights(mask: Any, seen: Observed, observed: Any, dtype: Any, name: str) -> Array:
    if isinstance(mask, xr.Dataset):
        raise TypeError("`mask` must be one variable, not a Dataset.")
    what = (name, "mask")
    source = observed["targets"] if isinstance(observed, xr.Dataset) else observed
    if isinstance(source, xr.DataArray):
        source = source.transpose("trial", "time", ...)
        given = mask if isinstance(mask, xr.DataArray) else like(mask, source, what=what)
        mask = pair(source, given, what=what)[1].values
    elif isinstance(mask, xr.DataArray):
        of_array = like(seen.values, mask.transpose("trial", "time", ...), what=what[::-1])
        mask = pair(of_array, mask, what=what)[1].values
    weights = jnp.asarray(np.asarray(mask), dtype)
    if weights.shape != seen.values.shape:
        raise ValueError(f"`mask` has shape {weights.shape}, `{name}` {seen.values.shape}.")
    if not bool(jnp.isfinite(weights).all() & (weights >= 0).all()):
        raise ValueError("`mask` holds weights: finite numbers >= 0.")
    return weights


def one_key_each(key: PRNGKeyArray, numbers: Any) -> Any:
    """A key for each stream, which depends on its number only: the rank of its label."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.asarray(numbers, jnp.uint32))


def latent_coords(model: PVRNN) -> dict[str, Any]:
    """Which layer each latent belongs to."""
    return {"latent_layer": ("latent", layer_of(model.n_latents) + 1)}
