"""Read many damaged files, each within limits of time and memory, and say how each ended.

The modules are imported once; each worker is a fork that reads many files. A worker that dies is
replaced, and its file kept. Ends are

- ``refused``: one of the errors that the reader documents;
- ``same``: the identical result;
- ``values``: other numbers under the same labels, which is what a file without checksum then says;
- ``labels``: other labels that follow the convention;
- everything else, which is a fault: an undocumented error, a result that breaks the convention, a
  damage that the format can tell but was not told, more than 5 s of processor time or 500 MB, a
  dead process.
"""

import collections
import os
import resource
import select
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.io import FileFormatError
from neurodyn.labels import LabelError
from tests.proof.mutated.seeds import Seed

#: Limits of each file: processor time [s], memory [MB], and time until a worker is killed [s].
SECONDS, MEGABYTES, STUCK = 5.0, 500.0, 60.0
#: Memory that a worker may map beyond what it has mapped at the start [bytes].
_MAPPED = 6 << 30
FINE = ("refused", "same", "values", "labels")


class End(NamedTuple):
    """How the reading of a file ended: its number, kind, details, processor time, memory."""

    index: int
    kind: str
    about: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


class _Timeout(BaseException):
    pass


def _stop(*_: Any) -> None:
    raise _Timeout


def mutant(seed: Seed, whole: Path, path: Path, index: int, random: int) -> None:
    """Write the damaged file of a number."""
    if path.is_file():  # HDF5 would take the new file for the old one, if a reader left that open
        path.unlink()
    seed.damage(whole, path, np.random.default_rng((random, index)))


def read_one(seed: Seed, path: Path, index: int, right: Any) -> End:
    """Read a file, in this process."""
    signal.signal(signal.SIGPROF, _stop)
    before, start = _peak(reset=True), time.process_time()
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = seed.read(path)
                kind, about = compared(found, right)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except _Timeout:
        kind, about = "slow", ""
    except (FileFormatError, LabelError) as error:
        kind, about = "refused", f"{type(error).__name__}: {error}"
    except Exception as error:
        documented = type(error) in seed.errors and _own(error)
        kind, about = "refused" if documented else f"raised {type(error).__name__}", str(error)
    seconds, megabytes = time.process_time() - start, _peak() - before
    if kind in FINE and megabytes > MEGABYTES:
        kind = "large"
    if kind in ("values", "labels") and seed.certain:
        kind = f"silent {kind}"
    return End(index, kind, about.replace("\n", " ")[:300], seconds, megabytes)


def _own(error: Exception) -> bool:
    """Whether it was neurodyn that raised an error, not something below it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.sep}neurodyn{os.sep}" in last.filename and "site-packages" not in last.filename


def compared(found: Any, right: Any) -> tuple[str, str]:
    """What differs from the result of the whole file."""
    if isinstance(found, dict):
        same = found.keys() == right.keys() and all(
            np.array_equal(found[k], right[k], equal_nan=True) for k in right
        )
        shapes = {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in right.items()}
        return ("same", "") if same else ("values" if shapes else "unlabelled", "")
    if type(found) is type(right) and found.identical(right):
        return "same", ""
    try:
        labels.check(found, values=False)
    except LabelError as error:
        return "unlabelled", str(error)
    a, b = _frame(found), _frame(right)
    if a.keys() == b.keys() and all(a[k].identical(b[k]) for k in a):
        return "values", ""
    return "labels", ", ".join(
        sorted({*a} ^ {*b} | {k for k in {*a} & {*b} if not a[k].identical(b[k])})
    )


def _frame(found: Any) -> dict[str, xr.Variable]:
    """Coordinates, and variables without their numbers."""
    nodes = found.subtree if isinstance(found, xr.DataTree) else [xr.DataTree(found)]
    frame = {}
    for node in nodes:
        for name, x in node.to_dataset(inherit=False).variables.items():
            number = name in node.data_vars and x.dtype.kind in "fiub"
            frame[f"{node.path}:{name}"] = xr.zeros_like(x) if number else x
    return frame


def _peak(reset: bool = False) -> float:
    """Largest memory since the last reset [MB]."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def _mapped() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _work(seed: Seed, whole: Path, right: Any, numbers: Iterable[int], random: int, out: int):
    """Read the files of these numbers and write their ends to a pipe."""
    resource.setrlimit(resource.RLIMIT_AS, (_mapped() + _MAPPED,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    with tempfile.TemporaryDirectory(prefix="mutated-") as folder:
        path = Path(folder, f"file{seed.suffix}")
        for index in numbers:
            os.write(out, f"{index}\tbegun\n".encode())
            mutant(seed, whole, path, index, random)
            end = read_one(seed, path, index, right)
            os.write(out, ("\t".join(str(x) for x in end) + "\n").encode(errors="replace"))


class _Worker:
    def __init__(self, numbers: list[int], *args: Any):
        self.numbers, self.args, self.begun, self.text = numbers, args, None, ""
        self.start()

    def start(self) -> None:
        self.read, out = os.pipe()
        self.at = time.monotonic()
        seed, whole, right, random = self.args
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JAX has threads, but nothing runs in them now
            self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                _work(seed, whole, right, self.numbers, random, out)
                status = 0
            finally:
                os._exit(status)
        os.close(out)

    def ends(self) -> Iterator[End]:
        """Ends that have arrived; a dead worker is replaced."""
        data = os.read(self.read, 65536)
        self.at = time.monotonic()
        *lines, self.text = (self.text + data.decode(errors="replace")).split("\n")
        for line in lines:
            index, kind, *rest = line.split("\t")
            if kind == "begun":
                self.begun = int(index)
                continue
            about, seconds, megabytes = "\t".join(rest[:-2]), *rest[-2:]
            self.numbers.remove(int(index))
            yield End(int(index), kind, about, float(seconds), float(megabytes))
        if not data:
            os.close(self.read)
            _, status = os.waitpid(self.pid, 0)
            if self.numbers and self.begun in self.numbers:
                killed = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "exit"
                self.numbers.remove(self.begun)
                yield End(self.begun, f"crashed, {killed}")
            if self.numbers:
                self.text = ""
                self.start()
            else:
                self.pid = 0


def run(seed: Seed, whole: Path, numbers: Iterable[int], random: int, workers: int = 2):
    """Read the damaged files of these numbers in worker processes; yields their ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = seed.read(whole)
    numbers = list(numbers)
    parts = [part for k in range(workers) if (part := numbers[k::workers])]
    active = [_Worker(part, seed, whole, right, random) for part in parts]
    while active:
        ready, _, _ = select.select([w.read for w in active], [], [], 1.0)
        for worker in active:
            if worker.read in ready:
                yield from worker.ends()
            elif time.monotonic() - worker.at > STUCK:
                os.kill(worker.pid, signal.SIGKILL)
        active = [w for w in active if w.pid]


def counted(ends: Iterable[End]) -> collections.Counter:
    """Number of files of each kind of end."""
    return collections.Counter(end.kind for end in ends)
