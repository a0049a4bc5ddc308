"""From the start of Python to the first results, beside a script of PyTorch that trains an RNN.

Every time is that of a fresh process, best of a few that take turns: with no cache on disk, and
with the programs that an earlier process left in `neurodyn.compilation_cache`. Files are read once
before, so that a cold disk counts for nobody. Beside each stands the CPU time, on all cores.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.harness import Row

CORES = 2
_ROUNDS = 4
_SIZES = {"units": 64, "trials": 64, "steps": 60}

_MODEL = """
import neurodyn as nd
from neurodyn import models, tasks
task = tasks.PerceptualDecision(dt=20.0)
model = models.CTRNN(task.n_inputs, 64, task.n_outputs, key=0)
"""
_SIMULATE = _MODEL + "nd.simulate(model, task, n_trials=100, key=0, progress=False)"
_FIT = _MODEL + "nd.fit(model, task, steps=10, batch_size=64, key=0, progress=False)"

# The same network by hand, on inputs of the same size.
_PEER = """
import numpy as np, torch
class RNN(torch.nn.Module):
    def __init__(self, n_inputs, n_units, n_outputs):
        super().__init__()
        self.U = torch.nn.Linear(n_inputs, n_units)
        self.W = torch.nn.Linear(n_units, n_units, bias=False)
        self.readout = torch.nn.Linear(n_units, n_outputs)
    def forward(self, u):
        r, outputs = torch.zeros(u.shape[1], 64), []
        for k in range(len(u)):
            r = r + 0.2 * (torch.tanh(self.W(r) + self.U(u[k])) - r)
            outputs.append(self.readout(r))
        return torch.stack(outputs)
model = RNN(3, 64, 3)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
rng = np.random.default_rng(0)
for step in range(10):
    u = torch.from_numpy(rng.standard_normal((60, 64, 3)).astype("f"))
    target = torch.from_numpy(rng.integers(0, 3, (60, 64)))
    loss = torch.nn.functional.cross_entropy(model(u).reshape(-1, 3), target.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
"""


def run() -> list[Row]:
    """Rows for a first simulation and ten steps of training, cold and from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        cached = {"NEURODYN_CACHE": folder}
        calls = {
            ("first simulation", 5.0 / 6.0): (_SIMULATE, {}),
            ("ten steps of training", 5.0 / 8.0): (_FIT, {}),
            ("first simulation, from the cache", 1.0): (_SIMULATE, cached),
            ("ten steps of training, from the cache", 1.0): (_FIT, cached),
        }
        times: dict[tuple, list[tuple[float, float]]] = {what: [] for what in calls}
        torch = importlib.util.find_spec("torch") is not None
        peer: list[tuple[float, float]] = []
        for number in range(_ROUNDS + 1):
            for what, (code, environment) in calls.items():
                times[what].append(_seconds(code, environment))
            peer += [_seconds(_PEER, {})] if torch else []
            if number == 0:  # it read the files, and filled the cache
                times, peer = {what: [] for what in calls}, []
    note = "" if torch else "torch is not installed"
    best = min(peer)[0] if torch else None
    rows = []
    for (name, bar), taken in times.items():
        (wall, _), cpu = min(taken), min(cpu for _, cpu in taken)
        said = f"CPU {cpu:.1f} s" + (f"; {note}" if note else "")
        rows.append(Row(name, "PyTorch", wall, best, "s", "lower", bar, _SIZES, CORES, said))
    return rows


def _seconds(code: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall time and CPU time of a process that runs this."""
    ours = ("JAX_", "NEURODYN_CACHE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code], check=True, env=clean | environment)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system
    return wall, cpu - before.children_user - before.children_system
