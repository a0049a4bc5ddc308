"""Neural dynamical systems: simulate, train on cognitive tasks, compare with recordings."""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

from neurodyn import drive, intervene, params
from neurodyn.drive import Drive
from neurodyn.integrate import integrate
from neurodyn.params import resolve
from neurodyn.recording import Save, Trajectory
from neurodyn.solve import SolveError, solve
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
    from neurodyn.bibliography import citation
    from neurodyn.io.files import load, save
    from neurodyn.labels import LabelError, to_seconds
    from neurodyn.simulation import SimulationError, simulate
    from neurodyn.training import Ensemble, Fit, TrainingError
    from neurodyn.training.fit import fit

__all__ = [
    "AbstractFlow",
    "AbstractMap",
    "AbstractSpiking",
    "AbstractSystem",
    "Drive",
    "Ensemble",
    "Fit",
    "LabelError",
    "Save",
    "SimulationError",
    "SolveError",
    "State",
    "TrainingError",
    "Trajectory",
    "Variable",
    "analysis",
    "citation",
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
    "resolve",
    "save",
    "simulate",
    "solve",
    "spikes",
    "tasks",
    "to_seconds",
    "training",
    "trials",
]

# What needs xarray, matplotlib and the like is imported at first use.
_LATER = {
    "Ensemble": "neurodyn.training",
    "Fit": "neurodyn.training",
    "LabelError": "neurodyn.labels",
    "SimulationError": "neurodyn.simulation",
    "TrainingError": "neurodyn.training",
    "citation": "neurodyn.bibliography",
    "fit": "neurodyn.training",
    "load": "neurodyn.io.files",
    "save": "neurodyn.io.files",
    "simulate": "neurodyn.simulation",
    "to_seconds": "neurodyn.labels",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = importlib.metadata.version("neurodyn")
    elif name in _LATER:
        value = getattr(importlib.import_module(_LATER[name]), name)
    elif name in __all__:
        value = importlib.import_module(f"neurodyn.{name}")
    else:
        raise AttributeError(f"module 'neurodyn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
