"""Sweeps: one function, or one experiment, at every point of a grid, on one machine or many."""

from neurodyn.sweeps.result import read
from neurodyn.sweeps.sweep import sweep
from neurodyn.sweeps.table import table

__all__ = ["read", "sweep", "table"]
