"""The comparisons of predictors: their parts, and one small run of each."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import labels, models, params, tasks
from neurodyn.experiments import configure
from neurodyn.experiments.error_regression import EXPERIMENT as CURVES
from neurodyn.experiments.error_regression import ideal
from neurodyn.experiments.error_regression.candidates import cross, pvrnn_size
from neurodyn.experiments.neural_prediction import EXPERIMENT as POPULATION
from neurodyn.experiments.neural_prediction.scores import components
from neurodyn.experiments.neural_prediction.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.shared.forecasters import match_size, n_parameters

QUIET = Run(None, False, False)


def test_parameters_are_counted():
    n, k = 5, 2
    lstm = models.LSTM(k, n, k, key=0)
    assert n_parameters(lstm) == 4 * n * (n + k) + 8 * n + k * n + k
    # Of a network of layers only the connections that exist, and no adaptive vectors.
    pvrnn = models.PVRNN(2, (4, 3), (2, 1), 2.0, sequences=(5, 9), key=0)
    units = 4 * 4 + 3 * 3 + 2 * 4 * 3 + 7
    laws = 2 * (4 * 4 + 3 * 2 + 6)
    assert n_parameters(pvrnn) == units + (2 * 4 + 1 * 3) + laws + 4 * 2 + 2
    moved = eqx.filter(pvrnn, params.trainable(pvrnn))
    assert n_parameters(pvrnn) < sum(x.size for x in jax.tree.leaves(moved))


def test_sizes_are_matched():
    def make(n):
        return models.LSTM(2, n, 2, key=0)

    def size(n):
        return 4 * n * (n + 2) + 8 * n + 2 * n + 2

    assert match_size(make, size(16)) == 16
    sizes = np.array([size(n) for n in range(2, 20)])
    assert match_size(make, 700) == 2 + np.abs(sizes - 700).argmin()


def test_who_knows_the_generator_errs_only_by_chance():
    """Within a curve nothing is left to predict but noise; across its end, what may follow."""
    task = tasks.Lissajous(period=12, n_curves=40, noise_std=0.0)
    x = np.asarray(task.batch(0, 40).targets)
    expected = ideal(task, x, 6).values
    for t in range(12):
        inside = min(6, 11 - t)
        ahead = np.stack([x[:, t + h] for h in range(1, inside + 1)], 1) if inside else x[:, :0]
        np.testing.assert_allclose(expected[:, t, :inside], ahead, atol=1e-5)
    # The mean over what followed the same curve comes near what is expected.
    order = np.asarray(task.order(jnp.asarray(x)))
    followed = [x[b, 12 * (k + 1)] for b in range(40) for k in range(39) if order[b, k] == 0]
    law = expected[:, 11, 0][order[:, 0] == 0][0]
    np.testing.assert_allclose(np.mean(followed, 0), law, atol=0.03)


def test_candidates_are_a_cross():
    found = cross((1.0, 2.0, 3.0), (0.1, 0.2, 0.3))
    assert found == [(1.0, 0.2), (2.0, 0.2), (3.0, 0.2), (2.0, 0.1), (2.0, 0.3)]


def test_ranges_of_held_out_conditions_are_not_used():
    rng = np.random.default_rng(0)
    rates, held = rng.random((6, 10, 5)) * 30, np.arange(6) == 2
    settings = Settings(n_components=2)
    fold = components(rates, held, settings)
    wild = rates.copy()
    wild[2] *= 7
    other = components(wild, held, settings)
    np.testing.assert_array_equal(fold.train, other.train)
    # What is held out goes through the same affine map.
    np.testing.assert_allclose(
        other.held_out - 7 * fold.held_out,
        np.broadcast_to((other.held_out - 7 * fold.held_out)[0, 0], fold.held_out.shape),
        atol=1e-12,
    )


SMALL = {
    "n_networks": 2,
    "n_train": 4,
    "n_validate": 2,
    "n_test": 2,
    "n_curves": 3,
    "n_units": [6, 4],
    "n_latents": [1, 1],
    "epochs": 6,
    "window": 4,
    "iterations": 3,
    "n_horizons": 4,
    "n_samples": 2,
}


@pytest.mark.slow
def test_curves_end_to_end():
    settings = configure(CURVES, "quick", SMALL)
    tree = CURVES.run(settings, QUIET)
    errors = tree["analysis/error"].to_dataset()
    assert set(errors) == {"pvrnn", "vrnn", "lstm", "ridge", "ideal"}
    assert dict(errors["lstm"].sizes) == {"seed": 2, "trial": 2, "horizon": 4}
    assert all(np.isfinite(e).all() for e in errors.values())
    assert (errors["ideal"].mean() < errors["lstm"].mean()).item()
    labels.check(tree)
    assert set(CURVES.figures(tree)) == {"prediction_error", "stream"}
    rows = CURVES.summary(tree)
    assert "parameters" in rows["LSTM"]
    tuning = {n: tree[f"analysis/tuning/{n}"].to_dataset() for n in ("pvrnn", "vrnn", "lstm")}
    assert {n: ds.sizes["sweep"] for n, ds in tuning.items()} == {"pvrnn": 10, "vrnn": 5, "lstm": 5}
    chosen = json.loads(tree.attrs["chosen"])
    for name, ds in tuning.items():
        assert chosen[name] == ds["setting"].values[ds["error"].values.argmin()]
    train = tasks.Sequences(np.zeros((4, 36, 2)))
    assert chosen["pvrnn_parameters"] == pvrnn_size(settings, train)


@pytest.mark.slow
def test_population_end_to_end(tmp_path):
    rng = np.random.default_rng(0)
    phase = np.linspace(0, 2 * np.pi, 8, endpoint=False)[:, None] + 0.2 * np.arange(40)
    rate = 20 + 10 * np.stack([np.cos(phase), np.sin(phase)], -1) @ rng.normal(size=(2, 12))
    recorded = labels.dataset(
        {"rate": (("condition", "time", "unit"), rate, "Hz", "firing rate", "rate")},
        {"time": labels.time_axis(40, 10.0)},
        source="recording",
    )
    nd.save(tmp_path / "rates.nc", recorded)
    changes = {
        "recording": str(tmp_path / "rates.nc"),
        "n_networks": 2,
        "n_folds": 2,
        "n_components": 2,
        "n_units": [6, 4],
        "n_latents": [1, 1],
        "epochs": 6,
        "window": 4,
        "iterations": 3,
        "n_horizons": 4,
        "n_samples": 2,
        "n_free": 3,
    }
    settings = configure(POPULATION, "quick", changes)
    tree = POPULATION.run(settings, QUIET)
    labels.check(tree)
    errors = tree["analysis/error"].to_dataset()
    assert dict(errors["pvrnn"].sizes) == {"seed": 2, "fold": 2, "horizon": 4}
    # A rotation in a plane is linear: regression predicts conditions that it never saw.
    assert (errors["ridge"] < 1e-3).all()
    assert tree["analysis/generation"]["free"].dims == ("seed", "draw", "fold")
    assert set(POPULATION.figures(tree)) == {"prediction_error", "stream"}
    assert any("last value" in row for row in POPULATION.summary(tree))
    with pytest.raises(ValueError, match="n_folds"):
        POPULATION.run(configure(POPULATION, "quick", changes | {"n_folds": 5}), QUIET)
