"""Dale's law: the sign of a weight belongs to the presynaptic unit."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.params.balance import cancelling, unit_disc
from neurodyn.params.base import (
    AbstractParameter,
    changed,
    held,
    layers,
    scale_rows,
    value_of,
)
from neurodyn.params.entries import Free
from neurodyn.params.held import refuse_entries
from neurodyn.params.kinds import AbstractWrapper
from neurodyn.params.laws import Init, is_concrete


class Dale(AbstractWrapper):
    """Weights that obey Dale's law: the sign belongs to the presynaptic unit.

    Parameters
    ----------
    ei
        Sign of each presynaptic unit (+1 or -1), ``(pre,)``; or the fraction of excitatory units,
        which come first (in each area, over :class:`Blocks`).
    of
        Parameter of the magnitudes; over :class:`LowRank` both factors are kept non-negative. An
        array given as ``init`` may hold the magnitudes or the signed weights.
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
    of: Any = Free()
    balance: bool | Literal["cancel"] | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.balance not in (True, False, "cancel", None):
            raise ValueError(
                f"Dale: `balance` is True, 'cancel', False or None, got {self.balance!r}."
            )
        if not isinstance(self.of, AbstractParameter):
            return
        self.of.magnitudes()
        for each in layers(self.of):
            if isinstance(each, Dale):
                raise ValueError("Dale cannot be laid over Dale: one sign per presynaptic unit.")
            low = each.lower
            if low is not None and is_concrete(low) and np.any(np.asarray(low) < 0):
                raise ValueError(
                    f"Dale: {type(each).__name__} describes magnitudes here and must not reach "
                    f"below 0, got {low}."
                )

    def check(self):
        """Refuse signs other than +1 and -1, and an array that is still to be drawn."""
        super().check()
        if self.bound and is_concrete(self.ei) and not np.isin(self.ei, (-1, 1)).all():
            raise ValueError(
                f"Dale: `ei` must hold +1 or -1 for each unit, got {np.unique(self.ei)[:5]}."
            )

    def draw(self, shape, key, dtype=None):
        """Draw the magnitudes, and scale them as ``balance`` says."""
        if len(shape) != 2:
            raise ValueError(f"Dale describes a weight matrix (pre, post), got shape {shape}.")
        of = self.of.magnitudes().build(shape, key, dtype)
        signs = self.signs(shape[0])
        free = _free(of)
        if free:
            self._check_given(value_of(of), signs)
        sign = jnp.asarray(signs, value_of(of).dtype)
        if self.balance:
            factors = unit_disc if free and self.balance != "cancel" else cancelling
            magnitudes, sizes = jnp.abs(value_of(of)), self._sizes(len(signs))
            of = scale_rows(of, factors(magnitudes, tuple(signs.tolist()), tuple(sizes)))
        return changed(self, ei=sign, of=of, balance=None)

    def hold(self, value):
        sign = np.asarray(self.ei)
        signed = (sign[:, None] if sign.ndim < value.ndim else sign) * value
        why = "the weight contradicts the sign of the presynaptic unit."
        refuse_entries(self, value, signed < 0, why)
        return changed(self, of=held(self.of, np.abs(value)))

    def value(self) -> Array:
        """The signed weights."""
        magnitudes = jnp.abs(value_of(self.of))
        sign = jax.lax.stop_gradient(self.ei)
        # A list of synapses has one sign for each weight.
        return (sign[:, None] if sign.ndim < magnitudes.ndim else sign) * magnitudes

    def with_default(self, init: Init, balance: Any = True):
        """With a default for ``balance`` too, which is False for initial values of the user."""
        if self.balance is not None:
            balance = self.balance
        elif any(init is not None for init in self.inits()):
            balance = False
        return changed(super().with_default(init, balance), balance=balance)

    def signs(self, n: int) -> np.ndarray:
        """Sign of each of ``n`` presynaptic units.

        Raises
        ------
        ValueError
            If ``ei`` is neither a fraction nor a sign for each unit.
        """
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

    def presynaptic_signs(self):
        # A list of synapses has a sign for each of them instead.
        return np.asarray(self.ei) if len(self.shape) == 2 and self.ei.ndim == 1 else None

    def _sizes(self, n: int) -> list[int]:
        """Number of units of each area; ``[n]`` without areas."""
        areas = self.area_sizes()
        return [n] if areas is None else list(areas.values())

    def _check_given(self, value: Array, signs: np.ndarray) -> None:
        given = any(not callable(init) and np.ndim(init) == 2 for init in self.inits())
        if not given or not is_concrete(value):
            return
        value = np.asarray(value)
        if (value < 0).any() and (signs[:, None] * value < 0).any():
            unit = int(np.argwhere((signs[:, None] * value < 0).any(axis=1))[0, 0])
            raise ValueError(
                f"Dale: the weights given in `init` contradict the signs `ei`, first in row {unit} "
                f"(sign {signs[unit]:+.0f}). Pass magnitudes, or weights that obey `ei`."
            )


def _free(weights: Any) -> bool:
    return not isinstance(weights, AbstractParameter) or weights.elementwise
