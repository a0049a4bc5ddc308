"""Dale's law: the sign of a weight belongs to the presynaptic unit."""

from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.params.balance import cancelling, unit_disc
from neurodyn.params.base import AbstractParameter, AbstractSpec, is_concrete, layers, value_of
from neurodyn.params.entries import FixedParameter, Free
from neurodyn.params.scaled import ScaledParameter
from neurodyn.params.weights import (
    Blocks,
    BlocksParameter,
    LowRank,
    LowRankParameter,
    MaskedParameter,
    require_elementwise,
)

__all__ = ["Dale", "DaleParameter", "signs_of"]


class DaleParameter(AbstractParameter):
    """``sign[pre] * |inner|``: each presynaptic unit excites or inhibits all its targets."""

    trained: ClassVar = ("inner",)
    inner: Any
    sign: Float[Array, " pre"]

    def value(self) -> Array:
        """The signed weights."""
        return jax.lax.stop_gradient(self.sign)[:, None] * jnp.abs(value_of(self.inner))


class Dale(AbstractSpec):
    """Weights that obey Dale's law: the sign belongs to the presynaptic unit.

    Parameters
    ----------
    ei
        Sign of each presynaptic unit (+1 or -1), ``(pre,)``; or the fraction of excitatory units,
        which come first (in each area, over :class:`Blocks`).
    of
        Spec of the magnitudes; over :class:`LowRank` both factors are kept non-negative. An array
        given as ``init`` may hold the magnitudes or the signed weights.
    balance
        How the magnitudes drawn are scaled. ``"cancel"``: inhibition sums to what excitation does,
        in each area (or over all, where an area has units of one sign); excitatory weights stay.
        True: then all are scaled so that the eigenvalues of the matrix, a few outliers apart, lie
        in a disc of radius 1, whatever the law of the magnitudes and the density of a mask; where
        all units have one sign, the largest eigenvalue is 1. False: not at all. None: only where
        ``of`` leaves the initial value to the model, which is True, but ``"cancel"`` in PLRNNs,
        whose weights are small beside their diagonal.

    Notes
    -----
    The radius counts entries as independent draws around the mean of their sign in their block of
    areas, absent ones among them, also where the mask is given as an array. Magnitudes that are all
    alike and :class:`LowRank` have no disc, so that True does as ``"cancel"`` there. A mask that is
    laid over Dale, or blocks made of it, come after the scaling.

    References
    ----------
    Song, Yang & Wang, "Training excitatory-inhibitory recurrent neural networks for cognitive
    tasks", PLoS Comput. Biol. 2016.
    Rajan & Abbott, "Eigenvalue spectra of random matrices for neural networks", Phys. Rev. Lett.
    2006 (the radius of the eigenvalue disc).
    """

    ei: Any
    of: AbstractSpec = Free()
    balance: bool | Literal["cancel"] | None = None

    @property
    def elementwise(self):
        """As of what lies below."""
        return self.of.elementwise

    def __check_init__(self):
        if self.balance not in (True, False, "cancel", None):
            raise ValueError(
                f"Dale: `balance` is True, 'cancel', False or None, got {self.balance!r}."
            )
        if not isinstance(self.of, LowRank):
            require_elementwise(self.of, "Dale", "signs destroy the rank")
        for spec in layers(self.of):
            if isinstance(spec, Dale):
                raise ValueError("Dale cannot be laid over Dale: one sign per presynaptic unit.")
            low = getattr(spec, "low", getattr(spec, "minimum", 0))
            if low < 0:
                raise ValueError(
                    f"Dale: {type(spec).__name__} describes magnitudes here and must not reach "
                    f"below 0, got {low}."
                )

    def signs(self, n: int) -> np.ndarray:
        """Sign of each of ``n`` presynaptic units."""
        if np.ndim(self.ei) == 0:
            fraction = float(self.ei)
            if not 0 <= fraction <= 1:
                raise ValueError(
                    f"Dale: the excitatory fraction lies in [0, 1], got {fraction}. "
                    "Pass signs as an array of +1 and -1."
                )
            return np.concatenate(
                [np.where(np.arange(k) < round(fraction * k), 1.0, -1.0) for k in self._sizes(n)]
            )
        ei = np.asarray(self.ei, float)
        if ei.shape != (n,) or not np.isin(ei, (-1.0, 1.0)).all():
            raise ValueError(
                f"Dale: `ei` must hold +1 or -1 for each of the {n} presynaptic units, "
                f"got shape {ei.shape} with values {np.unique(ei)[:5]}."
            )
        return ei

    def build(self, shape, key, dtype=None):
        """A :class:`DaleParameter`."""
        if len(shape) != 2:
            raise ValueError(f"Dale describes a weight matrix (pre, post), got shape {shape}.")
        inner = self.of.build(shape, key, dtype)
        signs = self.signs(shape[0])
        if isinstance(inner, LowRankParameter):
            inner = LowRankParameter(inner.n, inner.m, nonnegative=True)
        else:
            self._check_given(value_of(inner), signs)
        sign = jnp.asarray(signs, value_of(inner).dtype)
        if self.balance:
            inner = _scale_rows(inner, self._balance(inner, signs))
        return DaleParameter(inner, sign)

    def _sizes(self, n: int) -> list[int]:
        """Number of units of each area; ``[n]`` without areas."""
        blocks = next((s for s in layers(self.of) if isinstance(s, Blocks)), None)
        return [n] if blocks is None else list(blocks.areas.values())

    def _balance(self, inner: Any, signs: np.ndarray) -> Float[Array, " pre"]:
        low_rank = isinstance(inner, LowRankParameter)
        factors = cancelling if low_rank or self.balance == "cancel" else unit_disc
        sizes = self._sizes(len(signs))
        return factors(jnp.abs(value_of(inner)), tuple(signs.tolist()), tuple(sizes))

    def _check_given(self, value: Array, signs: np.ndarray) -> None:
        inits = (getattr(s, "init", None) for s in layers(self.of))
        given = any(init is not None and np.ndim(init) == 2 for init in inits)
        if not given or not is_concrete(value):
            return
        value = np.asarray(value)
        if (value < 0).any() and (signs[:, None] * value < 0).any():
            unit = int(np.argwhere((signs[:, None] * value < 0).any(axis=1))[0, 0])
            raise ValueError(
                f"Dale: the weights given in `init` contradict the signs `ei`, first in row {unit} "
                f"(sign {signs[unit]:+.0f}). Pass magnitudes, or weights that obey `ei`."
            )


