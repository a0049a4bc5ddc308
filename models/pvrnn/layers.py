"""The layout of the layers of a PV-RNN in packed vectors, and their connections.

All deterministic units are one vector ``d``, the lowest layer first, and all latents one vector
``z``, so that a step is a few matrix products for any number of layers. Parameters of a diagonal
Gaussian are ``(2 latent,)``: all means, then all log standard deviations.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.params import AbstractParameter, Fixed, Masked, as_parameter
from neurodyn.params import bind as base


def sizes(name: str, value: Any, n_layers: int | None = None) -> tuple[int, ...]:
    """Sizes of the layers, each at least 1; with `n_layers`, of that many."""
    given = (value,) if np.ndim(value) == 0 else tuple(value)
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in given)
    if not given or not whole or min(given) < 1:
        raise ValueError(
            f"`{name}` must be a whole number >= 1 for each layer, the lowest first, got {value!r}."
        )
    if n_layers is not None and len(given) != n_layers:
        raise ValueError(f"`n_units` has {n_layers} layers, but `{name}` has {len(given)}.")
    return tuple(int(n) for n in given)


def slices(n: Sequence[int]) -> list[slice]:
    """Slice of each layer in the packed vector."""
    ends = np.cumsum(n).tolist()
    return [slice(end - size, end) for size, end in zip(n, ends, strict=True)]


def layer_of(n: Sequence[int]) -> np.ndarray:
    """Number of the layer (from 0) of each entry of the packed vector."""
    return np.repeat(np.arange(len(n)), n)


def units_mask(n_units: Sequence[int], steps: Sequence[int]) -> np.ndarray:
    """Connections ``(unit, unit)`` that go up these numbers of layers; 0: within a layer."""
    layer = layer_of(n_units)
    return np.isin(layer[None, :] - layer[:, None], steps)


def own_mask(sources: Sequence[int], targets: Sequence[int], *, repeats: int = 1) -> np.ndarray:
    """Connections inside layers, with the block of targets repeated."""
    mask = layer_of(sources)[:, None] == layer_of(targets)[None, :]
    return np.tile(mask, (1, repeats))


def spread(name: str, value: Any, n_layers: int) -> list[Any]:
    """One value for each layer, from one for all or one for each."""
    if np.ndim(value) == 0 and not isinstance(value, (list, tuple)):
        return [value] * n_layers
    given = list(value)
    if len(given) != n_layers:
        raise ValueError(
            f"`{name}` must be one value, or one for each of the {n_layers} layers, "
            f"got {len(given)}."
        )
    return given


def by_layer(name: str, value: Any, n_layers: int) -> Float[Array, " layer"]:
    """Finite numbers >= 0, one for each layer."""
    given = np.asarray(spread(name, value, n_layers))
    if given.ndim != 1 or given.dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must be one number for each layer, got {value!r}.")
    if not np.isfinite(given).all() or (given < 0).any():
        raise ValueError(f"`{name}` must be finite and at least 0, got {value!r}.")
    return jnp.asarray(given, jnp.result_type(float))


def fixed(value: Any) -> Fixed:
    """Numbers that are not trained, as arrays, so that other numbers do not recompile."""
    return Fixed(raw=jnp.asarray(value, jnp.result_type(float)))


class FanIn:
    """``U(-k, k)`` with ``k = 1 / sqrt(sources)``, counting the connections that exist.

    The default of linear layers in deep learning libraries, for a masked matrix ``(pre, post)``.
    """

    def __init__(self, mask: Bool[np.ndarray, "pre post"]):
        self.k = 1 / np.sqrt(np.maximum(mask.sum(0), 1))

    def __call__(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: Any) -> Array:
        """Draw weights."""
        k = jnp.asarray(self.k, dtype)[(None,) * (len(shape) - 1)]
        return k * jax.random.uniform(key, shape, dtype, -1, 1)


class Binder:
    """Binds the weights and biases of a network that is being built, each with a key of its own."""

    def __init__(self, keys: Sequence[PRNGKeyArray]):
        self.keys = iter(keys)

    def weights(self, name: str, value: Any, mask: Bool[np.ndarray, "pre post"]) -> Any:
        """Weights of the connections in the mask; the other entries do not exist."""
        try:
            spec = as_parameter(value, default=FanIn(mask))
            return Masked(mask, spec).build(mask.shape, next(self.keys))
        except (ValueError, TypeError) as error:
            raise type(error)(f"`{name}` {mask.shape}: {error}") from error

    def bias(self, name: str, value: Any, sources: Int[np.ndarray, " unit"]) -> Any:
        """Biases of units with these numbers of sources."""
        law = FanIn(np.arange(max(sources.max(initial=1), 1))[:, None] < sources[None, :])
        return base.bind(value, np.shape(sources), next(self.keys), name=name, default=law)


def bind_tau(value: Any, n_units: tuple[int, ...], key: PRNGKeyArray) -> Any:
    """Bind the time constants of the packed units."""
    if not isinstance(value, AbstractParameter):
        parts = spread("tau", value, len(n_units))
        try:
            value = np.concatenate(
                [
                    np.broadcast_to(np.asarray(t, float), n)
                    for t, n in zip(parts, n_units, strict=True)
                ]
            )
        except ValueError as error:
            raise ValueError(
                f"`tau` must be one number, one for each layer, or for each layer one for each "
                f"of its units {n_units}: {error}"
            ) from error
    return base.bind_tau(value, sum(n_units), key, least=1.0, unit="step")


def check_choice(name: str, value: Any, known: tuple[str, ...]) -> None:
    """Refuse an unknown name, listing the known ones."""
    if value not in known:
        raise ValueError(f"`{name}` must be one of {list(known)}, got {value!r}.")
