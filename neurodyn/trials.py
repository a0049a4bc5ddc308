"""Trials: recordings cut around events, averages with their uncertainty, PSTHs, split halves."""

from neurodyn.signals.averages import average, split_half
from neurodyn.signals.resample import resample
from neurodyn.signals.smooth import smooth
from neurodyn.spikes.psth import psth
from neurodyn.spikes.session import align

__all__ = [
    "align",
    "resample",
    "smooth",
    "average",
    "psth",
    "split_half",
]
