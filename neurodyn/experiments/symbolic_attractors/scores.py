"""Scores of piecewise-linear networks that reproduce an attractor."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import analysis
from neurodyn.experiments.shared.attractor_data import AttractorData
from neurodyn.experiments.shared.attractor_training import free_run

#: Smallest share of the time of a visited region; regions below it are only grazed.
GRAZED = 1e-3
#: Steps ahead of the prediction error.
AHEAD = 20

ABOUT = {
    "d_stsp_train": "divergence, training data",
    "d_stsp_test": "divergence, held-out data",
    "d_h_train": "Hellinger distance of power spectra, training data",
    "d_h_test": "Hellinger distance of power spectra, held-out data",
    "prediction_error": f"mean squared error {AHEAD} steps ahead, held-out data",
    "lyapunov": "largest Lyapunov exponent",
    "n_regions": "visited regions",
    "n_regions_grazed": "regions with less than 0.1 % of the time",
    "n_real": "visited regions with a real fixed point",
    "n_equilibria": "known equilibria that are the nearest of a fixed point",
    "equilibrium_distance": "distance from a known equilibrium to its fixed point",
}


def score_ensemble(
    settings: Any, data: AttractorData, best: Any, last: Any, history: xr.Dataset
) -> xr.Dataset:
    """Score the best and the last checkpoint of every network.

    Parameters
    ----------
    settings
        Settings of the experiment; ``free_run``, ``bins``, ``smoothing`` and ``n_lyapunov`` count.
    data
        Training and test data.
    best, last
        Ensembles of the same networks.
    history
        History of the training, with the evaluations that chose ``best``.

    Returns
    -------
    Dataset on ``checkpoint`` ("best", "last") and ``seed``
        The measures of `score_model`; ``status``: outcome of the free run ("ok", "fixed point" or
        "diverged"); ``best_step``: training steps of the best checkpoint (NaN without a finite
        evaluation).
    """
    rows = [[score_model(settings, data, model) for model in models] for models in (best, last)]
    n_equilibria = 0 if data.equilibria is None else len(data.equilibria)
    variables = {}
    for name, long_name in ABOUT.items():
        values = np.array([[one[name] for one in row] for row in rows], float)
        if name == "equilibrium_distance":
            if not n_equilibria:
                continue
            dims = ("checkpoint", "seed", "equilibrium")
        else:
            dims = ("checkpoint", "seed")
        units = "1/s" if name == "lyapunov" else "1"
        variables[name] = (dims, values, {"units": units, "long_name": long_name})
    status = np.array([[one["status"] for one in row] for row in rows])
    about = {"units": "1", "long_name": "outcome of the free run"}
    variables["status"] = (("checkpoint", "seed"), status, about)
    evaluations = np.atleast_2d(history["validation_d_stsp"].values)
    known = np.isfinite(evaluations)
    chosen = np.where(known, evaluations, np.inf).argmin(-1)
    step = np.where(known.any(-1), history["evaluation"].values[chosen], np.nan)
    about = {"units": "1", "long_name": "training steps of the best checkpoint"}
    variables["best_step"] = ("seed", step, about)
    coords = {"checkpoint": ["best", "last"]}
    attrs = {"source": "analysis", "kind": "statistic", "dims": ["checkpoint"]}
    return xr.Dataset(variables, coords, attrs)


def score_model(settings: Any, data: AttractorData, model: Any) -> dict[str, Any]:
    """All measures of one network; NaN if its free run diverges."""
    start = jnp.asarray(data.train[0], jnp.result_type(float))
    n = min(settings.free_run, len(data.train))
    states, outputs = (np.asarray(x) for x in free_run(model, start, n))
    scores: dict[str, Any] = dict.fromkeys(ABOUT, np.nan)
    n_equilibria = 0 if data.equilibria is None else len(data.equilibria)
    scores["equilibrium_distance"] = np.full(n_equilibria, np.nan)
    if not np.isfinite(states).all() or np.abs(outputs).max() > 1e3:
        return scores | {"status": "diverged"}
    still = np.ptp(outputs[len(outputs) // 2 :], axis=0).max() < 1e-3
    for part, target in (("train", data.train), ("test", data.test)):
        if target is not None:
            found = analysis.reconstruction(
                outputs, target[:n], n_bins=settings.bins or 30, sigma=settings.smoothing
            )
            scores[f"d_stsp_{part}"] = float(found["d_stsp"])
            scores[f"d_h_{part}"] = float(found["d_h"])
    target = data.train if data.test is None else data.test
    error = analysis.prediction_error(model, target[:n], n_steps=AHEAD)
    scores["prediction_error"] = float(error["prediction_error"][-1])
    exponents = analysis.lyapunov(
        model.starting_from(data.train[0]), n_steps=settings.n_lyapunov, dt=data.dt, n_exponents=1
    )
    scores["lyapunov"] = 1e3 * float(exponents["lyapunov"][0, 0])
    scores |= regions(data, model, states)
    return scores | {"status": "fixed point" if still else "ok"}


def regions(data: AttractorData, model: Any, states: np.ndarray) -> dict[str, Any]:
    """Visited regions, their real fixed points, and the known equilibria nearest to these."""
    coded = analysis.symbols(model, states)
    visited = coded["frequency"].values >= GRAZED
    points = analysis.fixed_points(model, method="words", states=states)
    held = set(coded["code"].values[visited].tolist())
    inside = np.flatnonzero([code in held for code in points["code"].values])
    scores = {
        "n_regions": int(visited.sum()),
        "n_regions_grazed": int((~visited).sum()),
        "n_real": inside.size,
    }
    if data.equilibria is None or not inside.size:
        return scores
    place = points["outputs"].values[inside]
    gap = np.linalg.norm(place[:, None] - data.equilibria[None], axis=-1)
    nearest = gap.argmin(1)
    own = np.isin(np.arange(len(data.equilibria)), nearest)
    distance = np.where(own, gap.min(0), np.nan)
    return scores | {"n_equilibria": int(own.sum()), "equilibrium_distance": distance}
