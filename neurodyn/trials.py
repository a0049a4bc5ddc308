"""Trials: signals around events, averages with their uncertainty, PSTHs, split halves."""

from neurodyn.signals.align import align
from neurodyn.signals.averages import average, split_half
from neurodyn.signals.smooth import smooth
from neurodyn.spikes.psth import psth

__all__ = [
    "align",
    "smooth",
    "average",
    "psth",
    "split_half",
]
