"""Crossnobis by rsatoolbox, run by an interpreter that has it: data.npy, out.json, rounds."""

import json
import sys
import time
import warnings

import numpy as np
from memory import peak_mb
from rsatoolbox.data import Dataset
from rsatoolbox.data.noise import prec_from_unbalanced
from rsatoolbox.rdm import calc_rdm


def main(data, out, rounds):
    """Seconds, memory and distances, without whitening and with a shrunk precision."""
    warnings.filterwarnings("ignore")
    measured = np.load(data)
    folds, conditions, channels = measured.shape
    dataset = Dataset(
        measured.reshape(-1, channels),
        obs_descriptors={
            "stimulus": np.tile(np.arange(conditions), folds),
            "run": np.repeat(np.arange(folds), conditions),
        },
    )

    def plain():
        return calc_rdm(dataset, "crossnobis", "stimulus", cv_descriptor="run")

    def whitened():
        noise = prec_from_unbalanced(dataset, "stimulus", method="shrinkage_eye")
        return calc_rdm(dataset, "crossnobis", "stimulus", noise=noise, cv_descriptor="run")

    found = {}
    for name, call, times in (
        ("as it is", plain, int(rounds)),
        ("whitened, Ledoit-Wolf", whitened, 1),  # it takes long
    ):
        before = peak_mb()
        seconds, distance = [], None
        for _ in range(times):
            start = time.perf_counter()
            distance = call().dissimilarities[0]
            seconds.append(time.perf_counter() - start)
        memory = peak_mb() - before
        found[name] = {"seconds": min(seconds), "memory": memory, "distance": distance.tolist()}
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
