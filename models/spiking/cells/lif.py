"""The leaky integrate-and-fire neuron."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from neurodyn.models.spiking.cells.neuron import AbstractNeuron, PerUnit, Start, where_spiked
from neurodyn.params.base import value_of
from neurodyn.params.laws import is_concrete
from neurodyn.system import Variable


class Potential(NamedTuple):
    """State of a neuron that is its membrane potential alone.

    Attributes
    ----------
    v
        Membrane potential [mV].
    """

    v: Float[Array, " unit"]


class LIF(AbstractNeuron):
    r"""The leaky integrate-and-fire neuron.

    .. math:: \tau \dot v = v_{rest} - v + R I

    and where :math:`v \ge` `threshold`: :math:`v \leftarrow v_{reset}`, or with `soft_reset`
    :math:`v \leftarrow v - (threshold - v_{reset})`.

    Parameters
    ----------
    n
        Number of units.
    tau
        Membrane time constant [ms].
    v_rest, v_reset, threshold
        Potentials [mV].
    R
        Input resistance [mV per unit of the current]; default 1, so that currents are in mV.
    soft_reset
        Whether a spike lowers the potential by ``threshold - v_reset`` (subtractive reset), so that
        what exceeds the threshold is kept, and a strong input makes spikes in successive steps.
        Default False: it sets the potential to `v_reset`.
    v0
        Potential at the start [mV]; default `v_rest`. A law is drawn anew for every trial.
    key
        Seed or key, where a parameter is drawn.

    Raises
    ------
    ValueError
        If a size does not fit, `tau` is not positive, or a reset is not below its threshold.

    Notes
    -----
    Defaults are those of the benchmark networks of Vogels & Abbott, compared over simulators by
    Brette et al. Each parameter may be a number, an array ``(unit,)``, a law of
    :mod:`neurodyn.params` that is drawn once, or a parameter (then it is trained).

    Networks for surrogate gradients are often written in steps as
    :math:`u_{k+1} = \beta u_k + I_{k+1} - \theta s_k`, with spikes :math:`s_k = [u_k > \theta]`.
    On a fixed clock of step dt these are ``LIF(n, tau=dt / (1 - beta), R=1 / (1 - beta), v_rest=0,
    threshold=theta, v_reset=theta * (1 - 1 / beta), soft_reset=True)``: the factor of `v_reset`
    undoes the decay of what is subtracted, which there happens one step later. Where it is
    subtracted in the step of the spike, ``v_reset=0``.

    References
    ----------
    Vogels & Abbott, "Signal propagation and logic gating in networks of integrate-and-fire
    neurons", J. Neurosci. 25:10786, 2005.
    Brette et al., "Simulation of networks of spiking neurons", J. Comput. Neurosci. 23:349, 2007.
    """

    cell_type: tuple[str, ...] = eqx.field(static=True, init=False)
    _: dataclasses.KW_ONLY
    tau: PerUnit = 20.0
    v_rest: PerUnit = -60.0
    v_reset: PerUnit = -60.0
    threshold: PerUnit = -50.0
    R: PerUnit = 1.0
    soft_reset: bool = eqx.field(static=True, default=False)
    v0: Start = None
    key: dataclasses.InitVar[Any] = None

    parameters: ClassVar[tuple[str, ...]] = ("tau", "v_rest", "v_reset", "threshold", "R")
    current_units: ClassVar[str] = "mV"
    time_constants: ClassVar[tuple[str, ...]] = ("tau",)
    reference: ClassVar[tuple[str, ...]] = ("vogels2005", "brette2007")

    def __post_init__(self, key):
        self._bind(self.parameters, ("v0",), key, positive=("tau",))
        check_reset(self.v_reset, self.threshold)

    def start(self, key):
        return Potential(self.v0.draw("v", self.v_rest, key))

    def drift(self, cell, current):
        return Potential((self.v_rest - cell.v + self.R * current) / self.tau)

    def crossing(self, cell):
        return cell.v - self.threshold

    def reset(self, cell, spikes):
        after = cell.v - (self.threshold - self.v_reset) if self.soft_reset else self.v_reset
        return Potential(where_spiked(spikes, after, cell.v))

    def guarded(self):
        return self.soft_reset

    def alike(self, other):
        return super().alike(other) and self.soft_reset == other.soft_reset

    def variables(self):
        return {"v": Variable(("unit",), "mV", "membrane potential", "voltage")}


def check_reset(v_reset: Any, threshold: Any) -> None:
    """Refuse a reset at or above the threshold, where a unit would spike in every step."""
    low, high = value_of(v_reset), value_of(threshold)
    if is_concrete(low, high) and not (np.asarray(low) < np.asarray(high)).all():
        raise ValueError(
            f"`v_reset` must be below `threshold` in every unit, got {float(low.max()):g} mV and "
            f"{float(high.min()):g} mV."
        )
