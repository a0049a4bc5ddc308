"""Neural dynamical systems: simulate, train on cognitive tasks, compare with recordings."""

import importlib.metadata
import os
from typing import TYPE_CHECKING, Any

from neurodyn import params
from neurodyn.common.cache import VARIABLE as _CACHE_VARIABLE
from neurodyn.common.cache import compilation_cache
from neurodyn.common.lazy import on_first_use
from neurodyn.engine import drive, intervene
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.intervene import Clamp, Current, Lesion, Silence
from neurodyn.engine.record import Save, Trajectory
from neurodyn.engine.solve import SolveError, solve
from neurodyn.params import resolve
from neurodyn.system import (
    AbstractFlow,
    AbstractMap,
    AbstractSpiking,
    AbstractSystem,
    State,
    Variable,
)

if TYPE_CHECKING:
    from neurodyn import (
        analysis,
        datasets,
        experiments,
        io,
        labels,
        models,
        plot,
        spikes,
        tasks,
        training,
        trials,
    )
    from neurodyn.common.bibliography import citation
    from neurodyn.common.registry import register
    from neurodyn.io.files import load, save
    from neurodyn.labels import LabelError, to_milliseconds, to_seconds
    from neurodyn.simulation.simulate import SimulationError, simulate
    from neurodyn.training import Ensemble, Fit, TrainingError
    from neurodyn.training.fit import fit

__all__ = [
    "AbstractFlow",
    "AbstractMap",
    "AbstractSpiking",
    "AbstractSystem",
    "Clamp",
    "Current",
    "Drive",
    "Ensemble",
    "Fit",
    "LabelError",
    "Lesion",
    "Save",
    "Silence",
    "SimulationError",
    "SolveError",
    "State",
    "TrainingError",
    "Trajectory",
    "Variable",
    "analysis",
    "citation",
    "compilation_cache",
    "datasets",
    "drive",
    "experiments",
    "fit",
    "integrate",
    "intervene",
    "io",
    "labels",
    "load",
    "models",
    "params",
    "plot",
    "register",
    "resolve",
    "save",
    "simulate",
    "solve",
    "spikes",
    "tasks",
    "to_milliseconds",
    "to_seconds",
    "training",
    "trials",
]

# What needs xarray, matplotlib and the like is imported at first use.
_imported, __dir__ = on_first_use(
    __name__,
    {
        "neurodyn.analysis": (),
        "neurodyn.common.bibliography": ("citation",),
        "neurodyn.datasets": (),
        "neurodyn.experiments": (),
        "neurodyn.io": (),
        "neurodyn.io.files": ("load", "save"),
        "neurodyn.labels": ("LabelError", "to_milliseconds", "to_seconds"),
        "neurodyn.models": (),
        "neurodyn.plot": (),
        "neurodyn.common.registry": ("register",),
        "neurodyn.simulation.simulate": ("SimulationError", "simulate"),
        "neurodyn.spikes": (),
        "neurodyn.tasks": (),
        "neurodyn.training": ("Ensemble", "Fit", "TrainingError", "fit"),
        "neurodyn.trials": (),
    },
    __all__,
)


if os.environ.get(_CACHE_VARIABLE):
    compilation_cache()


def __getattr__(name: str) -> Any:
    return importlib.metadata.version("neurodyn") if name == "__version__" else _imported(name)
