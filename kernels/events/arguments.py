"""Arguments of products of spikes, checked, and the backend that was asked for."""

import jax.numpy as jnp

from neurodyn.kernels.compiled import events as events_compiled
from neurodyn.kernels.compiled import ffi

__all__ = ["check_dtypes", "check_rows", "chosen"]

_FLOATS = {jnp.dtype(jnp.float32), jnp.dtype(jnp.float64)}


def chosen(backend: str, name: str, dtype) -> str:
    """The backend to use for a function of `events_compiled`: "xla" or "compiled"."""
    return ffi.choose(backend, lambda: events_compiled.obstacle(name, jnp.dtype(dtype).name))


def check_dtypes(**arrays) -> None:
    """Refuse arrays that are not all float32 or all float64."""
    dtypes = {name: array.dtype for name, array in arrays.items()}
    if len(set(dtypes.values())) > 1 or not set(dtypes.values()) <= _FLOATS:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(
            f"The arrays must all be float32 or all float64, got {listed}. Convert with .astype."
        )


def check_rows(spikes, *, indptr, indices, values, **more) -> None:
    """Refuse synapses that are not those of these spikes."""
    if spikes.ndim != 1:
        raise ValueError(
            f"spikes must have dims (pre,), got {spikes.shape}; run trials with jax.vmap."
        )
    if indptr.shape != (spikes.shape[0] + 1,):
        raise ValueError(
            f"indptr must hold one more number than the {spikes.shape[0]} presynaptic neurons, "
            f"got shape {indptr.shape}."
        )
    for name, array in {"indices": indices, "values": values, **more}.items():
        if array.ndim != 1 or array.shape != indices.shape:
            raise ValueError(
                "indices, values and delays hold one number for each synapse, got shapes "
                f"{indices.shape} for indices and {array.shape} for {name}."
            )
    for name, array in {"indptr": indptr, "indices": indices, **more}.items():
        if array.dtype != jnp.int32:
            raise TypeError(f"{name} must be int32, got {array.dtype}.")
