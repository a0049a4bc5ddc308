"""The workloads in Brian2, as a stand-alone C++ program on one thread.

``python -m tests.benchmarks.peers.brian build FOLDER WORKLOAD.npz DT`` generates and compiles the
program in FOLDER; ``run FOLDER`` then runs it and prints what `run_time` gives as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.peers import workloads
from tests.benchmarks.peers.memory import MB

__all__ = ["Ran", "build", "run_time"]


def build(workload: workloads.Workload, folder, dt: float) -> None:
    """Generate and compile, once in a process: Brian2's stand-alone device builds one program."""
    import brian2 as b2
    import numpy as np

    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.core.default_float_dtype = np.float32
    b2.defaultclock.dt = dt * b2.ms
    impulses = workload.name == "W1"
    parameters = "a : 1 (constant)\nb : 1 (constant)\nc : 1 (constant)\nd : 1 (constant)\n"
    if impulses:
        equations = """
            dv/dt = (0.04*v**2 + 5*v + 140 - u)/ms + noise*xi*ms**-0.5 : 1
            du/dt = a*(b*v - u)/ms : 1
            noise : 1 (constant)
            """
    else:
        equations = """
            dv/dt = (0.04*v**2 + 5*v + 140 - u + bias + ge - gi)/ms : 1
            du/dt = a*(b*v - u)/ms : 1
            dge/dt = -ge/(5*ms) : 1
            dgi/dt = -gi/(10*ms) : 1
            bias : 1 (constant)
            """
    cells = b2.NeuronGroup(
        workload.n, equations + parameters, threshold="v >= 30", reset="v = c; u += d",
        method="euler",
    )  # fmt: skip
    values = {"v": workload.v0, "u": workload.u0} | {
        name: getattr(workload, name) for name in ("a", "b", "c", "d")
    }
    for name, value in (
        values | ({"noise": workload.noise} if impulses else {"bias": workload.bias})
    ).items():
        setattr(cells, name, value)
    parts = {"v": slice(None)}
    if not impulses:
        parts = {"ge": slice(0, workload.n_excitatory), "gi": slice(workload.n_excitatory, None)}
    everything = [cells]
    for target, part in parts.items():
        first, last, _ = part.indices(workload.n)
        here = slice(*np.searchsorted(workload.pre, [first, last]))
        synapses = b2.Synapses(cells, cells, "w : 1", on_pre=f"{target}_post += w")
        synapses.connect(i=workload.pre[here], j=workload.post[here])
        synapses.w = workload.weight[here]
        everything.append(synapses)
    spikes = b2.SpikeMonitor(cells)
    network = b2.Network(*everything, spikes)
    network.run(workloads.DURATION * b2.ms)
    b2.device.build(directory=str(folder), compile=True, run=False)


class Ran(NamedTuple):
    """Time that a program spent in its loop [ms], number of spikes, peak memory [MB]."""

    ms: float
    spikes: int
    peak_mb: float


def run_time(folder) -> Ran:
    """Run the program.

    Its peak memory is at least that of the process that starts it, so that a small one should.
    """
    import numpy as np

    folder = Path(folder)
    for old in (folder / "results").glob("*"):
        if old.name.startswith(("last_run_info", "_dynamic_array_spikemonitor")):
            old.unlink()
    program = subprocess.Popen(["./main"], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, "./main")
    (info,) = (folder / "results").glob("last_run_info*")
    (ids,) = (folder / "results").glob("_dynamic_array_spikemonitor_i*")
    n_spikes = len(np.fromfile(ids, np.int32))
    return Ran(1e3 * float(info.read_text().split()[0]), n_spikes, used.ru_maxrss / MB)


def main(what: str, folder: str, *more: str) -> None:
    """Build the program, or run it."""
    if what == "build":
        name, dt = more
        build(workloads.load(name), folder, float(dt))
    else:
        print(json.dumps(run_time(folder)._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
