"""Neural dynamical systems: simulate, train on cognitive tasks, compare with recordings."""

import importlib.metadata
import os
from typing import TYPE_CHECKING, Any

from neurodyn import params
from neurodyn.common.cache import VARIABLE as _CACHE_VARIABLE
from neurodyn.common.cache import compilation_cache
from neurodyn.common.lazy import on_first_use
from neurodyn.engine import drive, intervene, placement
from neurodyn.engine.integrate import integrate
from neurodyn.engine.intervene import Clamp, Current, Lesion, Silence
from neurodyn.engine.record import Save, Trajectory
from neurodyn.engine.solve import SolveError, solve
from neurodyn.system import (
    AbstractFlow,
    AbstractMap,
    AbstractSpiking,
    AbstractSystem,
    Drive,
    State,
    Variable,
)

# Imported at first use, since they need xarray, matplotlib and the like.
if TYPE_CHECKING:
    from neurodyn import (
        analysis,
        datasets,
        estimates,
        experiments,
        io,
        labels,
        models,
        plot,
        spikes,
        sweeps,
        tasks,
        training,
        trials,
    )
    from neurodyn.common.bibliography import citation
    from neurodyn.common.registry import register
    from neurodyn.estimates.estimate import estimate
    from neurodyn.io.files import load, save
    from neurodyn.labels import LabelError, to_milliseconds, to_seconds
    from neurodyn.simulation.runner import SimulationError
    from neurodyn.simulation.simulate import simulate
    from neurodyn.sweeps.sweep import sweep
    from neurodyn.training import Ensemble, Fit, TrainingError
    from neurodyn.training.fit import fit

__all__ = [
    # Build
    "models",
    "tasks",
    "params",
    # Run
    "simulate",
    "integrate",
    "solve",
    "Save",
    "Trajectory",
    "SimulationError",
    "SolveError",
    # Drive and intervene
    "drive",
    "Drive",
    "intervene",
    "Current",
    "Clamp",
    "Silence",
    "Lesion",
    # Train
    "fit",
    "Fit",
    "Ensemble",
    "TrainingError",
    "training",
    # Analyse and plot
    "analysis",
    "plot",
    "spikes",
    "trials",
    "labels",
    "LabelError",
    "to_milliseconds",
    "to_seconds",
    # Files and data
    "load",
    "save",
    "io",
    "datasets",
    # Published studies
    "experiments",
    "sweep",
    "sweeps",
    "citation",
    # Write your own
    "AbstractSystem",
    "AbstractFlow",
    "AbstractSpiking",
    "AbstractMap",
    "State",
    "Variable",
    "register",
    # Cost and speed
    "estimate",
    "estimates",
    "compilation_cache",
    "placement",
]

_imported, __dir__ = on_first_use(__name__, __all__)


if os.environ.get(_CACHE_VARIABLE):
    compilation_cache()


def __getattr__(name: str) -> Any:
    return importlib.metadata.version("neurodyn") if name == "__version__" else _imported(name)
