"""Generalised teacher forcing end to end, but small."""

import json

import numpy as np

import neurodyn as nd
from neurodyn import experiments, labels
from neurodyn.experiments import gtf

SMALL = {
    "n_seeds": 2,
    "n_hidden": 6,
    "window": 20,
    "epochs": 4,
    "epoch_size": 10,
    "n_samples": 600,
    "evaluate_every": 2,
    "evaluate_samples": 200,
}


def test_a_run_says_all_and_resumes(tmp_path):
    out = tmp_path / "run"
    first = experiments.run("gtf", settings=SMALL, out=out)
    tree = nd.load(out / "result.nc")
    labels.check(tree, values=False)
    assert json.loads(tree.attrs["settings"])["n_hidden"] == 6
    scores = tree["analysis/scores"].to_dataset()
    assert dict(scores.sizes) == {"checkpoint": 2, "seed": 2}
    assert "750 steps" in scores.attrs["protocol"]
    ok = (scores["status"] == "ok").values
    for name in ("d_stsp", "d_h", "prediction_error"):
        assert np.isfinite(scores[name].values[ok]).all()
    assert (scores["status"] != "").all()
    history = tree["model/training"].to_dataset()
    alpha = history["alpha"].values
    assert (alpha[:, :4] == 1).all()  # adapted at every fifth update
    assert (alpha[:, 10] < 1).all()
    assert tree["model"].attrs["seed"] in (0, 1)
    assert set(first.figures) == {"training", "attractor", "spectra"}
    again = experiments.run("gtf", settings=SMALL, out=out, resume=True)
    np.testing.assert_array_equal(
        again.tree["analysis/scores"]["d_stsp"].values, scores["d_stsp"].values
    )


def test_presets_are_the_published_settings():
    presets = gtf.EXPERIMENT.presets
    assert presets["paper"].alpha == "product_upper_bound"
    adaptive, constant = presets["ecg"], presets["ecg_constant"]
    assert (constant.alpha, constant.latent, constant.observed) == ("0.3", 0.0, 1e-7)
    assert (adaptive.latent, adaptive.observed) == (1e-5, 1e-6)
    assert (presets["eeg_constant"].alpha, presets["eeg"].alpha) == ("0.1", "arithmetic_mean")
