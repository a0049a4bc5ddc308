"""Shape distances by netrep, run by an interpreter that has it: data.npy, out.json, settings."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from netrep.metrics import LinearMetric
from netrep.multiset import pairwise_distances


def peak_mb():
    """The most memory that this process has held [MB]."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**10


def main(data, out, settings):
    """Distances, seconds and memory for each alpha."""
    networks = list(np.load(data))
    rounds, *alphas = json.loads(settings)
    found = {}
    for alpha in alphas:
        before, best = peak_mb(), np.inf
        for _ in range(rounds):
            start = time.perf_counter()
            distance = pairwise_distances(
                LinearMetric(alpha=alpha), networks, verbose=False, enable_caching=True
            )
            best = min(best, time.perf_counter() - start)
        memory = peak_mb() - before
        found[str(alpha)] = {"seconds": best, "distance": distance.tolist(), "memory": memory}
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