def signs_of(weights: Any) -> np.ndarray | None:
    """Sign of each presynaptic unit of a bound weight matrix; None where no law fixes them."""
    if isinstance(weights, DaleParameter):
        return np.asarray(weights.sign)
    if isinstance(weights, MaskedParameter):
        return signs_of(weights.inner)
    if isinstance(weights, BlocksParameter):
        rows: list[list[Any]] = [
            [signs_of(b) for b in row if b is not None] for row in weights.blocks
        ]
        agree = all(s is not None and np.array_equal(s, row[0]) for row in rows for s in row)
        return np.concatenate([row[0] for row in rows]) if agree else None
    return None


def _scale_rows(x: Any, scale: Array) -> Any:
    if isinstance(x, MaskedParameter):
        return MaskedParameter(_scale_rows(x.inner, scale), x.mask)
    if isinstance(x, FixedParameter):
        return FixedParameter(_scale_rows(x.raw, scale))
    if isinstance(x, ScaledParameter):
        return ScaledParameter(_scale_rows(x.inner, scale), x.factor)
    if isinstance(x, LowRankParameter):
        return LowRankParameter(_scale_rows(x.n, scale), x.m, x.nonnegative)
    if isinstance(x, BlocksParameter):
        parts = jnp.split(scale, np.cumsum(x.sizes)[:-1])
        rows = zip(x.blocks, parts, strict=True)
        return BlocksParameter(
            tuple(tuple(b if b is None else _scale_rows(b, s) for b in row) for row, s in rows),
            x.sizes,
        )
    if isinstance(x, AbstractParameter):
        raise ValueError(
            f"Dale cannot balance a {type(x).__name__}: pass balance=False and an `init` of your "
            "own."
        )
    return x * scale[:, None]
