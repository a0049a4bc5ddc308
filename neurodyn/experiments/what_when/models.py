"""The reservoir, with readouts that learn by local rules or by least squares."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.what_when.session import Plan
from neurodyn.models.spiking import (
    CurrentInput,
    DoubleExponential,
    Exponential,
    Izhikevich2003,
    Network,
    Population,
    Projection,
    Readout,
    WhatWhen,
)
from neurodyn.models.spiking.plasticity import RLS, Consolidation, ThreeFactor
from neurodyn.params import Fixed

#: Learning methods of readouts: the local rules, or recursive least squares of the whole target.
METHODS = {
    "local": "local rules",
    "rls": "least squares",
    "rls_reset": "least squares, reset at switches",
    "rls_forgetting": "least squares, forgetting",
}
#: Fractions of the cell types.
EXCITATORY = {"RS": 0.7, "IB": 0.15, "CH": 0.15}
INHIBITORY = {"FS": 0.5, "LTS": 0.5}
#: Probability of a connection.
P = 0.1
#: Rise and decay time of the filter of the readout [ms].
FILTER = (2.0, 20.0)


def learnt_weights(state: Any, levels: np.ndarray) -> xr.Dataset:
    """Readout weights of the local rules after sessions of several probabilities."""
    dims, memory = ("sweep", "unit", "output"), state.memory
    return labels.dataset(
        {
            "what": (dims, np.asarray(memory.W_what, np.float64), "1", "what", "weight"),
            "when": (dims, np.asarray(memory.W_when, np.float64), "1", "when", "weight"),
        },
        {
            "probability": ("sweep", levels, "1", "probability of event A"),
            "output": ["expect_a", "expect_b"],
        },
        source="model",
    )


def model(method: str, settings: Any, seed: int, made: Plan) -> WhatWhen | Network:
    """Reservoir of one seed, the same for every method, with its readouts."""
    rng = np.random.default_rng((0, seed))
    parts = _parts(settings, rng)
    feedback = settings.feedback * rng.standard_normal((2, settings.n_units))
    filter = DoubleExponential(*FILTER, exact=True)
    if method == "local":
        return WhatWhen(
            Network(**parts),
            2,
            what=Consolidation(settings.eta_what),
            when=ThreeFactor(settings.eta_when, every=settings.dt),
            filter=filter,
            feedback=feedback,
        )
    options: dict[str, Any] = {"every": settings.every}
    if method == "rls_reset":
        options["resets"] = tuple(made.switches * settings.dt)
    if method == "rls_forgetting":
        updates = made.learned_time / settings.every
        options["forgetting"] = float(1 - 1 / (settings.remembered * updates))
        options["bound"] = settings.bound or None
    readout = Readout(2, filter=filter, feedback=feedback, rule=RLS(settings.alpha, **options))
    return Network(**parts, readout=readout)


def _parts(settings: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Neurons, synapses and inputs of the reservoir."""
    n = settings.n_units
    n_e = round(0.8 * n)
    types = {
        "E": rng.choice(list(EXCITATORY), n_e, p=list(EXCITATORY.values())),
        "I": rng.choice(list(INHIBITORY), n - n_e, p=list(INHIBITORY.values())),
    }

    def weights(largest: float, rows: slice) -> Fixed:
        # Settings are for 1000 neurons; fewer neurons get stronger weights.
        drawn = (rng.random((n, n)) < P) * rng.random((n, n))
        return Fixed(1000 / n * largest * drawn[rows])

    e, i, both = slice(0, n_e), slice(n_e, n), ("E", "I")
    return {
        "populations": {
            "E": Population(Izhikevich2003(n_e, list(types["E"])), ei=1),
            "I": Population(Izhikevich2003(n - n_e, list(types["I"])), ei=-1),
        },
        "synapses": {
            "fast": Exponential(5.0),
            "slow": Exponential(100.0),
            "inhibition": Exponential(10.0),
        },
        "projections": {
            "fast": Projection("E", both, "fast", W=weights(settings.excitation, e)),
            "slow": Projection("E", both, "slow", W=weights(settings.slow, e)),
            "inhibition": Projection("I", both, "inhibition", W=weights(-settings.inhibition, i)),
        },
        "inputs": {
            "task": CurrentInput(3 + settings.n_pulses, to=both, W=Fixed(_currents(settings, rng)))
        },
        "bias": settings.bias * rng.random(n),
        "noise": settings.noise,
        "scheme": "izh2003",
        "key": 0,
    }


def _currents(settings: Any, rng: np.random.Generator) -> np.ndarray:
    """Currents of the cue, the events and the pulses into each neuron."""
    size = np.full(3 + settings.n_pulses, settings.cue)
    size[1:3] = settings.event
    return size[:, None] * rng.standard_normal((len(size), settings.n_units))
