"""Networks with several meta-priors, small: from settings to labelled results, and resumed."""

import dataclasses
import json

import jax
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels, params
from neurodyn.experiments import meta_prior
from neurodyn.experiments import run as run_experiment
from neurodyn.experiments.meta_prior import _curves, networks, train
from neurodyn.experiments.meta_prior.figures import least
from neurodyn.experiments.meta_prior.scores import true_floor
from neurodyn.experiments.meta_prior.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.shared.meta_priors import by_meta_prior, unfold, untrained
from neurodyn.tasks import StateMachine

TINY = Settings(
    w=(0.01, 0.1, 1.0),
    n_networks=2,
    epochs=30,
    n_sequences=4,
    n_steps=8,
    n_units=4,
    word=3,
    free_steps=200,
    discard=20,
    n_floor=3,
)
EXPERIMENT = dataclasses.replace(meta_prior.EXPERIMENT, presets={"tiny": TINY})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("meta_prior") / "out"
    return out, run_experiment(EXPERIMENT, "tiny", out=out, progress=False)


def test_results_are_labelled_by_meta_prior_and_network(finished):
    out, done = finished
    tree = nd.load(out / "result.nc")
    labels.check(tree, values=False)
    for node in (
        "model/latents",
        "model/errors",
        "analysis/free/noisy",
        "analysis/free/noise_free",
    ):
        ds = tree[node].to_dataset()
        assert ds["meta_prior"].values.tolist() == [0.01, 0.1, 1.0]
        for variable in ds.data_vars.values():
            assert variable.dims[:2] == ("meta_prior", "seed"), variable.name
            assert np.isfinite(variable).all(), variable.name
    assert tree["model/latents/kl"].dims == ("meta_prior", "seed", "layer")
    assert tree["model/training/loss"].dims == ("meta_prior", "seed", "step")
    assert json.loads(tree.attrs["settings"])["epochs"] == 30
    assert set(done.figures) >= {"latents", "lyapunov", "generalisation", "errors", "words_large"}


def test_scores_can_be_made_again_from_the_words(finished):
    tree = finished[1].tree
    true = tree["analysis/words/true"].to_dataset()
    for name, i in (("small", 0), ("middle", 1), ("large", 2)):
        words = tree[f"analysis/words/{name}/noisy"].to_dataset()
        assert int(words["count"].sum()) == 200 - 3 + 1
        again = analysis.word_divergence(true, words)["divergence"]
        stored = tree["analysis/free/noisy/divergence"][i, 0]
        assert float(again) == pytest.approx(float(stored), rel=1e-9)


def test_the_floor_is_that_of_the_true_source(finished):
    floor = finished[1].tree["analysis/floor"].to_dataset()
    assert (floor["illegal"] == 0).all()
    assert floor.sizes["draw"] == 3
    assert float(floor["entropy_rate"]) == pytest.approx(0.26560, abs=1e-4)


def test_resumed_gives_the_same_numbers(finished, tmp_path):
    _, done = finished
    half = dataclasses.replace(TINY, epochs=15)
    train(half, Run(tmp_path, False, False))
    whole = train(TINY, Run(tmp_path, True, False))
    assert whole.history.sizes["step"] == 30
    loss = unfold(_curves(whole.history), TINY)["loss"]
    np.testing.assert_array_equal(loss, done.tree["model/training/loss"])


def test_networks_of_one_number_start_alike_whatever_the_meta_prior():
    members = untrained(networks(TINY), TINY, key=jax.random.key(3))
    members = np.array(members, dtype=object).reshape(3, 2)
    names = ("W", "W_prior", "W_posterior", "W_out", "b")
    first = [weights(m, names) for m in members[:, 0]]
    other = weights(members[0, 1], names)
    for name in names:
        for one in first[1:]:
            np.testing.assert_array_equal(one[name], first[0][name])
        assert (other[name] != first[0][name]).any(), name
    assert [float(np.unique(params.with_values(m).w)[0]) for m in members[:, 0]] == pytest.approx(
        [0.01, 0.1, 1.0]
    )


def weights(model, names):
    own = params.with_values(model)
    return {name: np.asarray(getattr(own, name)) for name in names}


def test_the_first_step_weighs_as_the_others_where_that_is_asked():
    for first, expected in ((None, [0.01, 0.1, 1.0]), (0.02, [0.02] * 3)):
        settings = dataclasses.replace(TINY, n_networks=1, w_first=first)
        made = untrained(networks(settings), settings, key=jax.random.key(0))
        got = [float(np.unique(params.with_values(m).w_first)[0]) for m in made]
        assert got == pytest.approx(expected)


def test_the_floor_is_that_of_the_machine_it_is_given():
    edges = [("a", 0, "a", 0.2), ("a", 1, "b", 0.8), ("b", 2, "a", 1.0)]
    machine = StateMachine(edges=edges, n_steps=5)
    floor = true_floor(machine, word=3, n_steps=400, n=4, key=jax.random.key(0))
    assert (floor["illegal"] == 0).all()
    assert (floor["divergence"] < 0.1).all()
    long = machine.lasting(400)
    assert long.n_steps == 400
    assert long.states == machine.states
    np.testing.assert_allclose(long.transitions, machine.transitions, rtol=1e-6)
    np.testing.assert_array_equal(long.values, machine.values)


def test_text_of_means_and_intervals():
    values = xr.DataArray(
        [[1.0, 3.0], [2.0, 2.0]],
        dims=("meta_prior", "seed"),
        coords={"meta_prior": [0.1, 1.0]},
        attrs={"units": "1"},
    )
    assert by_meta_prior(values) == "0.1: 2 (1 to 3); 1: 2 (2 to 2)"
    assert by_meta_prior(values.isel(seed=[1])) == "0.1: 3; 1: 2"


def test_where_the_least_divergence_lies_and_how_sure_that_is():
    rng = np.random.default_rng(0)
    means = np.array([1.0, 0.2, 0.9])
    values = xr.DataArray(
        means[:, None] + 0.05 * rng.standard_normal((3, 6)),
        dims=("meta_prior", "seed"),
        coords={"meta_prior": [0.01, 0.1, 1.0]},
        attrs={"units": "nat"},
    )
    assert least(values).startswith("w = 0.1 (0.")
    assert "inside the grid in 100 %" in least(values)
    at_the_end = values.assign_coords(meta_prior=[0.1, 0.01, 1.0]).sortby("meta_prior")
    assert "inside the grid in 0 %" in least(at_the_end)
