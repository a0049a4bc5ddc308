"""What sets reconstruction, regeneration, free generation and traversal apart."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import integrate, labels, models, params, simulate, tasks
from neurodyn.engine.record import Save
from neurodyn.models.pvrnn import rollout

N, T = 3, 12
SAVED = Save(variables=("d", "z", "mean", "sigma", "prior_mean", "prior_sigma", "kl"))


@pytest.fixture(scope="module")
def model():
    return models.PVRNN(2, (5, 4), (2, 1), (2.0, 6.0), sequences=(N, T), A="normal", key=0)


@pytest.fixture(scope="module")
def task():
    return tasks.Sequences(0.5 * np.random.default_rng(0).standard_normal((N, T, 2)))


def run(model, task, n_steps=T, key=1):
    trials = None if model.A is None else task.validation()
    return integrate(
        model, dt=1.0, n_steps=n_steps, n_trials=N, trial=trials, key=key, save=SAVED
    ).variables


def test_posterior_runs_agree_with_the_rollout_that_trains(model, task):
    got = run(model, task)
    m = params.with_values(model)
    eps = (got["z"] - got["mean"]) / got["sigma"]
    expected = rollout(m, jnp.swapaxes(m.A.values, 0, 1), eps)
    np.testing.assert_allclose(got["d"], expected.d, atol=1e-4)
    np.testing.assert_allclose(got["mean"], expected.q.mean, atol=1e-4)
    np.testing.assert_allclose(got["prior_sigma"], expected.p.sigma, rtol=1e-4)
    assert (got["kl"] > 0).all()


def test_target_mode_follows_the_posterior_and_then_the_prior(model, task):
    posterior, target = run(model, task), run(model.mode("target", steps=4), task)
    np.testing.assert_array_equal(target["z"][:4], posterior["z"][:4])
    assert (target["z"][4:] != posterior["z"][4:]).all()
    np.testing.assert_array_equal(target["mean"][4:], target["prior_mean"][4:])
    assert (target["mean"][:4] != target["prior_mean"][:4]).any()
    assert (np.asarray(target["kl"][:4]) > 0).all()
    assert not np.asarray(target["kl"][4:]).any()


def test_another_number_of_steps_does_not_recompile(model, task):
    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def traced(model):
        return run(model, task)["d"]

    for steps in (0, 1, 5):
        traced(model.mode("target", steps=steps))


def test_free_generation_starts_from_the_unit_gaussian_and_needs_no_sequence(model, task):
    free = model.mode("free")
    got = run(free, task, n_steps=40)
    assert got["z"].shape == (40, N, 3)
    assert not np.asarray(got["mean"][0]).any()
    assert (np.asarray(got["sigma"][0]) == 1).all()
    np.testing.assert_array_equal(got["mean"], got["prior_mean"])
    assert (np.asarray(got["sigma"][1:]) != 1).all()


def test_noise_can_be_kept_to_the_first_step_or_left_out(model, task):
    first = run(model.mode("free", noise="first"), task)
    assert (first["z"][0] != first["mean"][0]).all()
    np.testing.assert_array_equal(first["z"][1:], first["mean"][1:])
    none = run(model.mode("posterior", noise="none"), task, key=None)
    np.testing.assert_array_equal(none["z"], none["mean"])
    same = run(model.mode("free", noise="none"), task, key=None)
    np.testing.assert_array_equal(same["d"][:, 0], same["d"][:, 1])
    with pytest.raises(ValueError, match="key="):
        run(model, task, key=None)


def test_latents_can_be_held(model, task):
    free = model.mode("free")
    held = run(free.hold({(1, 1): 0.7, (2, 0): -1.5}), task)
    np.testing.assert_allclose(held["z"][..., 1], 0.7)
    np.testing.assert_allclose(held["z"][..., 2], -1.5)
    assert np.asarray(held["z"][..., 0]).std() > 0
    drawn = run(free.hold({(2, 0): 2.0}, what="eps"), task)
    wanted = drawn["mean"][..., 2] + 2 * drawn["sigma"][..., 2]
    np.testing.assert_allclose(drawn["z"][..., 2], wanted, rtol=1e-5)
    back = run(free.hold({(1, 1): 0.7}).hold({}), task)
    np.testing.assert_array_equal(back["z"], run(free, task)["z"])


def test_units_hear_only_their_own_and_neighbouring_layers():
    """What a layer's latent moves in the next steps shows which connections there are."""

    def reached(**options):
        m = models.PVRNN(1, (3, 3, 3), (1, 1, 1), (2.0, 4.0, 8.0), key=0, **options)
        m = m.mode("free", noise="none")

        def after(steps, held):
            got = integrate(
                m.hold(held), dt=1.0, n_steps=steps, n_trials=1, save=Save(variables=("d",))
            )
            return got.variables["d"][:, 0].reshape(steps, 3, 3)

        moved = [after(2, {(i, 0): 0.9}) != after(2, {(i, 0): 0.1}) for i in (1, 2, 3)]
        return [np.asarray(x.any(-1)).astype(int).tolist() for x in moved]

    # Rows: steps 1 and 2; columns: layers 1 to 3. Latents enter at once, connections at t-1.
    assert reached() == [
        [[1, 0, 0], [1, 1, 0]],
        [[0, 1, 0], [1, 1, 1]],
        [[0, 0, 1], [0, 1, 1]],
    ]
    assert reached(bottom_up=False)[0] == [[1, 0, 0], [1, 0, 0]]
    current = reached(top_down="current", bottom_up=False)
    assert current == [
        [[1, 0, 0], [1, 0, 0]],
        [[1, 1, 0], [1, 1, 0]],
        [[1, 1, 1], [1, 1, 1]],
    ]


