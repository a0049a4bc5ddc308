"""Networks that emulate hidden Markov models: scores of runs made by hand, and a small study."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import experiments, labels
from neurodyn.experiments import hmm_networks
from neurodyn.experiments.hmm_networks.driven import Driven, drive, regions_of
from neurodyn.experiments.hmm_networks.emitted import emissions
from neurodyn.experiments.hmm_networks.scores import kicks, orbit, still
from neurodyn.experiments.hmm_networks.settings import Settings

SETTINGS = Settings(
    n_units=16, n_noise=4, n_steps=10, run_steps=60, n_trials=8, n_pushed=400, n_kick=1, n_random=2
)


def values(scores):
    return {name: column[1] for name, column in scores.items()}


def test_an_orbit_is_found_in_the_plane_in_which_it_turns():
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(400) / 40 + rng.uniform(0, 6, size=(6, 1))
    circle = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    frame = np.linalg.qr(rng.normal(size=(7, 7)))[0]
    # Beside the circle, a direction of larger variance that goes to and fro.
    aside = 9 * rng.normal(size=(6, 400, 1))
    rate = circle @ frame[:, :2].T + aside * frame[:, 2] + 5
    regions = (circle[..., 0] > 0).astype(int)
    ds, scores = orbit(Driven(rate, rate, regions, regions))
    found = values(scores)
    assert found["turns_per_cycle"] == pytest.approx(1.0, abs=0.06)
    assert found["period"] == pytest.approx(40.0, rel=0.01)
    assert found["radius"] == pytest.approx(3.0, rel=0.1)
    assert np.linalg.norm(frame[:, :2].T @ ds["axes"].values, 2) == pytest.approx(1.0, abs=0.02)
    assert np.linalg.norm(ds["axes"].values.T @ frame[:, 2]) < 0.1


def test_emissions_of_the_source_score_as_the_source():
    settings = Settings(run_steps=400, n_trials=60, n_steps=10)
    source = hmm_networks.source(settings)
    symbols = np.asarray(source.__class__.chain(2, n_steps=400).paths(7, 60)[1])
    run = Driven(symbols, symbols, symbols, symbols)
    ds, scores = emissions(settings, source, run, jax.random.key(1))
    found = values(scores)
    assert max(found["frequency_error"], found["pairs_error"]) < 0.03
    assert found["stay"] == pytest.approx(0.95, abs=0.01)
    assert found["divergence"] == pytest.approx(found["divergence_source"], abs=0.25)
    low, high = source.entropy_rate()
    assert -found["log_likelihood"] == pytest.approx((low + high) / 2, abs=0.015)
    decoded = ds["decoded"].sel(repetition="network")
    np.testing.assert_allclose(decoded.sum("state_to"), 1)


def test_the_unit_that_leaves_a_region_is_found_by_pushing():
    """Unit 0 remembers region 1, which it enters and leaves at random; unit 1 inhibits it."""
    source = hmm_networks.source(SETTINGS)
    model = hmm_networks.network(SETTINGS, 0)
    W, U, out = np.zeros((16, 16)), np.zeros((4, 16)), np.zeros((16, 3))
    W[0, 0], W[1, 0], U[0, 0], U[1, 1] = 0.9, -3.0, 0.5, 0.1
    U[2, 2:] = 0.5
    out[0], out[2] = (-8.0, -8.0, 8.0), (2.0, 0.0, 0.0)
    where = lambda m: (m.W, m.U, m.W_out)  # noqa: E731
    model = eqx.tree_at(where, model, tuple(jnp.asarray(a, jnp.float32) for a in (W, U, out)))
    run = drive(model, source, 60, 8, jax.random.key(0))
    assert run.rate.shape == (8, 60, 16)
    assert set(np.unique(run.regions)) == {0, 1}
    ds, scores = kicks(SETTINGS, source, model, run, jax.random.key(1))
    effect = ds["effect"].values
    assert effect[0].argmax() == 0  # into region 1
    assert effect[1].argmax() == 1  # and out of it
    assert values(scores)["n_kick_units"] >= 2
    assert ds.attrs["silenced"] == [0, 1]
    assert values(scores)["rate_without_kick_units"] == 0.0
    assert values(still(model, run))["rest_norm"] < 1e-10
    # Without bias, everything grows with the noise.
    assert values(still(model, run))["rest_decay"] == pytest.approx(-1 / np.log(0.9), rel=0.01)


def test_regions_are_those_of_the_nearest_emissions():
    table = jnp.array([[0.99, 0.01, 0.0], [0.495, 0.01, 0.495], [0.0, 0.01, 0.99]])
    chance = jnp.array([[[0.9, 0.0, 0.1], [0.6, 0.1, 0.3]], [[0.2, 0.2, 0.6], [0.1, 0.0, 0.9]]])
    np.testing.assert_array_equal(regions_of(chance, table), [[0, 1], [1, 2]])


@pytest.mark.slow
def test_the_study_runs_and_is_labelled(tmp_path):
    small = {"steps": 20, "batch_size": 32, "n_networks": 2}
    names = ("n_units", "n_noise", "n_steps", "run_steps", "n_trials", "n_pushed", "n_random")
    small |= {name: getattr(SETTINGS, name) for name in names}
    run = experiments.run("hmm_networks", settings=small, out=tmp_path / "run")
    labels.check(run.tree, values=False)
    assert run.tree["analysis/kicks/effect"].dims == ("seed", "state", "unit")
    assert {"training", "emissions", "orbit", "kicks", "transitions"} == set(run.figures)
    with pytest.raises(ValueError, match="kick units"):
        experiments.run("hmm_networks", settings={"n_units": 8})
