"""The dendritic piecewise-linear recurrent network."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import whole
from neurodyn.models.plrnn.base import AbstractPLRNN, Parts
from neurodyn.models.plrnn.initial import stable_diagonal, stable_off_diagonal, turned, uniform
from neurodyn.models.plrnn.products import beside, product, spectral_norm
from neurodyn.params import AbstractParameter, Fixed, Masked, Normal
from neurodyn.params.base import value_of


class DendriticPLRNN(AbstractPLRNN):
    r"""A PLRNN whose units add up several rectified branches.

    .. math:: z_t = A z_{t-1} + W^T \phi(z_{t-1}) + h + C^T u_t, \quad
        \phi(z)_i = \sum_{b=1}^B \alpha_b \max(0, z_i - H_{ib})

    Clipped, which bounds trajectories where all ``|A| < 1``:

    .. math:: \phi(z)_i = \sum_b \alpha_b [\max(0, z_i - H_{ib}) - \max(0, z_i)]

    W has zeros on its diagonal.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        External inputs K (0 for none), units M, observed variables N.
    n_branches
        Number B of branches.
    clipped
        Whether :math:`\phi` is clipped (default, as in the published experiments).
    observation
        ``"identity"``, ``"affine"``, or an observation of :mod:`neurodyn.models.plrnn`.
    A, W, h, C
        As for :class:`PLRNN`.
    alpha
        ``(branch,)``. Default U(-k, k) with ``k = B**-0.5``.
    H
        Thresholds ``(unit, branch)``. Default: standard normal; ``params.Uniform(low, high)`` for
        the range of the data.
    key
        Seed or key of the initial weights.

    References
    ----------
    Brenner, Hess, Mikhaeil, Bereska, Monfared, Kuo & Durstewitz, "Tractable dendritic RNNs for
    reconstructing nonlinear dynamical systems", ICML 2022.
    """

    n_branches: int = eqx.field(static=True)
    clipped: bool = eqx.field(static=True)
    A: Float[Array, " unit"] | AbstractParameter
    W: Float[Array, "unit unit"] | AbstractParameter
    h: Float[Array, " unit"] | AbstractParameter
    alpha: Float[Array, " branch"] | AbstractParameter
    H: Float[Array, "unit branch"] | AbstractParameter
    C: Float[Array, "input unit"] | AbstractParameter | None
    start: Float[Array, " output"] | Fixed
    clock: Int[Array, "4"] | None = None

    reference: ClassVar[tuple[str, ...]] = ("brenner2022",)
    small: ClassVar[dict[str, Any]] = {"n_branches": 4}

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        n_branches: int,
        clipped: bool = True,
        observation: Any = "identity",
        A: Any = None,
        W: Any = None,
        h: Any = None,
        alpha: Any = None,
        H: Any = None,
        C: Any = None,
        key: Any,
    ):
        parts = Parts(self, key, (n_inputs, n_units, n_outputs), observation, C)
        M = self.n_units
        B = self.n_branches = whole("n_branches", n_branches, 1)
        self.clipped = bool(clipped)
        self.n_relu = M * B + (M if self.clipped else 0)
        W = Masked("off-diagonal") if W is None else W
        self.A, self.W = parts.bind_pair(
            ("A", A, (M,), stable_diagonal), ("W", W, (M, M), turned(stable_off_diagonal))
        )
        self.h = parts.bind("h", h, (M,), 0.0)
        self.alpha = parts.bind("alpha", alpha, (B,), uniform(B))
        self.H = parts.bind("H", H, (M, B), Normal(0.0, 1.0))

    def mask(self, z):
        """Gates: the branches of unit 0, those of unit 1...; clipped, then the units themselves."""
        branches = (z[:, None] - value_of(self.H) > 0).ravel()
        return jnp.concatenate([branches, z > 0]) if self.clipped else branches

    def advance(self, z):
        (A, W, h), alpha, H = self._values(), value_of(self.alpha), value_of(self.H)
        phi = jnp.zeros_like(z)
        for b in range(self.n_branches):
            phi = phi + alpha[b] * jnp.maximum(z - beside(H[:, b], z), 0)
        if self.clipped:
            phi = phi - jnp.sum(alpha) * jnp.maximum(z, 0)
        return beside(A, z) * z + product(W, phi) + beside(h, z)

    def affine(self, mask):
        (A, W, h), alpha, H = self._values(), value_of(self.alpha), value_of(self.H)
        open_, M, B = mask.astype(h.dtype), self.n_units, self.n_branches
        branches = open_[: M * B].reshape(M, B)
        slope = branches @ alpha
        if self.clipped:
            slope = slope - jnp.sum(alpha) * open_[M * B :]
        offset = h - ((branches * H) @ alpha) @ W
        return jnp.diag(A) + (W * slope[:, None]).T, offset

    def jacobian_bound(self):
        A, W, _ = self._values()
        return jnp.max(jnp.abs(A)) + spectral_norm(W) * jnp.sum(jnp.abs(value_of(self.alpha)))
