"""Parameters of models: how they are bound, checked and started.

Weights are ``(pre, post)``: ``W (unit, unit)``, ``U (input, unit)``, ``W_out (unit, output)``.
"""

import math
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.common.random import as_key, split
from neurodyn.params.base import AbstractParameter, numbers_of
from neurodyn.params.entries import Fixed
from neurodyn.params.laws import AbstractDistribution, Uniform
from neurodyn.params.use import as_parameter

# One program for each shape, where JAX would compile one for each step.
ORTHOGONAL = jax.jit(jax.nn.initializers.orthogonal(), static_argnums=(1, 2))
LECUN_NORMAL = jax.jit(jax.nn.initializers.lecun_normal(), static_argnums=(1, 2))


def fan_in_uniform(fan_in: int) -> Uniform:
    """``U(-k, k)`` with ``k = 1 / sqrt(fan_in)``, the default of linear layers in deep learning."""
    k = 1 / math.sqrt(max(fan_in, 1))
    return Uniform(-k, k)


def split_key(key: Any, n: int, *, name: str) -> list[PRNGKeyArray]:
    """Keys for the parts of a model that is being built."""
    return split(cast(PRNGKeyArray, as_key(key, needed_for=f"Building {name}")), n)


def check_sizes(**sizes: int) -> list[int]:
    """Sizes of a model as Python's numbers; wrong ones are refused by name."""
    return [whole(name, n, 1 if name == "n_units" else 0) for name, n in sizes.items()]


def bind(
    value: Any,
    shape: tuple[int, ...],
    key: PRNGKeyArray,
    *,
    name: str,
    default: Any,
    balance: Any = True,
) -> Any:
    """Bind one parameter (see :func:`as_parameter`), saying which one it is if that fails."""
    try:
        spec = as_parameter(value, default=default, balance=balance)
        return spec.build(shape, key)
    except (ValueError, TypeError) as error:
        # An error of another library may take other arguments than a text.
        if type(error) not in (ValueError, TypeError):
            error.add_note(f"This is about `{name}` {shape}.")
            raise
        raise type(error)(f"`{name}` {shape}: {error}") from error


def constant_or_parameter(value: Any) -> Any:
    """Plain numbers and arrays stay fixed; a parameter stays as it is."""
    return value if isinstance(value, AbstractParameter) or value is None else Fixed(value)


def bind_tau(value: Any, n_units: int, key: PRNGKeyArray, *, least: float, unit: str) -> Any:
    """Bind time constants above 0, or from ``least`` on; plain numbers stay fixed."""
    tau = bind(constant_or_parameter(value), (n_units,), key, name="tau", default=None)
    low = _lowest(tau)
    if not (low > 0 if least == 0 else low >= least):
        bound = "above 0" if least == 0 else f"at least {least:g}"
        raise ValueError(f"`tau` must be {bound} {unit} in every unit, got {low:g}.")
    return tau


def bind_noise(value: Any, n_units: int, key: PRNGKeyArray) -> Any:
    """Bind the standard deviation of noise; None is no noise, plain numbers stay fixed."""
    if value is None:
        return None
    noise = bind(constant_or_parameter(value), (n_units,), key, name="noise_std", default=None)
    if not (low := _lowest(noise)) >= 0:
        raise ValueError(f"`noise_std` is a standard deviation and must be >= 0, got {low:g}.")
    return noise


def _lowest(parameter: Any) -> float:
    """The smallest entry of a bound parameter; infinite where values are not known."""
    numbers = numbers_of(parameter)
    return float("inf") if numbers is None or not numbers.size else float(numbers.min())


def is_zero(parameter: Any) -> bool:
    """Whether a bound parameter is None, or known to be 0 everywhere."""
    numbers = None if parameter is None else numbers_of(parameter)
    return parameter is None or (numbers is not None and not numbers.any())


def bind_initial(
    initial: Any, shape: tuple[int, ...], key: PRNGKeyArray, *, uniform: Uniform | None = None
) -> Any:
    """Bind the initial state: None for zeros, a law to draw from, or a parameter.

    ``uniform`` is the law of models that know the word "uniform".
    """
    words = {"zeros": None} if uniform is None else {"zeros": None, "uniform": uniform}
    if isinstance(initial, str) and initial in words:
        return words[initial]
    if initial is None or isinstance(initial, AbstractDistribution):
        return initial
    if isinstance(initial, str) or (
        callable(initial) and not isinstance(initial, AbstractParameter)
    ):
        named = ", ".join(f'"{word}"' for word in words)
        raise ValueError(
            f"`initial` must be {named}, a number or array (fixed), a parameter such as "
            "params.Free(0.0) (learned), or a law such as params.Uniform(0.0, 0.1) (drawn for "
            f"every trial), got {initial!r}."
        )
    return bind(constant_or_parameter(initial), shape, key, name="initial", default=0.0)


def start(
    initial: Any, n_units: int, dtype: Any, key: PRNGKeyArray | None, *, name: str
) -> Float[Array, " unit"]:
    """The initial state of one trial."""
    if initial is None:
        return jnp.zeros((n_units,), dtype)
    if isinstance(initial, AbstractDistribution):
        key = as_key(key, needed_for=f"The initial state of {name}")
        return initial(cast(PRNGKeyArray, key), (n_units,), dtype)
    return initial


def check_tau(tau: Any, dt: float) -> None:
    """Refuse a step longer than a time constant, where values can be looked at."""
    tau = numbers_of(tau)
    if tau is None:
        return
    # Single precision puts a bound of 20.0 up to one part in 10^7 off.
    short = ~(tau >= dt * (1 - 1e-6))
    if short.any():
        raise ValueError(
            f"`tau` must not be below the step dt={dt:g} ms, where the leak overshoots; "
            f"{short.sum()} of {short.size} time constants are, the shortest is "
            f"{np.min(tau):g} ms. Use a shorter dt, or keep tau above it: "
            f"params.Bounded({dt:g}, ...)."
        )
