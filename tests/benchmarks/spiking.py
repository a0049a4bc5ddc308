"""Spiking networks against Brian2's stand-alone C++ program and BrainPy, on one core.

Every simulator reads the same arrays (:mod:`tests.benchmarks.peers.workloads`), runs one second in
single precision with forward Euler steps, and records its spikes. Times are of the run alone, the
best of several, without compilation; the time from a fresh process to the first result has rows of
its own. Ours is a whole call of ``nd.integrate``.

``BRAINPY_PYTHON`` names an interpreter that has BrainPy and numba (its dependencies ask for other
versions than ours); without it its rows stay empty. ``SPIKING_BENCH`` names a folder in which
Brian2's programs are kept from one run to the next.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.harness import Row
from tests.benchmarks.peers import brian, workloads

CORES = 1
REPEATS = 7
STEPS = (0.5, 0.1)  # ms
# Against Brian2: plain, compiled. Nothing is claimed for W1 compiled, where noise takes the time.
BARS = {
    ("W1", 0.5): (2.0, None),
    ("W1", 0.1): (1.6, None),
    ("W2", 0.5): (1.0, 1.5),
    ("W2", 0.1): (1.0, 1.5),
}
BRAINPY_BAR, FIRST_BAR, TRIALS, TRIAL_BAR = 5.0, 3.0, 32, 3.0
SIZES = (5_000, 10_000, 20_000)  # W3


def run() -> list[Row]:
    """Run times, first results, batches, growth with size, learning, memory."""
    kept = os.environ.get("SPIKING_BENCH")
    with contextlib.ExitStack() as stack:
        folder = Path(kept or stack.enter_context(tempfile.TemporaryDirectory())).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        wanted = os.environ.get("SPIKING_PARTS", "speed first trials growth force memory").split()
        parts = {
            "speed": lambda: _speed(folder),
            "first": lambda: _first_results(folder),
            "trials": _trials,
            "growth": lambda: _growth(folder),
            "force": _force,
            "memory": _memory,
        }
        return [row for name in wanted for row in parts[name]()]


# --- run time --------------------------------------------------------------------------------


def _speed(folder: Path) -> list[Row]:
    rows = []
    for workload in (workloads.w1(), workloads.w2()):
        path = _saved(workload, folder)
        sizes = {"N": workload.n, "synapses": len(workload.pre)}
        for dt in STEPS:
            about = {"sizes": sizes, "threads": CORES}
            peer = _brian2(path, folder, dt)
            bars = dict(zip(("xla", "compiled"), BARS[workload.name, dt], strict=True))
            best = {}
            for backend in _backends():
                ours = _ours("run", workload.name, dt, backend)
                best[backend] = min(ours["ms"])
                rows.append(
                    Row(
                        f"{workload.name}, dt {dt} ms, 1 s ({_NAMES[backend]})",
                        "Brian2 C++",
                        best[backend],
                        peer["ms"],
                        bar=bars[backend],
                        note=f"{ours['spikes']} spikes, Brian2 {peer['spikes']}",
                        **about,
                    )
                )
            other = _brainpy(path, dt)
            for backend, ms in best.items():
                rows.append(
                    Row(
                        f"{workload.name}, dt {dt} ms, 1 s ({_NAMES[backend]})",
                        "BrainPy",
                        ms,
                        None if other is None else min(other["ms"]),
                        bar=BRAINPY_BAR,
                        note=(
                            "BRAINPY_PYTHON names no interpreter"
                            if other is None
                            else f"{other['spikes']} spikes"
                        ),
                        **about,
                    )
                )
    return rows


_NAMES = {"xla": "plain", "compiled": "compiled"}


def _backends() -> list[str]:
    from neurodyn.kernels import backends

    return ["xla", "compiled"] if backends.obstacle() is None else ["xla"]


def _ours(what: str, name: str, dt: float, backend: str, *more, environment=None) -> dict:
    """What a fresh process of ours says."""
    command = [sys.executable, "-m", "tests.benchmarks.peers.library", what, name, str(dt), *more]
    environment = {**os.environ, "NEURODYN_KERNELS": backend, **(environment or {})}
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(out.stdout)


def _saved(workload, folder: Path) -> Path:
    path = folder / f"{workload.name}-{workload.n}.npz"
    if not path.exists():
        workloads.save(workload, path)
    return path


def _brian(what: str, *more) -> str:
    """What a fresh process says that builds or runs Brian2's program."""
    command = [sys.executable, "-m", "tests.benchmarks.peers.brian", what, *map(str, more)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _brian2(path: Path, folder: Path, dt: float, repeats: int = REPEATS) -> dict:
    program = folder / f"{path.stem}-{dt}"
    if not (program / "main").exists():
        _brian("build", program, path, dt)
    runs = [json.loads(_brian("run", program)) for _ in range(repeats)]
    return {
        "ms": min(run["ms"] for run in runs),
        "spikes": runs[-1]["spikes"],
        "peak_mb": max(run["peak_mb"] for run in runs),
    }


def _brainpy(path: Path, dt: float) -> dict | None:
    python = os.environ.get("BRAINPY_PYTHON")
    if python is None:
        return None
    script = Path(__file__).parent / "peers" / "brainpy_events.py"
    command = [python, str(script), str(path), str(dt), "3"]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


# --- from a fresh process to the first result -------------------------------------------------


def _first_results(folder: Path) -> list[Row]:
    """Imports, compilation and one run, on all cores: Brian2's compiler uses them."""
    rows = []
    for workload in (workloads.w1(), workloads.w2()):
        path = _saved(workload, folder)
        for dt in STEPS:
            ours = _on_all_cores(lambda p=path, dt=dt: _ours("first", str(p), dt, "auto"))
            with tempfile.TemporaryDirectory() as fresh:
                program = Path(fresh) / "program"

                def theirs(path=path, program=program, dt=dt):
                    _brian("build", program, path, dt)
                    brian.run_time(program)

                peer = _on_all_cores(theirs)
            rows.append(
                Row(
                    f"{workload.name}, dt {dt} ms, import to first result",
                    "Brian2 C++",
                    ours,
                    peer,
                    unit="s",
                    bar=FIRST_BAR,
                    sizes={"N": workload.n},
                    threads=os.cpu_count(),
                )
            )
    return rows


def _on_all_cores(call) -> float:
    """Seconds that a call takes when this process and its children may use every core."""
    here = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if here is not None:
        os.sched_setaffinity(0, range(os.cpu_count()))
    try:
        begin = time.perf_counter()
        call()
        return time.perf_counter() - begin
    finally:
        if here is not None:
            os.sched_setaffinity(0, here)


# --- batches, size, memory --------------------------------------------------------------------


def _trials() -> list[Row]:
    """A trial out of many at once against a trial alone."""
    rows = []
    for backend in _backends():
        alone = min(_ours("run", "W1", 0.5, backend)["ms"])
        batch = min(_ours("run", "W1", 0.5, backend, str(TRIALS))["ms"]) / TRIALS
        rows.append(
            Row(
                f"W1, dt 0.5 ms, each of {TRIALS} trials ({_NAMES[backend]})",
                "one trial alone",
                batch,
                alone,
                bar=TRIAL_BAR,
                sizes={"N": 1000, "trials": TRIALS},
                threads=CORES,
            )
        )
    return rows


def _growth(folder: Path) -> list[Row]:
    """W3 at three sizes with the same density: time and memory for each synapse."""
    rows = []
    for n in SIZES:
        workload = workloads.w3(n)
        path = _saved(workload, folder)
        peer = _brian2(path, folder, 0.5, repeats=2)
        for backend in _backends():
            ours = _ours("run", str(path), 0.5, backend, environment={"REPEATS": "2"})
            rows.append(
                Row(
                    f"W3, 2 % of pairs, dt 0.5 ms, 1 s ({_NAMES[backend]})",
                    "Brian2 C++",
                    min(ours["ms"]),
                    peer["ms"],
                    sizes={"N": n, "synapses": len(workload.pre)},
                    threads=CORES,
                    note=f"{ours['peak_mb']:.0f} MB at most with building, Brian2's program "
                    f"{peer['peak_mb']:.0f} MB; {ours['spikes']} spikes, Brian2 {peer['spikes']}",
                )
            )
    return rows


def _force() -> list[Row]:
    """The published network that learns a sine and goes on by itself, against the clock."""
    rows = []
    for backend in _backends():
        took = _ours("force", "-", 0.04, backend)
        rows.append(
            Row(
                f"FORCE, sine of 5 Hz, dt 0.04 ms, {took['seconds']} s ({_NAMES[backend]})",
                "real time",
                took["ms"],
                1e3 * took["seconds"],
                bar=1.0,
                sizes={"N": took["n"]},
                threads=CORES,
                note=f"update of {took['n']} weights every 0.8 ms for 5 s; "
                f"correlation in the last second {took['correlation']:.4f}",
            )
        )
    return rows


def _memory() -> list[Row]:
    """Peak memory of a run with plasticity that is ten times as long."""
    short, long = (_ours("plastic", "-", 0.5, "auto", str(s))["peak_mb"] for s in (10, 100))
    return [
        Row(
            "100 s with FORCE learning, 200 neurons, peak memory",
            "10 s of the same",
            long,
            short,
            unit="MB",
            bar=0.97,
            sizes={"N": 200},
            note="nothing recorded but the output of the last step",
        )
    ]
