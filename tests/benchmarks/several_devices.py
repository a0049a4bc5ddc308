"""`simulate` on a mesh: what one device costs more, and what each of eight devices holds.

The devices are virtual ones of this CPU, which share its cores: this shows memory, and no speed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable

import jax
import numpy as np

import neurodyn as nd
from neurodyn import models, tasks
from neurodyn.models import spiking
from tests.benchmarks.harness import Row

CORES = 1
_UNITS, _DEVICES = 6000, 8

_LARGE = f"""
import resource
import jax, numpy as np
import neurodyn as nd
from neurodyn import models, params

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

mesh = jax.make_mesh(({_DEVICES},), ("unit",))
inputs = np.ones((20, 1, 1), np.float32)

def run(n):
    law = nd.placement.InParts(params.Normal(0.0, 0.01), mesh)
    model = models.CTRNN(1, n, 1, W=law, key=0)
    nd.simulate(model, inputs, dt=10.0, mesh=mesh, save=nd.Save(()), progress=False)
    return max(part.data.nbytes for part in model.W.addressable_shards) / 2**20

run(64)
before = peak()
part = run({_UNITS})
print(part, peak() - before)
"""


def run() -> list[Row]:
    """One device with and without a mesh (bar 5 %), and the memory of a network in parts."""
    task = tasks.PerceptualDecision()
    rates = models.CTRNN(task.n_inputs, 128, task.n_outputs, key=0)
    reservoir = spiking.izhikevich2003_network(key=0)
    mesh = jax.make_mesh((1,), ("trial",))

    def of_rates(mesh):
        return nd.simulate(rates, task, n_trials=1000, key=1, mesh=mesh, progress=False)

    def of_spikes(mesh):
        options = {"dt": 0.5, "n_steps": 6000, "n_trials": 2, "key": 1, "save": ()}
        return nd.simulate(reservoir, mesh=mesh, progress=False, **options)

    rows = []
    for name, call in (("rate network", of_rates), ("spiking network", of_spikes)):
        with_mesh, without = _cpu_times(lambda call=call: call(mesh), lambda call=call: call(None))
        label = f"{name}, mesh of one device"
        rows.append(Row(label, "no mesh", with_mesh, without, "ms CPU", bar=1 / 1.05))
    return [*rows, *_memory()]


def _cpu_times(*calls: Callable[[], object], rounds: int = 25) -> list[float]:
    """CPU time of calls that take turns, the best in ms: other threads run the program."""
    best = [float("inf")] * len(calls)
    for i in range(rounds + 1):
        for j, call in enumerate(calls):
            start = time.process_time()
            call()
            if i:
                best[j] = min(best[j], 1e3 * (time.process_time() - start))
    return best


def _memory() -> list[Row]:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={_DEVICES}"
    done = subprocess.run(
        [sys.executable, "-c", _LARGE],
        env=os.environ | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        check=True,
    )
    part, peak = map(float, done.stdout.split()[-2:])
    whole = 4 * np.square(_UNITS, dtype=float) / 2**20
    sizes = {"N": _UNITS, "devices": _DEVICES}
    kept = Row("weights on a device", "whole matrix", part, whole, "MB", bar=_DEVICES, sizes=sizes)
    copies = "a copy on each device"
    # While they are drawn, numbers take four times the memory of their result.
    drawn = Row("peak of all, drawing", copies, peak, whole * _DEVICES, "MB", bar=1.5, sizes=sizes)
    return [kept, drawn]
