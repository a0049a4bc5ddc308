"""The shallow piecewise-linear recurrent network."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import whole
from neurodyn.models.plrnn.base import AbstractPLRNN, Parts
from neurodyn.models.plrnn.initial import stable_diagonal, turned, uniform
from neurodyn.models.plrnn.products import beside, product, spectral_norm
from neurodyn.params import AbstractParameter, Fixed
from neurodyn.params.base import value_of


class ShallowPLRNN(AbstractPLRNN):
    r"""A PLRNN with a hidden layer: few units, and a map with many linear regions.

    .. math:: z_t = A z_{t-1} + W_1^T \max(0, W_2^T z_{t-1} + h_2) + h_1 + C^T u_t

    Clipped, which bounds trajectories where all ``|A| < 1``:

    .. math:: z_t = A z_{t-1} + W_1^T [\max(0, W_2^T z_{t-1} + h_2)
        - \max(0, W_2^T z_{t-1})] + h_1 + C^T u_t

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        External inputs K (0 for none), units M, observed variables N.
    n_hidden
        Width L of the hidden layer.
    clipped
        Whether the hidden layer is clipped (default, as in all published experiments).
    observation
        ``"identity"``, ``"affine"``, or an observation of :mod:`neurodyn.models.plrnn`.
    A
        ``(unit,)``. Default: the diagonal of a random positive definite matrix of spectral radius
        1.
    W1, W2
        ``(hidden, unit)`` and ``(unit, hidden)``. Default: U(-k, k), with ``k = L**-0.5`` and
        ``k = M**-0.5``.
    h1, h2
        ``(unit,)`` and ``(hidden,)``. Default: 0; h2 of a clipped one U(-k, k), ``k = L**-0.5``.
    C
        ``(input, unit)``. Default: Glorot uniform.
    key
        Seed or key of the initial weights.

    References
    ----------
    Hess, Monfared, Brenner & Durstewitz, "Generalized teacher forcing for learning chaotic
    dynamics", ICML 2023.
    """

    n_hidden: int = eqx.field(static=True)
    clipped: bool = eqx.field(static=True)
    A: Float[Array, " unit"] | AbstractParameter
    W1: Float[Array, "hidden unit"] | AbstractParameter
    W2: Float[Array, "unit hidden"] | AbstractParameter
    h1: Float[Array, " unit"] | AbstractParameter
    h2: Float[Array, " hidden"] | AbstractParameter
    C: Float[Array, "input unit"] | AbstractParameter | None
    start: Float[Array, " output"] | Fixed
    clock: Int[Array, "4"] | None = None

    post_pre_in_version_1 = ("W1", "W2", "C")
    latent: ClassVar[tuple[str, ...]] = ("A", "W1", "W2", "h1", "h2")
    small: ClassVar[dict[str, Any]] = {"n_hidden": 16}
    reference: ClassVar[tuple[str, ...]] = ("hess2023",)

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        n_hidden: int,
        clipped: bool = True,
        observation: Any = "identity",
        A: Any = None,
        W1: Any = None,
        W2: Any = None,
        h1: Any = None,
        h2: Any = None,
        C: Any = None,
        key: Any,
    ):
        parts = Parts(self, key, (n_inputs, n_units, n_outputs), observation, C)
        M = self.n_units
        L = self.n_hidden = whole("n_hidden", n_hidden, 1)
        self.clipped = bool(clipped)
        self.n_relu = 2 * L if self.clipped else L
        self.A = parts.bind("A", A, (M,), stable_diagonal)
        self.W1 = parts.bind("W1", W1, (L, M), turned(uniform(L)))
        self.W2 = parts.bind("W2", W2, (M, L), turned(uniform(M)))
        self.h1 = parts.bind("h1", h1, (M,), 0.0)
        self.h2 = parts.bind("h2", h2, (L,), uniform(L) if self.clipped else 0.0)

    def mask(self, z):
        """Gates: ``z @ W2 + h2 > 0``; clipped, then ``z @ W2 > 0``."""
        y = product(value_of(self.W2), z)
        shifted = y + beside(value_of(self.h2), y) > 0
        return jnp.concatenate([shifted, y > 0]) if self.clipped else shifted

    def advance(self, z):
        A, W1, W2, h1, h2 = self._values()
        y = product(W2, z)
        hidden = jnp.maximum(y + beside(h2, y), 0)
        if self.clipped:
            hidden = hidden - jnp.maximum(y, 0)
        return beside(A, z) * z + product(W1, hidden) + beside(h1, z)

    def affine(self, mask):
        A, W1, W2, h1, h2 = self._values()
        open_, L = mask.astype(h1.dtype), self.n_hidden
        shifted = open_[:L]
        slope = shifted - open_[L:] if self.clipped else shifted
        offset = h1 + (shifted * h2) @ W1
        if self.n_units > 8:
            return jnp.diag(A) + ((W2 * slope[None, :]) @ W1).T, offset
        # The same unit by unit: over many states, these are a few large products.
        columns = [(slope * W2[j]) @ W1 for j in range(self.n_units)]
        return jnp.diag(A) + jnp.stack(columns, axis=1), offset

    def jacobian_bound(self):
        A, W1, W2, _, _ = self._values()
        return jnp.max(jnp.abs(A)) + spectral_norm(W1) * spectral_norm(W2)
