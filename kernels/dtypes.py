"""The check of types that all kernels share."""

import jax.numpy as jnp

__all__ = ["check_dtypes"]


def check_dtypes(**arrays) -> None:
    """Refuse arrays that are not all float32 or all float64."""
    floats = {jnp.dtype(jnp.float32), jnp.dtype(jnp.float64)}
    dtypes = {name: array.dtype for name, array in arrays.items()}
    if len(set(dtypes.values())) > 1 or not set(dtypes.values()) <= floats:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(
            f"The arrays must all be float32 or all float64, got {listed}. Convert with .astype."
        )
