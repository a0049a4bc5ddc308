"""Constrained weight matrices ``(pre, post)``: sparse, signed, low-rank, multi-area."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from neurodyn.params.base import (
    AbstractParameter,
    AbstractSpec,
    Init,
    draw,
    layers,
    value_of,
)
from neurodyn.params.entries import Free, Grouped, Indexed, IndexedParameter, Shared

__all__ = [
    "Blocks",
    "BlocksParameter",
    "LowRank",
    "LowRankParameter",
    "Masked",
    "MaskedParameter",
    "areas_of",
    "only",
]


class MaskedParameter(AbstractParameter):
    """``mask * inner``: entries outside the mask are exactly zero."""

    trained: ClassVar = ("inner",)
    inner: Any
    mask: Float[Array, "..."]

    def value(self) -> Array:
        """The masked value."""
        return jax.lax.stop_gradient(self.mask) * value_of(self.inner)


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
    if isinstance(weights, IndexedParameter):
        raise ValueError(
            f"`{name}` has its own values for each trial and cannot be cut; use Clamp."
        )
    values = value_of(weights)
    mask = jnp.broadcast_to(mask, values.shape)
    if isinstance(weights, AbstractParameter):
        return MaskedParameter(weights, mask.astype(values.dtype))
    return jnp.where(mask, weights, jnp.zeros((), weights.dtype))


class Masked(AbstractSpec):
    """A weight matrix with absent connections.

    Parameters
    ----------
    mask
        ``(pre, post)`` of 0/1 or bool; a number in (0, 1], the connection probability; or
        ``"off-diagonal"``, which leaves out self-connections.
    of
        Spec of the entries that exist.
    """

    mask: Any
    of: AbstractSpec = Free()
    elementwise = True

    def __check_init__(self):
        require_elementwise(self.of, "Masked", "a mask destroys the rank")

    def build(self, shape, key, dtype=None):
        """A :class:`MaskedParameter`."""
        k_mask, k_inner = jax.random.split(key)
        inner = self.of.build(shape, k_inner, dtype)
        dtype = value_of(inner).dtype
        return MaskedParameter(inner, _mask(self.mask, shape, k_mask).astype(dtype))


def _mask(mask: Any, shape: tuple[int, ...], key: Any) -> Array:
    if isinstance(mask, str):
        if mask != "off-diagonal" or len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                f'Masked: the only named mask is "off-diagonal", for square matrices; '
                f"got {mask!r} for shape {shape}."
            )
        return ~jnp.eye(shape[0], dtype=bool)
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
    return jnp.asarray(mask.astype(bool))


class LowRankParameter(AbstractParameter):
    """``n m^T / pre``, of rank at most ``m.shape[1]``."""

    trained: ClassVar = ("n", "m")
    n: Float[Array, "pre rank"]
    m: Float[Array, "post rank"]
    nonnegative: bool = eqx.field(static=True)

    def value(self) -> Array:
        """The weight matrix ``(pre, post)``."""
        n, m = (jnp.abs(self.n), jnp.abs(self.m)) if self.nonnegative else (self.n, self.m)
        return n @ m.T / self.n.shape[0]


class LowRank(AbstractSpec):
    """A weight matrix of given rank, ``n m^T / pre``.

    Parameters
    ----------
    rank
        Number of components.
    init
        As for :class:`Free`, for both factors; None: standard normal entries.

    References
    ----------
    Mastrogiuseppe & Ostojic, "Linking connectivity, dynamics, and computations in low-rank
    recurrent neural networks", Neuron 2018.
    """

    rank: int
    init: Init = None
    elementwise = False

    def __check_init__(self):
        if self.rank < 1:
            raise ValueError(f"LowRank: rank must be at least 1, got {self.rank}.")

    def build(self, shape, key, dtype=None):
        """A :class:`LowRankParameter`."""
        if len(shape) != 2 or self.rank > min(shape):
            raise ValueError(
                f"LowRank({self.rank}) needs a matrix at least that large, got {shape}."
            )
        init = jax.nn.initializers.normal(1.0) if self.init is None else self.init
        k_n, k_m = jax.random.split(key)
        return LowRankParameter(
            draw(init, (shape[0], self.rank), k_n, dtype),
            draw(init, (shape[1], self.rank), k_m, dtype),
            nonnegative=False,
        )


class BlocksParameter(AbstractParameter):
    """A matrix made of blocks between areas; absent blocks are zero."""

    trained: ClassVar = ("blocks",)
    blocks: tuple[tuple[Any, ...], ...]
    sizes: tuple[int, ...] = eqx.field(static=True)

    def value(self) -> Array:
        """The assembled matrix."""
        dtype = value_of(self.blocks[0][0]).dtype
        rows = [
            [
                jnp.zeros((self.sizes[i], self.sizes[j]), dtype) if b is None else value_of(b)
                for j, b in enumerate(row)
            ]
            for i, row in enumerate(self.blocks)
        ]
        return jnp.block(rows)


class Blocks(AbstractSpec):
    """A multi-area weight matrix.

    Parameters
    ----------
    areas
        Number of units in each area, in order, e.g. ``{"V1": 80, "PFC": 40}``.
    within
        Spec of the connections inside an area.
    between
        Specs of the connections from one area to another, ``{("V1", "PFC"): Masked(0.1)}``;
        pairs that are not named are not connected.
    """

    areas: Mapping[str, int]
    within: AbstractSpec = Free()
    between: Mapping[tuple[str, str], AbstractSpec] = eqx.field(default_factory=dict)

    @property
    def elementwise(self):
        """Whether every block is."""
        return self.within.elementwise and all(s.elementwise for s in self.between.values())

    def __check_init__(self):
        if not self.areas or min(self.areas.values()) < 1:
            raise ValueError(f"Blocks: every area needs at least one unit, got {dict(self.areas)}.")
        for pair in self.between:
            if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(self.areas):
                raise ValueError(
                    f"Blocks: `between` is keyed by (from, to) of two of the areas "
                    f"{list(self.areas)}, got {pair!r}."
                )
        for spec in (self.within, *self.between.values()):
            if isinstance(spec, (Grouped, Shared, Indexed)):
                raise ValueError(f"Blocks: {type(spec).__name__} does not describe a block.")

    def build(self, shape, key, dtype=None):
        """A :class:`BlocksParameter`."""
        sizes = tuple(self.areas.values())
        if shape != (sum(sizes), sum(sizes)):
            raise ValueError(
                f"Blocks: the areas {dict(self.areas)} hold {sum(sizes)} units, "
                f"but the matrix is {shape}."
            )
        names = list(self.areas)
        keys = jax.random.split(key, (len(names), len(names)))

        def block(i: int, j: int) -> Any:
            spec = self.within if i == j else self.between.get((names[i], names[j]))
            return None if spec is None else spec.build((sizes[i], sizes[j]), keys[i, j], dtype)

        n = range(len(names))
        return BlocksParameter(tuple(tuple(block(i, j) for j in n) for i in n), sizes)


def areas_of(spec: AbstractSpec) -> tuple[str, ...] | None:
    """Area of each unit, where a spec says so."""
    blocks = next((s for s in layers(spec) if isinstance(s, Blocks)), None)
    if blocks is None:
        return None
    return tuple(name for name, size in blocks.areas.items() for _ in range(size))


def require_elementwise(spec: AbstractSpec, name: str, why: str) -> None:
    """Refuse to lay a mask or signs over entries that are tied to each other, or over no spec."""
    if not isinstance(spec, AbstractSpec):
        raise TypeError(
            f"{name}: `of` takes how the magnitudes are parametrised, got {type(spec).__name__}. "
            f"For values to start from write {name}(..., of=params.Free(...))."
        )
    if not spec.elementwise:
        raise ValueError(
            f"{name} cannot be laid over {type(spec).__name__}: {why}. Constrain the blocks or "
            "factors instead, or use a full-rank spec."
        )
