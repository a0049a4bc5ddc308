"""Decoding from layers, small."""

import jax
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import labels
from neurodyn.experiments import hierarchy
from neurodyn.experiments.runner import run_experiment

TINY = hierarchy.Settings(
    w=(0.01, 0.1),
    n_networks=1,
    epochs=20,
    repeats=1,
    n_phases=8,
    n_units=(6, 4),
    n_latents=(2, 1),
    tau=(2.0, 16.0),
    n_generated=2,
)
EXPERIMENT = hierarchy.EXPERIMENT._replace(presets={"tiny": TINY})


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """These tests are about behaviour, not speed."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()


def test_end_to_end(tmp_path):
    done = run_experiment(EXPERIMENT, "tiny", out=tmp_path / "out", progress=False)
    tree = nd.load(tmp_path / "out" / "result.nc")
    labels.check(tree, values=False)
    scores = tree["analysis/decoding"].to_dataset()
    assert scores["r2_p_left"].dims == ("meta_prior", "seed", "layer")
    assert (scores["r2_side_ahead"] <= 1).all()
    assert ((scores["reached"] >= 0) & (scores["reached"] <= 1)).all()
    assert set(done.figures) == {"decoding", "latents", "latent_space", "bands"}
    truth = tree["analysis/sequences"].to_dataset()
    p, fraction = truth["p_left"].values, truth["fraction_left"].values
    r2 = 1 - ((p - fraction) ** 2).sum() / ((p - p.mean()) ** 2).sum()
    assert float(truth["ceiling"]) == pytest.approx(r2)


def test_activity_is_read_when_the_hand_is_at_home():
    task, sequences = hierarchy.source(TINY)
    ends = hierarchy.home_ends(task)
    assert ends.tolist() == [39, 55]
    at = np.asarray(sequences.data)[:, ends]
    assert np.abs(at - [0.0, -0.75]).max() < 0.05
    # The next reach is that of the same number.
    after = np.asarray(sequences.data)[:, ends + 8, 0] < 0
    side = np.asarray(task.left(sequences.data))[:, ends // 16]
    np.testing.assert_array_equal(after, side)
