"""What this machine reaches, measured once for each process."""

import functools
import os
import time
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from neurodyn.estimates import bench
from neurodyn.estimates.work import Launch, Product

#: Bytes of the arrays whose bandwidth is measured: in the caches and in memory.
_BYTES = (2**15, 2**19, 2**22, 2**25)


@dataclass(frozen=True, eq=False)
class Machine:
    """Speeds of this machine with the settings of this process, measured.

    Attributes
    ----------
    name
        Kind of device.
    launch, step, call
        Seconds that compiled code costs to start: inside a program, an iteration of a loop beside
        that, and a program called from Python.
    costs
        Seconds of one operation by class (see the reference of :func:`neurodyn.estimate`); "plain"
        in long rows, "plain, short" in rows of fewer than 32 numbers.
    bandwidths
        Bytes per second, by bytes of the arrays that are read and written.
    measured
        Date and time of the measurement.
    seconds
        How long it took, products left out.
    """

    name: str
    launch: float
    step: float
    call: float
    costs: dict[str, float]
    bandwidths: dict[int, float]
    measured: str
    seconds: float
    _products: dict[Product, float] = field(default_factory=dict, repr=False)

    def time(self, launch: Launch) -> tuple[float, str]:
        """Expected seconds of a launch, and what they go into."""
        start = 2e-9 if launch.inline else self.launch
        if launch.kind.startswith("loop"):
            return (2e-9 if launch.inline else self.step), "overhead"
        compute = sum(n * self._cost(name, launch.row) for name, n in launch.classes)
        compute += sum(self.product(p) for p in launch.products)
        moved = launch.nbytes / self.bandwidth(launch.nbytes)
        seconds = start + max(compute, moved)
        if start > 0.5 * seconds:
            return seconds, "overhead"
        return seconds, "compute" if compute >= moved else "bandwidth"

    def _cost(self, name: str, row: int) -> float:
        if name == "plain" and 0 < row < 32:
            return self.costs["plain, short"]
        return self.costs[name]

    def bandwidth(self, nbytes: float) -> float:
        """Bytes per second of an operation that touches so many bytes."""
        sizes = sorted(self.bandwidths)
        return self.bandwidths[next((s for s in sizes if nbytes <= 1.5 * s), sizes[-1])]

    def product(self, of: Product) -> float:
        """Seconds of a matrix product: measured at its sizes, the largest cut."""
        m, k, n = (min(size, bench.LARGEST) for size in (of.m, of.k, of.n))
        cut = Product(1, m, k, n, of.dtype)
        if cut not in self._products:
            self._products[cut] = bench.product(cut, self.launch)
        return self._products[cut] * of.flops / cut.flops


@functools.cache
def this_machine() -> Machine:
    """Measure what the default device reaches, the first time in a process.

    Takes a few seconds. Products are measured later, when a program has some of new sizes.
    """
    began = time.perf_counter()
    launch, step = bench.launch_and_step()
    plain = bench.plain(bench.LONG)
    costs = {"plain": plain, "plain, short": bench.plain(bench.SHORT)}
    costs |= {name: bench.function(name, plain) for name in ("divide", "exp", "log", "tanh")}
    costs["sine"] = bench.function("sine", plain)
    costs |= {name: bench.moving(name) for name in ("gather", "scatter", "sort", "reduce")}
    costs |= {"moved": plain, "event": costs["scatter"]}
    bandwidths = {n: bench.bandwidth(n) for n in _BYTES}
    call = bench.call_overhead()
    return Machine(
        name=device_name(),
        launch=launch,
        step=step,
        call=call,
        costs=costs,
        bandwidths=bandwidths,
        measured=time.strftime("%Y-%m-%d %H:%M:%S"),
        seconds=time.perf_counter() - began,
    )


def device_name() -> str:
    """The default device in words; nothing is measured."""
    device: Any = jax.devices()[0]
    return "this CPU" if device.platform == "cpu" else f"this {device.device_kind}"


def device_memory() -> float | None:
    """Bytes of memory that the default device has, where that can be asked."""
    device: Any = jax.devices()[0]
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats and "bytes_limit" in stats:
        return float(stats["bytes_limit"])
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # systems without these names
        return None


@functools.cache
def label_overhead() -> float:
    """Seconds that `simulate` needs for checks and labels beside its compiled calls, measured."""
    from neurodyn.models import CTRNN
    from neurodyn.simulation.simulate import simulate

    model, inputs = CTRNN(1, 4, 1, key=0), np.zeros((4, 2, 1), np.float32)

    def call() -> None:
        simulate(model, inputs, dt=20.0, key=0, progress=False)

    # Python's work on one thread: its own time, which other programs do not lengthen.
    return bench.fastest(call, 5, clock=time.thread_time)
