"""GRU and LSTM against their equations in NumPy and against PyTorch."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import GRU, LSTM


def inputs(shape=(23, 4, 3)):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.result_type(float))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def arrays(model):
    return (np.asarray(a) for a in (model.W, model.U, model.b, model.b_in))


def test_gru_follows_its_equations(x64):
    model = GRU(3, 7, 2, initial=0.3, key=0)
    x = np.asarray(inputs())
    run = integrate(model, x, dt=1.0, save=Save(variables=("hidden", "update_gate")))
    W, U, b, b_in = arrays(model)
    h = np.full((4, 7), 0.3)
    for k in range(23):
        r, z, n = slice(0, 7), slice(7, 14), slice(14, 21)
        outer, inner = x[k] @ U + b_in, h @ W + b
        reset = sigmoid(outer[:, r] + inner[:, r])
        update = sigmoid(outer[:, z] + inner[:, z])
        new = np.tanh(outer[:, n] + reset * inner[:, n])
        h = (1 - update) * new + update * h
        np.testing.assert_allclose(run.variables["hidden"][k], h, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(run.variables["update_gate"][k], update, rtol=1e-9)
    outputs = h @ np.asarray(model.W_out) + np.asarray(model.b_out)
    np.testing.assert_allclose(run.outputs[-1], outputs, rtol=1e-9)


def test_lstm_follows_its_equations(x64):
    model = LSTM(3, 7, 2, initial=0.3, key=0)
    x = np.asarray(inputs())
    run = integrate(model, x, dt=1.0, save=Save(variables=("hidden", "cell", "forget_gate")))
    W, U, b, b_in = arrays(model)
    h, c = np.full((4, 7), 0.3), np.zeros((4, 7))
    for k in range(23):
        z = x[k] @ U + b_in + h @ W + b
        i, f, g, o = z[:, :7], z[:, 7:14], z[:, 14:21], z[:, 21:]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(run.variables["cell"][k], c, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(run.variables["hidden"][k], h, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(run.variables["forget_gate"][k], sigmoid(f), rtol=1e-9)
    outputs = h @ np.asarray(model.W_out) + np.asarray(model.b_out)
    np.testing.assert_allclose(run.outputs[-1], outputs, rtol=1e-9)


@pytest.mark.parametrize("ours", [GRU, LSTM])
def test_agrees_with_pytorch_and_its_gradients(ours, x64):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch")
        theirs = getattr(torch.nn, ours.__name__)(3, 7, dtype=torch.float64)
    model = ours(3, 7, 2, key=0)
    names = {"weight_hh_l0": "W", "weight_ih_l0": "U", "bias_hh_l0": "b", "bias_ih_l0": "b_in"}
    with torch.no_grad():
        for name, mine in names.items():
            getattr(theirs, name).copy_(torch.tensor(np.asarray(getattr(model, mine)).T.copy()))
    x = np.array(inputs())
    hidden, _ = theirs(torch.tensor(x))
    (hidden**2).mean().backward()

    def loss(model):
        run = integrate(model, jnp.asarray(x), dt=1.0, save=Save(variables=("hidden",)))
        return (run.variables["hidden"] ** 2).mean(), run.variables["hidden"]

    (_, states), gradient = eqx.filter_value_and_grad(loss, has_aux=True)(model)
    np.testing.assert_allclose(states, hidden.detach().numpy(), rtol=1e-8, atol=1e-12)
    for name, mine in names.items():
        expected = getattr(theirs, name).grad.numpy().T
        np.testing.assert_allclose(getattr(gradient, mine), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("ours", "gates"), [(GRU, 3), (LSTM, 4)])
def test_initial_values_and_sizes(ours, gates):
    model = ours(3, 64, 2, key=0)
    assert model.W.shape == (64, gates * 64)
    for weights in (model.W, model.U, model.b, model.b_in, model.W_out):
        assert np.abs(weights).max() <= 1 / 8
        assert np.std(weights) == pytest.approx(1 / 8 / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize("ours", [GRU, LSTM])
def test_injected_current_goes_into_the_candidate(ours):
    model = ours(3, 7, 2, key=0)
    current = jnp.full((23, 4, 7), 0.5)
    run = integrate(model, Drive(input=inputs(), current=current), dt=1.0)
    shifted = eqx.tree_at(lambda m: m.b_in, model, model.b_in.at[14:21].add(0.5))
    np.testing.assert_allclose(run.outputs, integrate(shifted, inputs(), dt=1.0).outputs, atol=1e-6)


@pytest.mark.parametrize("ours", [GRU, LSTM])
def test_cut_units_neither_hear_nor_speak(ours):
    model = ours(3, 7, 2, key=0)
    unit = np.arange(7) == 3
    cut = params.with_values(model.cut(unit))
    np.testing.assert_array_equal(cut.W[3], 0)
    np.testing.assert_array_equal(cut.W_out[3], 0)
    np.testing.assert_array_equal(cut.W[:, 3::7], 0)
    np.testing.assert_array_equal(cut.U[:, 3::7], 0)
    assert (np.asarray(cut.W) != 0).sum() == 6 * 6 * cut.W.shape[1] // 7
    # What the others do no longer depends on the unit that was cut.
    base = integrate(model.cut(unit), inputs(), dt=1.0)
    louder = eqx.tree_at(lambda m: m.b, model.cut(unit), model.b.at[3::7].add(5.0))
    np.testing.assert_allclose(base.outputs, integrate(louder, inputs(), dt=1.0).outputs, atol=1e-6)


@pytest.mark.parametrize("ours", [GRU, LSTM])
def test_random_initial_state(ours):
    model = ours(3, 7, 2, initial=params.Uniform(0.0, 0.1), key=0)
    state = jax.vmap(lambda k: model.initial_state(dt=1.0, key=k))(
        jax.random.split(jax.random.key(0), 50)
    )
    hidden = jax.tree.leaves(state.x)[0]
    assert (hidden.min() >= 0, hidden.max() <= 0.1, len(np.unique(hidden)) == 350) == (True,) * 3
    with pytest.raises(ValueError, match=f"initial state of this {ours.__name__}"):
        model.initial_state(dt=1.0)
