"""Checks of the arguments of products of spikes, and the choice of their backend."""

import jax.numpy as jnp

from neurodyn.kernels import backends

#: Names of the compiled functions.
FUNCTIONS = ("add_rows", "add_rows_onto", "add_spikes", "add_synapses", "add_delayed")


def choose(backend: str, name: str, dtype) -> str:
    """The backend to use, "xla" or "compiled", where the compiled one needs one of `FUNCTIONS`."""
    return backends.choose(backend, lambda: missing(name, dtype))


def missing(name: str, dtype) -> str | None:
    """The reason why one of `FUNCTIONS` cannot be used, or None."""
    reason = backends.obstacle()
    return reason or backends.compiled("events").obstacle(name, jnp.dtype(dtype).name)


def check_rows(spikes, *, indptr, indices, values, **more) -> None:
    """Refuse synapses whose arrays do not fit the spikes or each other."""
    if spikes.ndim != 1:
        raise ValueError(
            f"spikes must have dims (pre,), got shape {spikes.shape}; run trials with jax.vmap."
        )
    if indptr.shape != (spikes.shape[0] + 1,):
        raise ValueError(
            f"indptr must hold one more number than the {spikes.shape[0]} presynaptic neurons, "
            f"got shape {indptr.shape}."
        )
    for name, array in {"indices": indices, "values": values, **more}.items():
        if array.ndim != 1 or array.shape != indices.shape:
            raise ValueError(
                "indices, values and delays must hold one number for each synapse, got shapes "
                f"{indices.shape} for indices and {array.shape} for {name}."
            )
    for name, array in {"indptr": indptr, "indices": indices, **more}.items():
        if array.dtype != jnp.int32:
            raise TypeError(f"{name} must be int32, got {array.dtype}: convert it with .astype.")
