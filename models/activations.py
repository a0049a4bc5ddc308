"""Activations by name, because files and the fast kernels refer to functions by name."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from neurodyn.kernels.rate.activations import ACTIVATIONS as FUSED

Activation = str | Callable


def _retanh(x):
    return jnp.maximum(jnp.tanh(x), jnp.zeros((), x.dtype))


#: Every activation that has a name. Those of the kernels are the fast ones.
ACTIVATIONS: dict[str, Callable] = {
    **{name: activation.value for name, activation in FUSED.items()},
    "elu": jax.nn.elu,
    "erf": jax.scipy.special.erf,
    "gelu": jax.nn.gelu,
    "hard_tanh": jax.nn.hard_tanh,
    "relu6": jax.nn.relu6,
    "retanh": _retanh,
    "silu": jax.nn.silu,
    "sin": jnp.sin,
    "softsign": jax.nn.soft_sign,
}
_NAMES = {f: name for name, f in ACTIVATIONS.items() if name != "linear"} | {
    jax.nn.tanh: "tanh",
    jax.nn.leaky_relu: "leaky_relu",
    jax.nn.identity: "identity",
    jax.numpy.tanh: "tanh",
}


def activation_name(activation: Any) -> Activation:
    """The name of a known activation; other functions stay as they are.

    Raises
    ------
    ValueError
        On an unknown name.
    TypeError
        If it is neither a name nor a function.
    """
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"Unknown activation {activation!r}: pass a function, or one of "
                f"{', '.join(sorted(ACTIVATIONS))}."
            )
        return activation
    try:
        return _NAMES.get(activation, activation if callable(activation) else None) or _refuse(
            activation
        )
    except TypeError:  # cannot be hashed
        return _refuse(activation)


def _refuse(activation):
    raise TypeError(
        "`activation` must be a name or a plain function of an array, "
        f"got {type(activation).__name__}."
    ) from None


def activation_function(activation: Activation) -> Callable:
    """The function behind an activation."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation
