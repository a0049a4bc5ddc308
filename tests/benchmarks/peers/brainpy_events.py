"""The workloads with BrainPy's event-driven operators; run by an interpreter that has BrainPy.

``PYTHON brainpy_events.py WORKLOAD.npz DT REPEATS`` prints the wall time of each run of a second
[ms], and the number of spikes, as JSON. Needs BrainPy and numba, nothing of the library.
"""

import itertools
import json
import sys
import time

import brainpy.math as bm
import numpy as np


def main(path: str, dt: float, repeats: int) -> None:
    """Compile once, run `repeats` times."""
    with np.load(path) as arrays:
        w = {name: arrays[name] for name in arrays.files}
    name, n, n_excitatory = str(w["name"]), len(w["a"]), int(w["n_excitatory"])
    a, b, c, d, bias, noise = (
        bm.asarray(w[key], bm.float32) for key in ("a", "b", "c", "d", "bias", "noise")
    )
    impulses = name == "W1"
    edges = [0, n] if impulses else [0, n_excitatory, n]
    synapses = []
    for first, last in itertools.pairwise(edges):
        indptr = np.searchsorted(w["pre"], np.arange(first, last + 1))
        here = slice(indptr[0], indptr[-1])
        synapses.append(
            (
                bm.asarray(w["weight"][here], bm.float32),
                bm.asarray(w["post"][here], bm.int32),
                bm.asarray(indptr - indptr[0], bm.int32),
            )
        )
    start = [bm.asarray(w[key], bm.float32) for key in ("v0", "u0")] + [bm.zeros(n)] * 2
    state = [bm.Variable(x) for x in start]

    def step(_):
        v, u, ge, gi = (x.value for x in state)
        drive = bias + ge - gi
        new_v = v + dt * (0.04 * v * v + 5 * v + 140 - u + drive)
        if impulses:
            new_v = new_v + noise * np.float32(np.sqrt(dt)) * bm.random.randn(n)
        u = u + dt * a * (b * v - u)
        fired = new_v >= 30
        arrived = [
            bm.event.csrmv(*synapse, fired[first:last], shape=(last - first, n), transpose=True)
            for synapse, first, last in zip(synapses, edges[:-1], edges[1:], strict=True)
        ]
        if impulses:
            new_v = new_v + arrived[0]
        else:
            state[2].value = ge * (1 - dt / 5) + arrived[0]
            state[3].value = gi * (1 - dt / 10) + arrived[1]
        state[0].value = bm.where(fired, c, new_v)
        state[1].value = bm.where(fired, u + d, u)
        return fired

    run = bm.jit(lambda: bm.for_loop(step, np.arange(round(1000 / dt))))
    times, spikes = [], 0
    for _ in range(repeats + 1):
        for variable, x in zip(state, start, strict=True):
            variable.value = x
        begin = time.perf_counter()
        spikes = int(np.asarray(run()).sum())
        times.append(1e3 * (time.perf_counter() - begin))
    print(json.dumps({"first": times[0], "ms": times[1:], "spikes": spikes}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
