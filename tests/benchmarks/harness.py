"""Rows, timing and machine facts shared by the benchmarks.

A benchmark is a module of this folder with a function ``run() -> list[Row]``. It runs in a process
of its own, pinned to as many of the idlest cores as its optional literal constant ``CORES`` says
(default 1), with every thread pool limited to that number.
"""

import ast
import importlib
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "Row",
    "Timing",
    "alternate",
    "cores_wanted",
    "machine",
    "names",
    "pin",
    "row_record",
    "run_here",
]

_FOLDER = Path(__file__).parent
_NOT_BENCHMARKS = {"__init__", "__main__", "harness"}


@dataclass
class Row:
    """One comparison.

    `ours` and `peer` are in `unit`; `peer` is None if it could not be measured: `note` says why.
    The ratio is above 1 where ours is better, whichever way `better` points; `bar` is the ratio
    to reach, None where nothing is claimed.
    """

    name: str
    peer_name: str
    ours: float
    peer: float | None
    unit: str = "ms"
    better: str = "lower"
    bar: float | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    threads: int = 1
    note: str = ""

    def __post_init__(self):
        """Refuse a direction that the ratio would read wrongly."""
        if self.better not in ("lower", "higher"):
            raise ValueError(f"better must be 'lower' or 'higher', got {self.better!r}.")

    @property
    def ratio(self) -> float | None:
        """How many times better ours is."""
        if self.peer is None:
            return None
        return self.peer / self.ours if self.better == "lower" else self.ours / self.peer

    @property
    def verdict(self) -> str:
        """Whether the bar is reached: "ok", "below" or "-"."""
        if self.bar is None or self.ratio is None:
            return "-"
        return "ok" if self.ratio >= self.bar else "below"


def row_record(row: Row) -> dict:
    """A row as JSON-ready values."""
    return {**asdict(row), "ratio": row.ratio, "verdict": row.verdict}


class Timing(NamedTuple):
    """Wall time of one call in ms: the best and the median."""

    best: float
    median: float


def alternate(
    *calls: Callable[[], object], rounds: int = 15, burst: int = 3, warmup: int = 2
) -> list[Timing]:
    """Time calls in turn, so that a busy moment hits all of them.

    Each is called `burst` times in a row, lest one pay for the memory that another has left behind.

    A call must finish its work before it returns: with JAX, end in ``jax.block_until_ready``.
    """
    for call in calls:
        for _ in range(warmup):
            call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            for _ in range(burst):
                start = time.perf_counter()
                call()
                taken.append(1e3 * (time.perf_counter() - start))
    return [Timing(min(taken), statistics.median(taken)) for taken in times]


def names() -> list[str]:
    """The benchmarks there are."""
    modules = {path.stem for path in _FOLDER.glob("*.py")} - _NOT_BENCHMARKS
    return sorted(name for name in modules if not name.startswith("test_"))


def cores_wanted(name: str) -> int:
    """The constant ``CORES`` of a benchmark, read without importing it: threads start at import."""
    for statement in ast.parse((_FOLDER / f"{name}.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "CORES":
            return ast.literal_eval(statement.value)
    return 1


def run_here(name: str) -> list[Row]:
    """Run a benchmark in this process."""
    return importlib.import_module(f"tests.benchmarks.{name}").run()


def pin(n_cores: int) -> None:
    """Confine this process and the libraries it will import to the idlest cores."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(n_cores)
    if n_cores == 1:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, _idlest(n_cores))


def _idlest(n_cores: int) -> set[int]:
    """The allowed cores that were busy least during a tenth of a second."""
    allowed = os.sched_getaffinity(0)
    if len(allowed) < n_cores:
        raise RuntimeError(f"This benchmark needs {n_cores} cores, {len(allowed)} may be used.")
    before = _idle_ticks()
    time.sleep(0.1)
    after = _idle_ticks()
    by_idleness = sorted(allowed, key=lambda core: before.get(core, 0) - after.get(core, 0))
    return set(by_idleness[:n_cores])


def _idle_ticks() -> dict[int, int]:
    stat = Path("/proc/stat")
    if not stat.exists():
        return {}
    fields = [line.split() for line in stat.read_text().splitlines()]
    cores = [f for f in fields if f[0].startswith("cpu") and f[0] != "cpu"]
    return {int(f[0].removeprefix("cpu")): int(f[4]) for f in cores}


def machine() -> dict:
    """Facts that a timing means nothing without."""
    versions = {}
    for package in ("jax", "jaxlib", "numpy", "equinox", "diffrax", "torch", "llvmlite", "brian2"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
