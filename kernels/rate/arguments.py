"""Checks of the arguments of a kernel, before anything is traced."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from neurodyn.kernels.backends import check_dtypes
from neurodyn.kernels.rate.activations import ACTIVATIONS

_FORMS = ("rate", "current", "update")
_DIMS = {
    "W": ("unit", "unit"),
    "U": ("input", "unit"),
    "b": ("unit",),
    "alpha": ("unit",),
    "x": ("time", "batch", "input"),
    "h0": ("batch", "unit"),
    "noise": ("time", "batch", "unit"),
}


def check_ctrnn(W, U, b, alpha, x, h0, noise, form, activation, noise_at) -> tuple:
    """Arrays of a `ctrnn_scan` call, in order, or an error that names the wrong one."""
    _check_name("form", form, _FORMS)
    _check_name("activation", activation, ACTIVATIONS)
    _check_name("noise_at", noise_at, ("state", "drive"))
    if noise_at == "drive" and form != "rate":
        raise ValueError(
            f'noise_at="drive" is for form="rate", got form={form!r}: add alpha * noise to the '
            "state."
        )
    given = {"W": W, "U": U, "b": b, "alpha": alpha, "x": x, "h0": h0, "noise": noise}
    arrays = {name: jnp.asarray(a) for name, a in given.items() if a is not None}
    missing = [name for name in given if name not in arrays and name != "noise"]
    if missing:
        raise TypeError(f"ctrnn_scan needs {', '.join(missing)} as an array, got None.")
    check_dtypes(**arrays)
    _check_shapes(arrays)
    return tuple(arrays.get(name) for name in given)


def step_bound(length, n_steps: int) -> Int[Array, ""] | None:
    """`length` as an integer scalar within 0..n_steps; None stays None."""
    if length is None:
        return None
    bound = jnp.asarray(length)
    if not jnp.issubdtype(bound.dtype, jnp.integer):
        raise TypeError(
            f"length must be an integer number of steps, got dtype {bound.dtype}: convert it with "
            "int."
        )
    if bound.shape != ():
        raise ValueError(
            f"length must be a scalar shared by the whole batch, got shape {bound.shape}. "
            "For trials of different length, give the longest and mask the rest."
        )
    if not isinstance(bound, jax.core.Tracer) and not 0 <= int(bound) <= n_steps:
        raise ValueError(f"length must lie in 0..{n_steps}, the steps of x, got {int(bound)}.")
    return jnp.clip(bound, 0, n_steps).astype(int)


def _check_name(argument: str, value, allowed) -> None:
    if value not in allowed:
        names = ", ".join(repr(name) for name in allowed)
        raise ValueError(f"{argument} must be one of {names}, got {value!r}.")


def _check_shapes(arrays) -> None:
    """Check sizes: the first array that has a dimension sets its size, and later ones agree."""
    sizes: dict[str, tuple[int, str]] = {}
    for name, array in arrays.items():
        dims = _DIMS[name]
        if array.ndim != len(dims):
            raise ValueError(f"{name} must have dims ({', '.join(dims)}), got shape {array.shape}.")
        for dim, size in zip(dims, array.shape, strict=True):
            expected, source = sizes.setdefault(dim, (size, name))
            if size != expected:
                raise ValueError(
                    f"{name} must have dims ({', '.join(dims)}) with {dim} = {expected}, "
                    f"as in {source}, got shape {array.shape}."
                )
    for dim in ("time", "batch", "unit"):
        if sizes[dim][0] == 0:
            raise ValueError(f"{sizes[dim][1]} has no {dim} entries: {dim} must be at least 1.")
