"""jPCA and dPCA by their old packages, run by an interpreter that has them: data.npz, out.json."""

import contextlib
import importlib
import io
import json
import sys
import time
import warnings

import numpy as np


def timed(call, rounds):
    """Best seconds, and what the last call returned."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            found = call()
        times.append(time.perf_counter() - start)
    return min(times), found


def rotations(x):
    """Seconds of jPCA of ``(condition, time, unit)``, and the variance of its planes."""
    vars(np).setdefault("row_stack", np.vstack)  # NumPy 2 renamed it
    JPCA = importlib.import_module("jPCA").JPCA
    trials = list(x)
    seconds, found = timed(
        lambda: JPCA(num_jpcs=6).fit(
            trials, num_pcs=6, subtract_cc_mean=True, soft_normalize=5.0, tstart=0,
            tend=len(x[0]) - 1, times=list(range(len(x[0]))),
        ),
        5,
    )  # fmt: skip
    return {"seconds": seconds, "variance": float(np.sum(found[3]) / found[1])}


def demixed(trials):
    """Seconds of dPCA of ``(repeat, unit, s, d, time)``, without and with a chosen penalty."""
    dPCA = importlib.import_module("dPCA.dPCA").dPCA
    means = trials.mean(0)
    means = means - means.mean((1, 2, 3), keepdims=True)
    join = {"s": ["s", "st"], "d": ["d", "dt"], "sd": ["sd", "sdt"]}

    def fit(regulariser):
        model = dPCA(labels="sdt", join=join, n_components=3, regularizer=regulariser)
        model.protect = ["t"]
        model.n_trials = 10
        model.fit_transform(means, trials if regulariser else None)
        return model.explained_variance_ratio_

    plain, explained = timed(lambda: fit(None), 5)
    chosen, _ = timed(lambda: fit("auto"), 1)
    return {
        "seconds": plain,
        "seconds_cv": chosen,
        "explained": {key: list(map(float, value)) for key, value in explained.items()},
    }


def main(data, out):
    """Results of the packages that this interpreter has."""
    warnings.filterwarnings("ignore")
    found = {}
    with np.load(data) as file:
        for name, function in {"jpca": rotations, "dpca": demixed}.items():
            try:
                found[name] = function(file[name])
            except ImportError as error:
                found[name] = {"missing": str(error)}
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
