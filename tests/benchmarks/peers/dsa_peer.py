"""Distances of dynamics by dsa-metric, run by an interpreter that has it: data.npz, out.json."""

import json
import sys
import time
import warnings

import numpy as np
import torch
from DSA import DSA


def main(data, out):
    """Distances and seconds for the settings and arrays of a file."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    with np.load(data) as file:
        systems = {name: file[name] for name in file.files if name not in ("settings", "iters")}
        settings, iters = file["settings"].tolist(), int(file["iters"])
    first, *others = systems
    found = []
    for n_delays, rank in settings:
        for other in others:
            torch.manual_seed(0)
            start = time.perf_counter()
            fit = DSA(
                systems[first], systems[other], n_delays=n_delays, rank=rank, iters=iters,
                score_method="angular", lr=1e-2, device="cpu",
            )  # fmt: skip
            value = float(np.ravel(fit.fit_score()).max())
            found.append({"distance": value, "seconds": time.perf_counter() - start})
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
