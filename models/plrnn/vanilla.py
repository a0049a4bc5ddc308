"""The piecewise-linear recurrent network in its original form."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.models.plrnn.base import AbstractPLRNN, Parts
from neurodyn.models.plrnn.initial import stable_diagonal, stable_off_diagonal, turned
from neurodyn.models.plrnn.products import beside, product, spectral_norm
from neurodyn.params import AbstractParameter, Fixed, Masked
from neurodyn.params.base import value_of


class PLRNN(AbstractPLRNN):
    r"""A piecewise-linear recurrent network.

    .. math:: z_t = A z_{t-1} + W^T \phi(z_{t-1}) + h + C^T u_t

    with :math:`\phi(z) = \max(0, z)`, diagonal A and zeros on the diagonal of W.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        External inputs K (0 for none), units M, observed variables N.
    observation
        ``"identity"``: the first N units are observed; ``"affine"``: ``x = z @ B``; or an
        observation of :mod:`neurodyn.models.plrnn`.
    A, W
        ``(unit,)`` and ``(unit, unit)``, ``W[i, j]`` from i to j. Default: diagonal and rest of a
        random positive definite matrix of spectral radius 1.
    h
        ``(unit,)``. Default 0.
    C
        ``(input, unit)``. Default: Glorot uniform.
    key
        Seed or key of the initial weights.

    References
    ----------
    Durstewitz, "A state space approach for piecewise-linear recurrent neural networks for
    identifying computational dynamics from neural measurements", PLoS Comput. Biol. 2017.
    """

    A: Float[Array, " unit"] | AbstractParameter
    W: Float[Array, "unit unit"] | AbstractParameter
    h: Float[Array, " unit"] | AbstractParameter
    C: Float[Array, "input unit"] | AbstractParameter | None
    start: Float[Array, " output"] | Fixed
    clock: Int[Array, "4"] | None = None

    reference: ClassVar[tuple[str, ...]] = ("durstewitz2017",)
    small: ClassVar[dict[str, Any]] = {"observation": "affine"}

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        observation: Any = "identity",
        A: Any = None,
        W: Any = None,
        h: Any = None,
        C: Any = None,
        key: Any,
    ):
        parts = Parts(self, key, (n_inputs, n_units, n_outputs), observation, C)
        M = self.n_relu = self.n_units
        W = Masked("off-diagonal") if W is None else W
        self.A, self.W = parts.bind_pair(
            ("A", A, (M,), stable_diagonal), ("W", W, (M, M), turned(stable_off_diagonal))
        )
        self.h = parts.bind("h", h, (M,), 0.0)

    def mask(self, z):
        return z > 0

    def advance(self, z):
        A, W, h = self._values()
        return beside(A, z) * z + product(W, jnp.where(z > 0, z, jnp.zeros_like(z))) + beside(h, z)

    def affine(self, mask):
        A, W, h = self._values()
        return jnp.diag(A) + (W * mask.astype(h.dtype)[:, None]).T, h

    def jacobian_bound(self):
        return jnp.max(jnp.abs(value_of(self.A))) + spectral_norm(value_of(self.W))
