"""Constrained weight matrices ``(pre, post)``: sparse, signed, low-rank, multi-area."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.common.arrays import as_array
from neurodyn.params.base import AbstractParameter, changed, held, require_elementwise, value_of
from neurodyn.params.entries import Free
from neurodyn.params.held import TOLERANCE, refuse_entries
from neurodyn.params.kinds import AbstractWrapper
from neurodyn.params.laws import Init, initial_value, is_concrete
from neurodyn.params.shared import Indexed
from neurodyn.params.transposed import transposed


def only(
    weights: Any, mask: Bool[Array, "..."] | Bool[np.ndarray, "..."], *, name: str = "weights"
) -> Any:
    """A parameter of a model with only the entries in a mask; the others are 0.

    For models whose units can be cut. Constrained weights stay as they are constrained, and keep
    the mask when they are trained.

    Parameters
    ----------
    weights
        An array, or a parameter as a model binds it.
    mask
        Which entries are kept, of a shape that fits that of the weights.
    name
        What errors call the parameter.

    Raises
    ------
    ValueError
        If the parameter has its own values for each trial.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> only(jnp.ones((2, 2)), jnp.array([True, False])[:, None]).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    if isinstance(weights, Indexed):
        raise ValueError(
            f"`{name}` has its own values for each trial and cannot be cut; use Clamp."
        )
    values = value_of(weights)
    mask = jnp.broadcast_to(mask, values.shape)
    if isinstance(weights, AbstractParameter):
        return Masked(mask.astype(values.dtype), weights)
    return jnp.where(mask, weights, jnp.zeros((), weights.dtype))


class Masked(AbstractWrapper):
    """Weights with absent connections: ``mask * of``, exactly 0 outside the mask.

    Parameters
    ----------
    mask
        ``(pre, post)`` of 0/1 or bool; a number in (0, 1], the connection probability; or
        ``"off-diagonal"``, which leaves out self-connections.
    of
        Parameter of the entries that exist.
    """

    mask: Any
    of: Any = Free()

    def __check_init__(self):
        # What is bound may have any structure: cutting units lays a mask over it.
        if isinstance(self.of, AbstractParameter) and not self.of.bound:
            self._check_entries()

    def _check_entries(self):
        require_elementwise(self.of, "Masked", "a mask destroys the rank")

    def check(self):
        """Refuse a mask of other numbers than 0 and 1, and an array that is still to be drawn."""
        super().check()
        if self.bound and is_concrete(self.mask) and not np.isin(self.mask, (0, 1)).all():
            raise ValueError(f"Masked: the mask must be 0/1, got {np.unique(self.mask)[:5]}.")

    def draw(self, shape, key, dtype=None):
        """Draw the mask, if it is a probability, and the entries."""
        self._check_entries()
        k_mask, k_of = jax.random.split(key)
        of = self.of.build(shape, k_of, dtype)
        mask = as_array(_mask(self.mask, shape, k_mask), value_of(of).dtype)
        return changed(self, mask=mask, of=of)

    def hold(self, value):
        exists = np.asarray(self.mask) != 0
        why = "the mask has no connection there, and only 0 is possible."
        refuse_entries(self, value, ~exists & (value != 0), why)
        # What lies under the mask stays, because 0 may not be allowed there.
        return changed(
            self, of=held(self.of, np.where(exists, value, np.asarray(value_of(self.of))))
        )

    def value(self) -> Array:
        """The masked value."""
        return jax.lax.stop_gradient(self.mask) * value_of(self.of)

    @property
    def random(self) -> bool:
        """Whether the mask or the entries are drawn."""
        return (np.ndim(self.mask) == 0 and not isinstance(self.mask, str)) or super().random

    def presynaptic_signs(self):
        return signs_of(self.of)

    def transposed(self):
        return changed(self, mask=transposed(self.mask), of=transposed(self.of))


