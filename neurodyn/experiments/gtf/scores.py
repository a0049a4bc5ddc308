"""Scores of free runs by the published protocol of generalised teacher forcing."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn import analysis
from neurodyn.experiments.shared.attractor_data import AttractorData
from neurodyn.experiments.shared.attractor_training import free_run

#: Steps ahead of the prediction error.
AHEAD = 20


def score(data: AttractorData, checkpoints: dict[str, Any]) -> xr.Dataset:
    """Score free runs by the published protocol.

    A network runs from the first sample of the test data for 1.25 times their length; the first
    fifth of the run is dropped.

    Returns
    -------
    Dataset on ``checkpoint`` and ``seed``
        ``d_stsp``, ``d_h``, ``prediction_error`` and ``status`` ("ok", or the reason of a failure).
    """
    truth = data.train if data.test is None else data.test
    rows = [[_score_one(model, truth) for model in ensemble] for ensemble in checkpoints.values()]
    about = {
        "d_stsp": "state-space divergence",
        "d_h": "Hellinger distance of power spectra",
        "prediction_error": f"mean squared error {AHEAD} steps ahead",
        "status": "outcome of the free run",
    }
    dims, against = ("checkpoint", "seed"), "training" if data.test is None else "held-out"
    variables = {
        name: (
            dims,
            np.array([[one[name] for one in row] for row in rows]),
            {"units": "1", "long_name": f"{long_name}, {against} data"},
        )
        for name, long_name in about.items()
    }
    coords = {"checkpoint": list(checkpoints)}
    attrs = {
        "source": "analysis",
        "dims": ["checkpoint"],
        "protocol": f"{len(truth) * 5 // 4} steps from the first sample, the first "
        f"{len(truth) // 4} dropped, against {against} data",
    }
    return xr.Dataset(variables, coords, attrs)


def floor(data: AttractorData) -> xr.Dataset:
    """Scores of the training data, in place of a free run, on the held-out data."""
    return analysis.reconstruction_floor(data.test, data.train, protocol="gtf")


def _score_one(model: Any, truth: np.ndarray) -> dict[str, Any]:
    n = len(truth)
    generated = free_outputs(model, truth, n + n // 4)[n // 4 :]
    if not np.isfinite(generated).all():
        nothing = dict.fromkeys(("d_stsp", "d_h", "prediction_error"), np.nan)
        return nothing | {"status": "diverged"}
    found = analysis.reconstruction(generated, truth, protocol="gtf")
    ahead = analysis.prediction_error(model, truth, n_steps=AHEAD)["prediction_error"]
    numbers = {name: float(found[name]) for name in ("d_stsp", "d_h")}
    return numbers | {
        "prediction_error": float(ahead.values.ravel()[-1]),
        "status": str(found["status"].values),
    }


def free_outputs(
    model: Any, truth: Float[np.ndarray, "time output"], n_steps: int
) -> Float[np.ndarray, "step output"]:
    """Outputs of a free run of a network from the first sample of the data."""
    return np.asarray(free_run(model, jnp.asarray(truth[0], jnp.result_type(float)), n_steps)[1])
