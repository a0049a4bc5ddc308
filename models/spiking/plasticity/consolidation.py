"""Learning once per trial, from the mean state of the trial."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.models.spiking.plasticity.base import gate_of


class Collected(NamedTuple):
    """Running mean of the trial so far.

    Attributes
    ----------
    total
        Weighted sum of the rates.
    weight
        Sum of the weights.
    """

    total: Float[Array, " unit"]
    weight: Float[Array, ""]

    def mean(self) -> Float[Array, " unit"]:
        """The mean rate; zero before anything was collected."""
        return self.total / jnp.where(self.weight > 0, self.weight, 1)

    def collect(self, weight: Float[Array, ""], r: Float[Array, " unit"]) -> "Collected":
        """The running mean with one more rate of this weight."""
        return Collected(self.total + weight * r, self.weight + weight)


class Consolidation(AbstractReadoutRule):
    r"""Two-factor learning once per trial: the error of an outcome times the mean rate.

    .. math:: \Delta w_k = \eta\, (\hat y_k - w_k^\top \bar r)\, \bar r

    where :math:`\bar r` is the mean of the rates collected so far and
    :math:`\hat y` the target of the consolidating step. The gate of a step has three entries: the
    weight of this step in the mean; the amount of consolidation now (1 at the end of a trial that
    is learned, else 0); and whether the mean is reset after this step (1 or 0).

    Parameters
    ----------
    rate
        :math:`\eta`, per trial.
    normalised
        Divide the change by :math:`\lVert \bar r \rVert^2`. Default: yes, because the output is
        then an exponential average of the targets over ``1 / rate`` trials, for any size of the
        rates.

    Raises
    ------
    ValueError
        If the learning rate is negative, or at least 2 when normalised, where it is unstable.

    References
    ----------
    Yamada & Chao, Commun. Biol. 2026.
    """

    rate: Float[Array, ""]
    normalised: bool = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("yamada2026",)

    def __init__(self, rate: Any, *, normalised: bool = True):
        self.rate = number("rate", rate, low=0)
        if normalised and not isinstance(self.rate, jax.core.Tracer) and not self.rate < 2:
            raise ValueError(f"`rate` must be below 2, where learning is unstable, got {rate!r}.")
        self.normalised = bool(normalised)

    def start(self, W, *, key):
        """Nothing collected yet."""
        del key
        return Collected(jnp.zeros_like(W[:, 0]), jnp.zeros((), W.dtype))

    def update(self, t, dt, memory, W, r, z, u, *, key):
        """Update the running mean, and consolidate as given by the gate."""
        del t, dt, z, key
        gate = gate_of(u, W.dtype)
        if gate.shape != (3,):
            raise ValueError(
                "Consolidation: `gate` must hold three numbers per step and trial (collect, "
                f"consolidate, start anew), got shape {gate.shape}."
            )
        collect, consolidate, anew = gate
        memory = memory.collect(collect, r)
        if u.target is not None:
            mean = memory.mean()
            size = self.rate.astype(W.dtype) * consolidate
            if self.normalised:
                square = mean @ mean
                size = size / jnp.where(square > 0, square, 1)
            W = W - mean[:, None] * (size * (mean @ W - u.target))[None, :]
        kept = 1 - anew
        return Collected(memory.total * kept, memory.weight * kept), W
