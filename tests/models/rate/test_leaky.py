"""The discrete leaky network against its published rule written in NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import params
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import CTRNN, LeakyRNN

RATES = Save(variables=("rate",))


def keep(t, state, u):
    return state


def bits(shape=(31, 6, 1), seed=0):
    dtype = jnp.result_type(float)
    return jnp.asarray(np.random.default_rng(seed).integers(0, 2, shape), dtype)


@pytest.mark.parametrize("form", ["update", "rate"])
@pytest.mark.parametrize("generic", [True, False])
def test_follows_the_published_rules(generic, form, x64):
    model = LeakyRNN(1, 20, 4, form=form, initial=np.linspace(0.0, 0.1, 20), key=0)
    x = bits()
    run = integrate(model, x, dt=1.0, save=RATES, force=keep if generic else None)
    W = np.asarray(model.W.of)
    W = W * (1 - np.eye(20))
    tau = np.maximum(np.asarray(model.tau.raw), 1.0)
    x, h = np.asarray(x), np.tile(np.linspace(0.0, 0.1, 20), (6, 1))
    for k in range(31):
        drive = h @ W + np.asarray(model.b) + x[k] @ np.asarray(model.U) + np.asarray(model.b_in)
        if form == "update":
            z = (1 - 1 / tau) * h + (1 / tau) * drive
            h = np.where(z > 0, z, 0.01 * z)
        else:
            h = (1 - 1 / tau) * h + (1 / tau) * np.where(drive > 0, drive, 0.01 * drive)
        np.testing.assert_allclose(run.variables["rate"][k], h, rtol=1e-10, atol=1e-13)
    outputs = h @ np.asarray(model.W_out) + np.asarray(model.b_out)
    np.testing.assert_allclose(run.outputs[-1], outputs, rtol=1e-10)


def test_initial_values_are_the_published_ones():
    model = LeakyRNN(1, 500, 200, key=0)
    bound = 1 / np.sqrt(500)
    for weights in (model.W.of, model.b, model.W_out, model.b_out):
        assert np.abs(weights).max() <= bound
        assert np.std(weights) == pytest.approx(bound / np.sqrt(3), rel=0.1)
    for weights in (model.U, model.b_in):
        assert 0.9 < np.abs(weights).max() <= 1
    tau = np.asarray(model.tau.raw)
    assert (tau.min() >= 1, tau.max() < 2) == (True, True)
    assert tau.mean() == pytest.approx(1.5, abs=0.05)
    W = np.asarray(params.with_values(model).W)
    assert (np.diag(W) == 0).all()
    # Frobenius norm and mean of the reference networks at the start.
    assert np.linalg.norm(W) == pytest.approx(12.91, rel=0.005)
    assert abs(W.mean()) < 2e-4
    trained, _ = eqx.partition(model, params.trainable(model))
    assert sum(x.size for x in jax.tree.leaves(trained)) == 352_200


def test_initial_state_is_uniform_and_fresh_in_every_trial():
    model = LeakyRNN(1, 50, 2, key=0)
    one = model.initial_state(dt=1.0, key=jax.random.key(0)).x
    two = model.initial_state(dt=1.0, key=jax.random.key(1)).x
    assert 0 <= one.min() <= one.max() <= 0.1
    assert (one != two).all()


@pytest.mark.parametrize("generic", [True, False])
def test_tau_below_the_clamp_has_no_gradient(generic, x64):
    model = LeakyRNN(1, 12, 3, initial=0.05, key=0)
    raw = jnp.where(jnp.arange(12) < 4, 0.7, model.tau.raw)
    model = eqx.tree_at(lambda m: m.tau.raw, model, raw)

    def loss(model):
        run = integrate(model, bits(), dt=1.0, force=keep if generic else None)
        return (run.outputs**2).mean()

    gradient = eqx.filter_grad(loss)(model).tau.raw
    np.testing.assert_array_equal(gradient[:4], 0.0)
    assert (np.abs(gradient[4:]) > 0).all()
    for unit in (5, 11):
        up = eqx.tree_at(lambda m: m.tau.raw, model, raw.at[unit].add(1e-6))
        down = eqx.tree_at(lambda m: m.tau.raw, model, raw.at[unit].add(-1e-6))
        numeric = float(loss(up) - loss(down)) / 2e-6
        assert float(gradient[unit]) == pytest.approx(numeric, rel=1e-5)


def test_both_paths_agree_up_to_a_dynamic_length():
    model = LeakyRNN(1, 20, 4, key=0)
    fast = integrate(model, bits(), dt=1.0, key=0, length=jnp.asarray(17))
    slow = integrate(model, bits(), dt=1.0, key=0, length=jnp.asarray(17), force=keep)
    np.testing.assert_allclose(fast.outputs, slow.outputs, atol=1e-6)
    np.testing.assert_allclose(fast.final_state.x, slow.final_state.x, atol=1e-6)
    assert (fast.outputs[17:] == 0).all()


def test_rule_with_the_nonlinearity_inside_is_a_ctrnn_with_unit_steps(x64):
    tau = np.linspace(1.0, 3.0, 9)
    model = CTRNN(1, 9, 2, tau=tau, activation="leaky_relu", initial=0.05, key=0)
    run = integrate(model, bits(), dt=1.0, save=RATES)
    x, h = np.asarray(bits()), np.full((6, 9), 0.05)
    for k in range(31):
        z = h @ np.asarray(model.W) + x[k] @ np.asarray(model.U) + np.asarray(model.b)
        h = (1 - 1 / tau) * h + (1 / tau) * np.where(z > 0, z, 0.01 * z)
    np.testing.assert_allclose(run.variables["rate"][-1], h, rtol=1e-10)


def test_fixed_tau_of_one_step_has_no_memory_of_its_own(x64):
    model = LeakyRNN(1, 5, 2, tau=1.0, W=0.0, initial=3.0, key=0)
    h = integrate(model, bits((2, 1, 1)), dt=1.0, save=RATES).variables["rate"]
    z = np.asarray(bits((2, 1, 1))[0] @ model.U)[0] + np.asarray(model.b + model.b_in)
    np.testing.assert_allclose(h[0, 0], np.where(z > 0, z, 0.01 * z), rtol=1e-12)


def test_time_constants_are_labelled_in_steps():
    coords = LeakyRNN(1, 5, 2, tau=2.0, key=0).unit_coords()
    assert set(coords) == {"tau"}
    dim, tau, unit, long_name = coords["tau"]
    assert (dim, unit, long_name) == ("unit", "steps", "time constant")
    np.testing.assert_array_equal(tau, 2.0)


def test_refuses_unknown_forms():
    with pytest.raises(ValueError, match='`form` must be "update" or "rate", got \'current\''):
        LeakyRNN(1, 4, 1, form="current", key=0)


def test_refuses_time_constants_below_a_step():
    with pytest.raises(ValueError, match=r"`tau` must be at least 1 step in every unit, got 0.5"):
        LeakyRNN(1, 5, 2, tau=0.5, key=0)


def test_cut_units_are_gone_from_recurrence_input_and_readout():
    cut = params.with_values(LeakyRNN(1, 6, 2, key=0).cut(np.arange(6) == 2))
    for zero in (cut.W[2], cut.W[:, 2], cut.U[:, 2], cut.W_out[2]):
        np.testing.assert_array_equal(zero, 0)
