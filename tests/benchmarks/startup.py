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


#: What is timed: the script, whether it finds the cache, and the ratio to reach.
_TIMED = {
    "first simulation": (_SIMULATE, False, 5.0 / 6.0),
    "ten steps of training": (_FIT, False, 5.0 / 8.0),
    "first simulation, from the cache": (_SIMULATE, True, 1.0),
    "ten steps of training, from the cache": (_FIT, True, 1.0),
}


def run() -> list[Row]:
    """Rows for a first simulation and ten steps of training, cold and from the cache."""
    torch = importlib.util.find_spec("torch") is not None
    with tempfile.TemporaryDirectory() as folder:
        cached = {"NEURODYN_CACHE": folder}
        scripts = {
            name: (code, cached if finds else {}) for name, (code, finds, _) in _TIMED.items()
        }
        if torch:
            scripts["PyTorch"] = _PEER, {}
        rounds = [
            {name: _seconds(*script) for name, script in scripts.items()}
            for _ in range(_ROUNDS + 1)
        ]
    del rounds[0]  # it read the files, and filled the cache
    wall, cpu = (
        {name: min(times[name][k] for times in rounds) for name in scripts} for k in (0, 1)
    )
    missing = "" if torch else "; torch is not installed"
    peer = wall.get("PyTorch")
    return [
        Row(
            *(name, "PyTorch", wall[name], peer, "s", "lower", bar, _SIZES, CORES),
            f"CPU {cpu[name]:.1f} s{missing}",
        )
        for name, (_, _, bar) in _TIMED.items()
    ]


def _seconds(code: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall time and CPU time of a process that runs this."""
    ours = ("JAX_", "NEURODYN_CACHE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code], check=True, env=clean | environment)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system
    return wall, cpu - before.children_user - before.children_system
