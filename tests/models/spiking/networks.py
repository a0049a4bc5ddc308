"""Networks that tests of spiking models share."""

import numpy as np

from neurodyn import params
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save, unpack_spikes
from neurodyn.models import spiking


def arrays(n_e, n_i, density=0.1, gain=1.0, seed=0):
    """The network with two exponential currents, drawn with NumPy in one documented order."""
    rng = np.random.default_rng(seed)
    n = n_e + n_i
    r_e, r_i = rng.random(n_e), rng.random(n_i)
    mask = rng.random((n, n)) < density
    W = gain * mask * np.concatenate([0.1 * rng.random((n_e, n)), 0.3 * rng.random((n_i, n))])
    return {
        "n_e": n_e,
        "a": np.r_[np.full(n_e, 0.02), 0.02 + 0.08 * r_i],
        "b": np.r_[np.full(n_e, 0.2), 0.25 - 0.05 * r_i],
        "c": np.r_[-65 + 15 * r_e**2, np.full(n_i, -65.0)],
        "d": np.r_[8 - 6 * r_e**2, np.full(n_i, 2.0)],
        "mask": mask,
        "W": W,
        "drive": 10 * rng.random(n),
        "v0": -65 + 10 * rng.random(n),
    }


def two_currents(p, *, format="auto", delay=None):
    """That network, in two populations."""
    n_e, n = p["n_e"], len(p["a"])
    rows = {"E": slice(0, n_e), "I": slice(n_e, n)}

    def cells(own):
        given = {name: p[name][own] for name in "abcd"}
        return spiking.Izhikevich2003(own.stop - own.start, v0=p["v0"][own], **given)

    def projection(name, synapse, sign):
        own = rows[name]
        late = delay if delay is None or np.ndim(delay) == 0 else delay[own]
        pairs = spiking.Pairs(*np.nonzero(p["mask"][own]))
        weights = params.Fixed(sign * p["W"][own])
        return spiking.Projection(
            name, "all", synapse, W=weights, connect=pairs, format=format, delay=late
        )

    return spiking.Network(
        {
            "E": spiking.Population(cells(rows["E"]), ei=1),
            "I": spiking.Population(cells(rows["I"]), ei=-1),
        },
        synapses={"excitation": spiking.Exponential(5.0), "inhibition": spiking.Exponential(10.0)},
        projections={
            "E": projection("E", "excitation", 1.0),
            "I": projection("I", "inhibition", -1.0),
        },
        bias=p["drive"],
    )


def spikes(network, dt, steps, **options):
    """Step and unit of every spike, in order."""
    run = integrate(
        network, dt=dt, n_steps=steps, save=Save(outputs=None, spikes="packed"), **options
    )
    when, _, unit = unpack_spikes(np.asarray(run.spikes)[:, None], network.n_units)
    order = np.lexsort((unit, when))
    return np.stack([when[order], unit[order]])
