"""The network of Nicola & Clopath (2017) with recursive least squares."""

from typing import Any

import numpy as np

from neurodyn.experiments.force_sine.settings import Settings
from neurodyn.models.spiking import DoubleExponential, Izhikevich2007, Network, Projection, Readout
from neurodyn.models.spiking.plasticity import RLS
from neurodyn.params import Fixed

__all__ = ["force_network"]


def force_network(settings: Settings, n: int, seed: Any) -> Network:
    """The network of Nicola & Clopath (2017) for the sine, with ``n`` neurons.

    Weights are drawn with NumPy: recurrent ``G N(0, 1) Bernoulli(p) / (p sqrt(n))``, feedback
    ``Q U(-1, 1)``, potentials ``U(vr, vpeak)``.
    """
    rng = np.random.default_rng(seed)
    scale = settings.coupling / (settings.p * np.sqrt(n))
    W = scale * rng.standard_normal((n, n)) * (rng.random((n, n)) < settings.p)
    feedback = settings.feedback * (2 * rng.random((1, n)) - 1)
    v0 = -60.0 + 90.0 * rng.random(n)
    cells = Izhikevich2007(
        n,
        "RS",
        C=250.0,
        k=2.5,
        vr=-60.0,
        vt=-19.2,
        vpeak=30.0,
        a=0.01,
        b=-2.0,
        c=-65.0,
        d=200.0,
        v0=v0,
    )
    start = 1000.0 * settings.before
    rule = RLS(
        settings.alpha,
        every=settings.every,
        start=start,
        stop=start + 1000.0 * settings.learn,
        gain=settings.gain,
    )
    return Network(
        {"cells": cells},
        synapses={"current": DoubleExponential(2.0, 20.0, exact=True)},
        projections={"recurrent": Projection("cells", "cells", "current", W=Fixed(W))},
        readout=Readout(
            1, filter=DoubleExponential(2.0, 20.0, exact=True), feedback=feedback, rule=rule
        ),
        bias=1000.0,
        key=0,
    )
