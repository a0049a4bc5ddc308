"""Spike-timing dependent plasticity of pairs of spikes, with traces."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.spiking.plasticity.base import AbstractProjectionRule


class Traces(NamedTuple):
    """Low-pass filtered spikes.

    Attributes
    ----------
    pre, post
        Each spike adds 1, and the sum decays exponentially.
    """

    pre: Float[Array, " pre"]
    post: Float[Array, " post"]


class PairSTDP(AbstractProjectionRule):
    r"""Additive pair-based STDP, every presynaptic spike paired with every postsynaptic one.

    A pair at a distance :math:`\Delta = t_\mathrm{post} - t_\mathrm{pre}` changes the weight by
    :math:`A_+ e^{-\Delta / \tau_+}` where :math:`\Delta \ge 0` and by
    :math:`-A_- e^{\Delta / \tau_-}` otherwise, computed from traces. The weight stays within
    ``[w_min, w_max]``.

    Parameters
    ----------
    a_plus, a_minus
        Amplitudes, in units of the weight. Defaults 0.01 and 0.0105: slightly more depression, as
        in Song, Miller & Abbott (2000).
    tau_plus, tau_minus
        Time constants [ms]; default 20, from the same paper.
    w_min, w_max
        Bounds of the weights; default 0 and 1.

    Raises
    ------
    ValueError
        On time constants that are not positive, or bounds in the wrong order; and, when a network
        is built, on weights outside of the bounds.

    Notes
    -----
    In one step presynaptic spikes come first, as in Brian2: each pairs with earlier postsynaptic
    spikes only, and postsynaptic spikes of the same step count as later. Weights are bounded after
    both. A step computes all synapses, so prefer sparse projections.

    References
    ----------
    Song, Miller & Abbott, Nat. Neurosci. 2000; Morrison, Diesmann & Gerstner, Biol. Cybern. 2008.
    """

    a_plus: Any = 0.01
    a_minus: Any = 0.0105
    _: dataclasses.KW_ONLY
    tau_plus: Any = 20.0
    tau_minus: Any = 20.0
    w_min: Any = 0.0
    w_max: Any = 1.0
    reference: ClassVar[tuple[str, ...]] = ("song2000", "morrison2008")

    def __post_init__(self):
        w_min, w_max = self.w_min, self.w_max
        for field in dataclasses.fields(self):
            above = 0 if field.name.startswith("tau") else None
            setattr(self, field.name, number(field.name, getattr(self, field.name), above=above))
        if not np.asarray(w_min < w_max):
            raise ValueError(f"`w_min` must be below `w_max`, got {w_min} and {w_max}.")

    def check(self, weights):
        """Refuse initial weights outside the bounds, because bounding would change them."""
        low, high = float(self.w_min), float(self.w_max)
        if weights.size and (weights.min() < low or weights.max() > high):
            raise ValueError(
                f"PairSTDP keeps weights from `w_min`={low:g} to `w_max`={high:g}, but they start "
                f"from {weights.min():g} to {weights.max():g}: draw others, or set the bounds "
                "(those of inhibitory synapses are not above 0)."
            )

    def start(self, W, n_pre, n_post):
        """No spike so far."""
        dtype = W.values.dtype
        return Traces(jnp.zeros(n_pre, dtype), jnp.zeros(n_post, dtype))

    def update(self, t, dt, memory, W, pre, post, state, u, *, key):
        """Decay of the traces, then presynaptic spikes, then postsynaptic ones."""
        del t, state, u, key
        dtype = memory.pre.dtype
        x = memory.pre * jnp.exp(-dt / self.tau_plus).astype(dtype)
        y = memory.post * jnp.exp(-dt / self.tau_minus).astype(dtype)
        low, high = self.w_min.astype(dtype), self.w_max.astype(dtype)
        down, up = self.a_minus.astype(dtype) * pre, self.a_plus.astype(dtype) * post
        values = jnp.clip(W.values - down[W.pre] * y[W.post], low, high)
        x, y = x + pre, y + post
        values = jnp.clip(values + x[W.pre] * up[W.post], low, high)
        return Traces(x, y), dataclasses.replace(W, values=values)
