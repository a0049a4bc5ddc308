"""Activations by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from neurodyn.models.activations import ACTIVATIONS, activation_function, activation_name

X = np.linspace(-3, 3, 31).astype(np.float32)
ORACLE = {
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "identity": lambda x: x,
    "linear": lambda x: x,
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "erf": scipy.special.erf,
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "relu6": lambda x: np.clip(x, 0, 6),
    "retanh": lambda x: np.maximum(np.tanh(x), 0),
    "silu": lambda x: x * scipy.special.expit(x),
    "sin": np.sin,
    "softsign": lambda x: x / (1 + np.abs(x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_named_activation_is_what_its_name_says(name):
    # jax.nn.gelu is the usual tanh approximation, good to 5e-4.
    y = activation_function(activation_name(name))(jnp.asarray(X))
    np.testing.assert_allclose(y, ORACLE[name](X), atol=5e-4 if name == "gelu" else 1e-6)


@pytest.mark.parametrize(
    ("function", "name"),
    [(jnp.tanh, "tanh"), (jax.nn.relu, "relu"), (jax.nn.leaky_relu, "leaky_relu")],
)
def test_known_functions_get_their_names(function, name):
    assert activation_name(function) == name


def test_other_functions_stay_as_they_are():
    def cubic(x):
        return x**3

    assert activation_name(cubic) is cubic
    assert activation_function(cubic) is cubic
