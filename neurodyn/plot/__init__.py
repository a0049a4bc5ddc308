"""Figures of labelled results; every function returns the matplotlib Figure it drew."""

from neurodyn.plot.activity import psth, raster, traces, trajectories
from neurodyn.plot.behaviour import psychometric
from neurodyn.plot.comparison import comparison
from neurodyn.plot.models import time_constants
from neurodyn.plot.reconstruction import checkpoints, elbow
from neurodyn.plot.symbols import attractor, geometric_graph, power_spectrum, symbol_graph
from neurodyn.plot.tasks import trial
from neurodyn.plot.training import history

__all__ = [
    "attractor",
    "checkpoints",
    "comparison",
    "elbow",
    "geometric_graph",
    "history",
    "power_spectrum",
    "psth",
    "psychometric",
    "raster",
    "symbol_graph",
    "time_constants",
    "traces",
    "trajectories",
    "trial",
]
