"""Symbolic codes end to end, but small, and the scores of a network made by hand."""

import json

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import experiments, labels, models
from neurodyn.experiments.shared.attractor_data import AttractorData, attractor_data
from neurodyn.experiments.symbolic_attractors.scores import score_model
from neurodyn.experiments.symbolic_attractors.settings import Settings

SMALL = {
    "n_seeds": 2,
    "n_units": 6,
    "n_relu": 1,
    "window": 20,
    "epochs": 4,
    "epoch_size": 10,
    "n_samples": 600,
    "evaluate_every": 2,
    "evaluate_samples": 200,
    "n_lyapunov": 200,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("symbols")
    return out, experiments.run("symbolic_attractors", settings=SMALL, out=out / "first")


def test_the_result_is_labelled_and_says_all(finished):
    out, run = finished
    tree = nd.load(out / "first" / "result.nc")
    labels.check(tree, values=False)
    assert json.loads(tree.attrs["settings"])["n_relu"] == 1
    scores = tree["analysis/scores"].to_dataset()
    assert dict(scores.sizes) == {"checkpoint": 2, "seed": 2, "equilibrium": 3}
    assert tree["model/training"]["validation_d_stsp"].shape == (2, 2)
    assert "free runs, best" in run.summary
    assert {"attractor", "symbol_graph", "spectra", "divergence"} <= set(run.figures)


def test_a_finished_run_is_scored_again_without_training(finished):
    out, run = finished
    again = experiments.run("symbolic_attractors", settings=SMALL, out=out / "first", resume=True)
    first, second = (r.tree["analysis/scores"].to_dataset() for r in (run, again))
    assert first.identical(second)


@pytest.mark.slow
def test_a_sweep_scores_every_number_of_rectifiers():
    changes = {"sweep_to": 1, "sweep_seeds": 2, "sweep_epochs": 2}
    swept = experiments.run("symbolic_attractors", settings=SMALL | changes)
    scores = swept.tree["analysis/sweep"].to_dataset()
    assert scores["n_relu"].values.tolist() == [0, 1]
    assert (scores["n_regions"].isel(sweep=0) <= 1).all()
    assert "elbow" in swept.figures


def spiral(radius):
    """A rotation by 0.3 a step whose length shrinks; one rectifier that never opens."""
    c, s = np.cos(0.3), np.sin(0.3)
    W = np.zeros((3, 3))
    W[:2, :2] = radius * np.array([[c, -s], [s, c]])
    h = np.array([0.0, 0.0, -1.0])
    model = models.ALRNN(0, 3, 2, n_relu=1, A=np.zeros(3), W=W.T, h=h, key=0)
    return eqx.tree_at(lambda m: m.observation.L, model, jnp.zeros((2, 1)))


def test_scores_of_a_spiral_are_those_of_its_matrix():
    angle = 0.3 * np.arange(400)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    data = AttractorData(circle, None, 10.0, ("x", "y"), np.zeros((1, 2)))
    settings = Settings(bins=8, n_lyapunov=100)
    scores = score_model(settings, data, spiral(0.99))
    assert scores["lyapunov"] == pytest.approx(np.log(0.99) / 0.010, rel=1e-4)
    assert (scores["n_regions"], scores["n_real"], scores["n_equilibria"]) == (1, 1, 1)
    assert scores["equilibrium_distance"] == pytest.approx([0.0], abs=1e-9)
    ahead = (1 - 0.99**20) ** 2 / 2
    assert scores["prediction_error"] == pytest.approx(ahead, rel=1e-3)
    assert np.isnan(scores["d_stsp_test"])
    assert scores["status"] == "ok"
    faithful = score_model(settings, data, spiral(1.0))
    assert faithful["d_stsp_train"] < 0.05 < scores["d_stsp_train"]
    assert score_model(settings, data, spiral(0.5))["status"] == "fixed point"
    gone = score_model(settings, data, spiral(1.5))
    assert gone["status"] == "diverged"
    assert np.isnan(gone["d_stsp_train"])


def test_simulated_data_are_standardised_and_know_their_system():
    data = attractor_data("lorenz63", n_samples=3000, key=0)
    np.testing.assert_allclose(data.train.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(data.train.std(0), 1, rtol=1e-9)
    assert np.abs(data.train - data.test).max() > 1
    # The wings are symmetric, and the fixed points of the equations lie where the flow is still.
    wings = data.equilibria[1:]
    assert wings[0, 2] == pytest.approx(wings[1, 2])
    assert data.exponents[0] == pytest.approx(0.9056e-3)
    with pytest.raises(ValueError, match="lorenz63"):
        attractor_data("lorentz", n_samples=10, key=0)


@pytest.mark.usefixtures("local_data")
def test_recordings_are_standardised_by_their_training_part():
    data = attractor_data("ecg", n_samples=1, key=0)
    assert data.train.shape == data.test.shape == (10_000, 5)
    np.testing.assert_allclose(data.train.std(0), 1, rtol=1e-9)
    fmri = attractor_data("fmri_tasks", n_samples=1, key=0)
    assert fmri.train.shape == (360, 20)
    assert fmri.test is None


@pytest.fixture
def local_data():
    import os

    if not os.environ.get("NEURODYN_DATA"):
        pytest.skip("NEURODYN_DATA is not set")