def test_simulations_are_labelled(model, task):
    ds = simulate(model, task.validation(), dt=1.0, key=0)
    labels.check(ds)
    assert ds.sizes == {
        "trial": N, "time": T, "unit": 9, "latent": 3, "layer": 2, "output": 2
    }  # fmt: skip
    assert ds.unit_layer.values.tolist() == [1] * 5 + [2] * 4
    assert ds.latent_layer.values.tolist() == [1, 1, 2]
    assert ds.kl.units == "nat"


def test_what_cannot_be_done_is_said(model, task):
    free = model.mode("free")
    for call, match in [
        (lambda: free.mode("target"), "needs the posterior"),
        (lambda: model.mode("dream"), "'posterior', 'target', 'free'"),
        (lambda: model.mode("target", steps=13), "between 0 and the 12"),
        (lambda: model.mode("free", noise="some"), "'every', 'first', 'none'"),
        (lambda: model.hold({(3, 0): 1.0}), "no latent 0 in layer 3"),
        (lambda: model.hold({(1, 0): 1.0}, what="d"), "'z', 'eps'"),
        (lambda: models.PVRNN(2, (5, 0), (1, 1), key=0), "n_units.*whole number"),
        (lambda: models.PVRNN(2, (5, 4), (1,), key=0), "2 layers.*1"),
        (lambda: models.PVRNN(2, (5, 4), (1, 1), (1.0, 2.0, 3.0), key=0), "tau.*each of the 2"),
        (lambda: models.PVRNN(2, (5,), (1,), 0.5, key=0), "tau.*at least 1"),
        (lambda: models.PVRNN(2, (5,), (1,), 2.0, w=-1.0, key=0), "`w`.*at least 0"),
        (lambda: models.PVRNN(2, (5,), (1,), 2.0, w=float("nan"), key=0), "`w`.*finite"),
        (lambda: models.PVRNN(2, (5,), (1,), 2.0, head="relu", key=0), "head.*tanh"),
        (lambda: models.PVRNN(2, (5,), (1,), 2.0, top_down="now", key=0), "top_down"),
        (lambda: models.PVRNN(2, (5,), (1,), 2.0, posterior="q", key=0), "posterior"),
    ]:
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(ValueError, match="no posterior to train"):
        free.negative_elbo(task.validation(), key=jax.random.key(0))
