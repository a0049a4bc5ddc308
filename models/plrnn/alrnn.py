"""The almost-linear recurrent network."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import whole
from neurodyn.models.plrnn.base import AbstractPLRNN, Parts
from neurodyn.models.plrnn.initial import narrow_normal, stable_diagonal, turned
from neurodyn.models.plrnn.products import beside, product, spectral_norm
from neurodyn.params import AbstractParameter, Fixed
from neurodyn.params.base import value_of


class ALRNN(AbstractPLRNN):
    r"""An almost-linear recurrent network: few rectifiers, so few linear regions.

    .. math:: z_t = A z_{t-1} + W^T \Phi^*(z_{t-1}) + h + C^T u_t

    with diagonal A, and :math:`\Phi^*` the identity but for the last P units, which are rectified.
    There are at most :math:`2^P` linear regions, and in region D the Jacobian is ``A + W.T D``. W
    is full: its diagonal is trained beside A.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        External inputs K (0 for none), units M, observed variables N.
    n_relu
        Number P of rectified units, the last ones. 0: a linear map; M: an ordinary PLRNN.
        Published settings: 2 for Lorenz's system, 1 for Rossler's.
    observation
        ``"identity"``: the first N units are observed (and should be linear, N <= M - P);
        ``"affine"``: ``x = z @ B``; or an observation of :mod:`neurodyn.models.plrnn`.
    A
        ``(unit,)``. Default: the diagonal of a random positive definite matrix of spectral radius
        1.
    W
        ``(unit, unit)``, ``W[i, j]`` from i to j. Default: normal, standard deviation 0.01.
    h
        ``(unit,)``. Default 0.
    C
        ``(input, unit)``. Default: Glorot uniform.
    key
        Seed or key of the initial weights.

    References
    ----------
    Brenner, Hemmer, Monfared & Durstewitz, "Almost-linear RNNs yield highly interpretable symbolic
    codes in dynamical systems reconstruction", NeurIPS 2024.

    Examples
    --------
    >>> from neurodyn import models
    >>> model = models.ALRNN(0, 20, 3, n_relu=2, key=0)
    >>> model.n_relu
    2
    """

    A: Float[Array, " unit"] | AbstractParameter
    W: Float[Array, "unit unit"] | AbstractParameter
    h: Float[Array, " unit"] | AbstractParameter
    C: Float[Array, "input unit"] | AbstractParameter | None
    start: Float[Array, " output"] | Fixed
    clock: Int[Array, "4"] | None = None

    reference: ClassVar[tuple[str, ...]] = ("brenner2024",)
    small: ClassVar[dict[str, Any]] = {"n_relu": 3}

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        n_relu: int,
        observation: Any = "identity",
        A: Any = None,
        W: Any = None,
        h: Any = None,
        C: Any = None,
        key: Any,
    ):
        parts = Parts(self, key, (n_inputs, n_units, n_outputs), observation, C)
        M = self.n_units
        self.n_relu = whole("n_relu", n_relu, 0, M)
        self.A = parts.bind("A", A, (M,), stable_diagonal)
        self.W = parts.bind("W", W, (M, M), turned(narrow_normal))
        self.h = parts.bind("h", h, (M,), 0.0)

    def mask(self, z):
        return z[self.n_units - self.n_relu :] > 0

    def advance(self, z):
        A, W, h = self._values()
        linear = jnp.arange(self.n_units) < self.n_units - self.n_relu
        g = jnp.where(beside(linear, z) | (z > 0), z, jnp.zeros_like(z))
        return beside(A, z) * z + product(W, g) + beside(h, z)

    def affine(self, mask):
        A, W, h = self._values()
        D = jnp.concatenate([jnp.ones(self.n_units - self.n_relu, h.dtype), mask.astype(h.dtype)])
        return jnp.diag(A) + (W * D[:, None]).T, h

    def jacobian_bound(self):
        return jnp.max(jnp.abs(value_of(self.A))) + spectral_norm(value_of(self.W))

    def penalties(self):
        """Penalties by name, see :meth:`PLRNN.penalties`.

        Returns
        -------
        dict
            Besides ``"latent"`` and ``"observation"`` there is ``"growth"``: the norm of the part
            of ``A`` plus the diagonal of ``W`` that exceeds 0.05.
        """
        A, W, _ = self._values()
        excess = jnp.maximum(A + jnp.diagonal(W) - 0.05, 0)
        # The norm has no derivative at 0.
        tiny = jnp.finfo(excess.dtype).tiny
        growth = jnp.sqrt(jnp.maximum(jnp.sum(excess**2), tiny))
        return super().penalties() | {"growth": growth}
