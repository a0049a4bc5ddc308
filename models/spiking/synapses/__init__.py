"""Kinetics of receptors, short-term plasticity, and inputs of a network."""

from neurodyn.models.spiking.synapses.delta import Delta, Pulse
from neurodyn.models.spiking.synapses.exponential import Alpha, DoubleExponential, Exponential
from neurodyn.models.spiking.synapses.inputs import CurrentInput, Poisson, SpikeInput
from neurodyn.models.spiking.synapses.nmda import NMDA
from neurodyn.models.spiking.synapses.short_term import TsodyksMarkram
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse

__all__ = [
    # Kinetics
    "AbstractSynapse",
    "Delta",
    "Pulse",
    "Exponential",
    "DoubleExponential",
    "Alpha",
    "NMDA",
    # Short-term plasticity
    "TsodyksMarkram",
    # Inputs and sources
    "CurrentInput",
    "Poisson",
    "SpikeInput",
]
