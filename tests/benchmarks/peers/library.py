"""The workloads as networks of the library."""

import jax
import numpy as np

import neurodyn as nd
from neurodyn.models import spiking
from neurodyn.models.spiking import Exponential, Izhikevich2003, Projection
from tests.benchmarks.peers.workloads import DURATION, Workload

__all__ = ["network", "runner"]


def network(workload: Workload) -> spiking.Network:
    """W1, W2 or W3."""
    n_excitatory = workload.n_excitatory
    parts = {"E": slice(0, n_excitatory), "I": slice(n_excitatory, workload.n)}
    cells = {
        name: Izhikevich2003(
            part.stop - part.start,
            **{p: getattr(workload, p)[part] for p in "abcd"},
            v0=workload.v0[part],
            u0=workload.u0[part],
        )
        for name, part in parts.items()
    }
    fixed = nd.params.Fixed
    if workload.name == "W1":
        return spiking.Network(
            cells,
            synapses={"impulse": spiking.Delta()},
            projections={"all": Projection("all", "all", "impulse", W=fixed(workload.dense))},
            noise=workload.noise,
        )
    projections = {}
    for name, part in parts.items():
        here = (workload.pre >= part.start) & (workload.pre < part.stop)
        pairs = spiking.Pairs(workload.pre[here] - part.start, workload.post[here])
        sign = 1.0 if name == "E" else -1.0
        projections[name] = Projection(
            name, "all", f"g{name}", W=fixed(sign * workload.weight[here]), connect=pairs
        )
    return spiking.Network(
        cells,
        synapses={"gE": Exponential(5.0), "gI": Exponential(10.0)},
        projections=projections,
        bias=workload.bias,
    )


def runner(workload: Workload, dt: float, *, n_trials: int | None = None):
    """A function of a seed that runs a second and returns its packed spikes."""
    net, n_steps = network(workload), round(DURATION / dt)
    save = nd.Save(outputs=None, spikes="packed")

    def run(seed: int):
        trajectory = nd.integrate(
            net, dt=dt, n_steps=n_steps, n_trials=n_trials, key=seed, save=save, checkpoint=False
        )
        return jax.block_until_ready(trajectory.spikes)

    return run


def count(words) -> int:
    """Number of packed spikes."""
    return int(np.bitwise_count(np.asarray(words)).sum())
