"""How much memory a process has taken."""

import resource
import sys
from pathlib import Path

__all__ = ["MB", "peak_mb"]

#: Units of ``ru_maxrss`` in a MB.
MB = 2**20 if sys.platform == "darwin" else 2**10


def peak_mb() -> float:
    """The most memory that this process has held [MB].

    On Linux the kernel counts what a process held before it became another program, too, which is
    the parent's memory in a child of Python's; only the number in ``/proc`` begins anew.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
