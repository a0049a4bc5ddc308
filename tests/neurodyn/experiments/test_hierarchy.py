"""Decoding from layers, small."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import labels, tasks
from neurodyn.experiments import hierarchy
from neurodyn.experiments import run as run_experiment
from neurodyn.experiments.hierarchy import source
from neurodyn.experiments.hierarchy.scores import decoded, home_ends, scores_of_reaches
from neurodyn.experiments.hierarchy.settings import Settings

TINY = Settings(
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
EXPERIMENT = dataclasses.replace(hierarchy.EXPERIMENT, presets={"tiny": TINY})


@pytest.mark.thorough
def test_end_to_end(tmp_path):
    done = run_experiment(EXPERIMENT, "tiny", out=tmp_path / "out", progress=False)
    tree = nd.load(tmp_path / "out" / "result.nc")
    labels.check(tree, values=False)
    scores = tree["analysis/decoding"].to_dataset()
    assert scores["r2_p_left"].dims == ("meta_prior", "seed", "layer")
    assert ((scores["reached"] >= 0) & (scores["reached"] <= 1)).all()
    assert set(done.figures) == {"decoding", "latents", "latent_space", "bands"}
    truth = tree["analysis/sequences"].to_dataset()
    p, fraction = truth["p_left"].values, truth["fraction_left"].values
    r2 = 1 - ((p - fraction) ** 2).sum() / ((p - p.mean()) ** 2).sum()
    assert float(truth["ceiling"]) == pytest.approx(r2)


def synthetic_run(task, sequences, rng):
    """Layer 1 knows the side of the next reach, layer 2 the probability, each and nothing else."""
    n, t = sequences.n_items, task.n_steps
    d = rng.standard_normal((1, n, t, 4))
    ends = np.arange(task.phase - 1, t, 2 * task.phase)
    side = np.asarray(sequences.data)[:, ends + task.phase, 0] < 0
    d[0][:, ends, 0] = 3.0 * side - 1
    d[0][:, :, 2] = 2.0 - np.asarray(sequences.conditions["p_left"])[:, None]
    return xr.Dataset(
        {"d": (("seed", "trial", "time", "unit"), d)},
        {
            "time": np.arange(1.0, t + 1),
            "unit_layer": (("seed", "unit"), [[1, 1, 2, 2]]),
            "layer": [1, 2],
        },
    )


def test_each_layer_is_decoded_from_its_own_units():
    settings = dataclasses.replace(TINY, repeats=4, n_phases=16)
    task, sequences = source(settings)
    run = synthetic_run(task, sequences, np.random.default_rng(0))
    scores = decoded(run, task, sequences)
    side, p = scores["r2_side_ahead"].values[0], scores["r2_p_left"].values[0]
    assert side[0] > 0.999
    assert p[1] > 0.999
    # The probability tells part of the side (and the side of the probability), not all of it.
    assert side[1] < 0.7
    assert p[0] < 0.7


def test_what_is_generated_is_scored_by_sides_and_goals():
    task = tasks.HomeReach(n_phases=8)
    p_left, half = np.array([0.0, 0.5, 1.0]), 2
    outputs = np.zeros((2, 6, task.n_steps, 2))  # two networks; each sequence twice
    ends = np.arange(2 * task.phase - 1, task.n_steps, 2 * task.phase)
    left = np.array([[0, 0], [0, 0], [1, 0], [0, 1], [1, 1], [1, 1]], bool)
    x = np.where(left, -0.4, 0.4)
    outputs[:, :, ends[:half], 0] = -0.4  # before the cut, and not counted
    outputs[0, :, ends[half:]] = np.stack([x.T, np.full_like(x.T, 0.35)], -1)
    outputs[1, :, ends[half:]] = np.stack([-x.T, np.full_like(x.T, 0.55)], -1)
    outputs[1, :3, ends[half], 1] = 0.3
    scores = scores_of_reaches(outputs, task, p_left, half)
    np.testing.assert_allclose(scores["kept"], [1, -1])
    np.testing.assert_allclose(scores["reached"], [1, 3 / 12])
    same = scores_of_reaches(np.zeros_like(outputs), task, p_left, half)
    assert np.isnan(same["kept"]).all()
    assert (same["reached"] == 0).all()


def test_activity_is_read_when_the_hand_is_at_home():
    task, sequences = source(TINY)
    ends = home_ends(task)
    assert ends.tolist() == [39, 55]
    at = np.asarray(sequences.data)[:, ends]
    assert np.abs(at - [0.0, -0.75]).max() < 0.05
    # The next reach is that of the same number.
    after = np.asarray(sequences.data)[:, ends + 8, 0] < 0
    side = np.asarray(task.left(sequences.data))[:, ends // 16]
    np.testing.assert_array_equal(after, side)
