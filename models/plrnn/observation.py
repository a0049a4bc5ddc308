"""Maps from latent states to observations, and their inverses."""

import abc
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.reprs import brief
from neurodyn.models.plrnn.initial import fan_in_uniform_rows, kaiming_normal, turned
from neurodyn.params import AbstractParameter
from neurodyn.params import bind as base
from neurodyn.params.base import value_of


class AbstractObservation(eqx.Module):
    """A linear observation of the latent state, and its inverse.

    Attributes
    ----------
    n_forced
        Number of first units that an observation determines.
    """

    n_forced: eqx.AbstractVar[int]

    __repr__ = brief

    @abc.abstractmethod
    def sizes(self) -> tuple[int, int]:
        """Numbers of outputs and of units."""

    @abc.abstractmethod
    def readout(self, z: Float[Array, " unit"]) -> Float[Array, " output"]:
        """The observation of a state."""

    @abc.abstractmethod
    def invert(self, x: Float[Array, " output"]) -> Float[Array, " unit"]:
        """The latent state inferred from an observation."""

    @abc.abstractmethod
    def penalty(self) -> Float[Array, ""]:
        """Penalty that training may add to the loss, see the class."""


class IdentityObservation(AbstractObservation):
    """The first N units are observed, ``x = z[:N]``; ``z = [x, x @ L]`` is the inverse.

    Parameters
    ----------
    n_outputs, n_units
        N and M.
    L
        ``(N, M - N)``, trained: initial values of the other units. Default U(-k, k), ``k =
        N**-0.5``.
    key
        Key of the initial values.
    """

    post_pre_in_version_1 = ("L",)
    n_forced: int = eqx.field(static=True)
    L: Float[Array, "output hidden"] | AbstractParameter | None

    def __init__(self, n_outputs: int, n_units: int, *, L: Any = None, key: PRNGKeyArray):
        hidden = n_units - n_outputs
        if hidden < 0:
            raise ValueError(
                f"The identity observes the first {n_outputs} units, but there are {n_units}: "
                "take more units, or observation='affine'."
            )
        self.n_forced = n_outputs
        self.L = None
        if hidden:
            shape = (n_outputs, hidden)
            self.L = base.bind(L, shape, key, name="L", default=turned(fan_in_uniform_rows))

    def sizes(self):
        """Numbers of outputs and of units."""
        hidden = 0 if self.L is None else value_of(self.L).shape[-1]
        return self.n_forced, self.n_forced + hidden

    def readout(self, z):
        return z[: self.n_forced]

    def invert(self, x):
        return x if self.L is None else jnp.concatenate([x, x @ value_of(self.L)])

    def penalty(self):
        """0: there is nothing to penalise."""
        return jnp.zeros(())


class AffineObservation(AbstractObservation):
    """A linear map ``x = z @ B``; its pseudo-inverse is the inverse.

    Parameters
    ----------
    n_outputs, n_units
        N and M.
    B
        ``(M, N)``. Default: normal with variance ``2 / M`` (Kaiming).
    key
        Key of the initial values.
    """

    post_pre_in_version_1 = ("B",)
    n_forced: int = eqx.field(static=True)
    B: Float[Array, "unit output"] | AbstractParameter

    def __init__(self, n_outputs: int, n_units: int, *, B: Any = None, key: PRNGKeyArray):
        self.n_forced = n_units
        self.B = base.bind(B, (n_units, n_outputs), key, name="B", default=turned(kaiming_normal))

    def sizes(self):
        """Numbers of outputs and of units."""
        n_units, n_outputs = value_of(self.B).shape[-2:]
        return n_outputs, n_units

    def readout(self, z):
        return z @ value_of(self.B)

    def invert(self, x):
        return x @ jnp.linalg.pinv(value_of(self.B))

    def penalty(self):
        """``(1 - s_max / s_min)^2`` of the singular values of B: 0 where it is orthogonal."""
        s = jnp.linalg.svd(value_of(self.B), compute_uv=False)
        return jnp.square(1 - s[0] / (s[-1] + 1e-8))


def make_observation(
    kind: Literal["identity", "affine"] | AbstractObservation | Any,
    n_outputs: int,
    n_units: int,
    key: PRNGKeyArray,
) -> AbstractObservation:
    """The observation of that name, or one given."""
    if isinstance(kind, AbstractObservation):
        if kind.sizes() != (n_outputs, n_units):
            raise ValueError(
                f"`observation` is a {type(kind).__name__} of {kind.sizes()[0]} outputs and "
                f"{kind.sizes()[1]} units, but the model has n_outputs={n_outputs} and "
                f"n_units={n_units}."
            )
        return kind
    if kind == "identity":
        return IdentityObservation(n_outputs, n_units, key=key)
    if kind == "affine":
        return AffineObservation(n_outputs, n_units, key=key)
    raise ValueError(
        f"`observation` is 'identity', 'affine' or an observation of neurodyn.models.plrnn, got "
        f"{kind!r}."
    )
