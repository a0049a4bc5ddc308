"""The workloads as networks of the library.

``python -m tests.benchmarks.peers.library run|first|plastic|force WORKLOAD DT [TRIALS|SECONDS]``
"""

import json
import os
import sys
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import neurodyn as nd
from neurodyn.models import spiking
from neurodyn.models.spiking import Exponential, Izhikevich2003, Projection
from neurodyn.models.spiking.plasticity import RLS
from tests.benchmarks.peers import workloads
from tests.benchmarks.peers.memory import peak_mb
from tests.benchmarks.peers.workloads import DURATION, Workload

__all__ = ["force", "learn", "network", "plastic", "runner"]


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
    if workload.name == "W1":
        return spiking.Network(
            cells,
            synapses={"impulse": spiking.Delta()},
            projections={
                "all": Projection("all", "all", "impulse", W=fixed_weights(workload.dense))
            },
            noise=workload.noise,
        )
    projections = {}
    for name, part in parts.items():
        here = (workload.pre >= part.start) & (workload.pre < part.stop)
        pairs = spiking.Pairs(workload.pre[here] - part.start, workload.post[here])
        sign = 1.0 if name == "E" else -1.0
        projections[name] = Projection(
            name, "all", f"g{name}", W=fixed_weights(sign * workload.weight[here]), connect=pairs
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


def plastic(n: int = 200) -> spiking.Network:
    """A network that learns a sine by recursive least squares while it runs."""
    rule = RLS(every=2.0)
    filter = spiking.DoubleExponential(2.0, 20.0, exact=True)
    draw = np.random.default_rng(0)
    W = fixed_weights(draw.normal(0, 20 / np.sqrt(n), (n, n)))
    return spiking.Network(
        Izhikevich2003(n),
        synapses={"recurrent": Exponential(20.0)},
        projections={"recurrent": Projection("all", "all", "recurrent", W=W)},
        bias=draw.uniform(3, 8, n),
        readout=spiking.Readout(1, filter=filter, rule=rule),
    )


def fixed_weights(W):
    """Weights that training leaves alone."""
    return nd.params.Fixed(W)


class Sine(eqx.Module):
    """A target of 2 Hz."""

    def __call__(self, t):
        """The drive at time t [ms]."""
        return nd.Drive(target=jnp.sin(2 * jnp.pi * t / 500)[None])


def learn(dt: float, seconds: float) -> None:
    """Run the plastic network; nothing is recorded but the last output."""
    save = nd.Save(outputs="last")
    n_steps = round(1000 * seconds / dt)
    trajectory = nd.integrate(
        plastic(), Sine(), dt=dt, n_steps=n_steps, key=0, save=save, checkpoint=False
    )
    jax.block_until_ready(trajectory.outputs)


def force(dt: float, n: int = 1000) -> dict:
    """Time of the whole published run of FORCE on a sine, recording output and spikes."""
    from neurodyn import tasks  # what starts with these imports is not what "first" measures
    from neurodyn.analysis import aligned_correlation
    from neurodyn.experiments.force_sine import force_network
    from neurodyn.experiments.force_sine.settings import Settings

    settings = Settings(dt=dt)
    network = force_network(settings, n, (settings.seed, n, 0))
    seconds = settings.before + settings.learn + settings.after
    steps = round(1000 / dt)
    task = tasks.Sines(dt, frequencies=settings.frequency, duration=1000.0 * seconds)
    target = task.batch(0, 1, start=0.0).targets[0]

    def second(k: int, state: Any):
        return nd.integrate(
            network,
            nd.Drive(target=target[k * steps : (k + 1) * steps]),
            dt=dt,
            state=state,
            start=k * steps,
            save=nd.Save(spikes="packed"),
        )

    second(1, second(0, None).final_state)  # compiles
    state, outputs, begin = None, [], time.perf_counter()
    for k in range(seconds):
        part = second(k, state)
        state = part.final_state
        outputs.append(np.asarray(part.outputs[:, 0]))
    ms = 1e3 * (time.perf_counter() - begin)
    near = aligned_correlation(
        outputs[-1], np.asarray(target[-steps:, 0]), longest=500 / settings.frequency, dt=dt
    )
    return {"ms": ms, "seconds": seconds, "n": n, "correlation": float(near["correlation"])}


def main(what: str, name: str, dt: str, *more: str) -> None:
    """Print what a run gave, as JSON."""
    if what == "plastic":
        learn(float(dt), float(more[0]))
        print(json.dumps({"peak_mb": peak_mb()}))
        return
    if what == "force":
        print(json.dumps(force(float(dt))))
        return
    makers = {"W1": workloads.w1, "W2": workloads.w2}
    workload = makers[name]() if name in makers else workloads.load(name)
    run = runner(workload, float(dt), n_trials=int(more[0]) if more else None)
    words = run(0)
    times = []
    for _ in range(0 if what == "first" else int(os.environ.get("REPEATS", "7"))):
        begin = time.perf_counter()
        run(0)
        times.append(1e3 * (time.perf_counter() - begin))
    print(json.dumps({"ms": times, "spikes": count(words), "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