def _mask(mask: Any, shape: tuple[int, ...], key: Any) -> Array | np.ndarray:
    if isinstance(mask, str):
        if mask != "off-diagonal" or len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                f'Masked: the only named mask is "off-diagonal", for square matrices; '
                f"got {mask!r} for shape {shape}."
            )
        return ~np.eye(shape[0], dtype=bool)
    if np.ndim(mask) == 0 and not isinstance(mask, bool):
        if not 0 < float(mask) <= 1:
            raise ValueError(f"Masked: a connection probability lies in (0, 1], got {mask}.")
        return jax.random.bernoulli(key, float(mask), shape)
    mask = np.asarray(mask)
    if mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"Masked: the mask must be 0/1 of shape {shape}, "
            f"got {mask.dtype} of shape {mask.shape}."
        )
    return mask.astype(bool)


class LowRank(AbstractParameter):
    """Weights of given rank, ``n m^T / pre``.

    Parameters
    ----------
    rank
        Number of components.
    init
        As for :class:`Free`, for both factors; None: standard normal entries.
    nonnegative
        Whether both factors are taken by their absolute value.

    References
    ----------
    Mastrogiuseppe & Ostojic, "Linking connectivity, dynamics, and computations in low-rank
    recurrent neural networks", Neuron 2018.
    """

    rank: int = eqx.field(static=True)
    init: Init = None
    nonnegative: bool = eqx.field(static=True, default=False)
    n: Float[Array, "pre rank"] | None = None
    m: Float[Array, "post rank"] | None = None
    trained: ClassVar = ("n", "m")

    def __check_init__(self):
        if self.rank < 1:
            raise ValueError(f"LowRank: rank must be at least 1, got {self.rank}.")

    def draw(self, shape, key, dtype=None):
        """Draw both factors."""
        if len(shape) != 2 or self.rank > min(shape):
            raise ValueError(
                f"LowRank({self.rank}) needs a matrix at least that large, got {shape}."
            )
        init = jax.nn.initializers.normal(1.0) if self.init is None else self.init
        n, m = (
            initial_value(init, (size, self.rank), k, dtype)
            for size, k in zip(shape, jax.random.split(key), strict=True)
        )
        return changed(self, init=None, n=n, m=m)

    def hold(self, value):
        if self.nonnegative:
            raise ValueError(
                "non-negative LowRank factors cannot be found from a product: pass them as `n` and "
                "`m`."
            )
        left, sizes, right = np.linalg.svd(np.asarray(value, float), full_matrices=False)
        if (sizes[self.rank :] > TOLERANCE * sizes[0]).any():
            raise ValueError(
                f"LowRank({self.rank}) cannot hold a matrix of rank "
                f"{int((sizes > TOLERANCE * sizes[0]).sum())}."
            )
        root = np.sqrt(sizes[: self.rank] * len(value))
        n, m = left[:, : self.rank] * root, right[: self.rank].T * root
        return changed(self, n=jnp.asarray(n, self.n.dtype), m=jnp.asarray(m, self.m.dtype))

    def value(self) -> Array:
        """The weight matrix ``(pre, post)``."""
        n, m = (jnp.abs(self.n), jnp.abs(self.m)) if self.nonnegative else (self.n, self.m)
        return n @ m.T / self.n.shape[0]

    @property
    def random(self) -> bool:
        """Whether the factors are drawn."""
        return self.init is None or super().random

    def magnitudes(self):
        return changed(self, nonnegative=True)

    def scale_rows(self, factors):
        return changed(self, n=self.n * factors[:, None])


def areas_of(parameter: AbstractParameter) -> tuple[str, ...] | None:
    """Name of the area of each unit; None where a parameter of weights does not say."""
    areas = parameter.area_sizes()
    return None if areas is None else tuple(name for name, n in areas.items() for _ in range(n))


def signs_of(weights: Any) -> np.ndarray | None:
    """Sign of each presynaptic unit of bound weights; None where no law fixes them."""
    return weights.presynaptic_signs() if isinstance(weights, AbstractParameter) else None
