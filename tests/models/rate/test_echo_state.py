"""Echo-state networks: their spectrum, readouts in closed form, learning, and memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from neurodyn.analysis import memory_capacity, ridge_readout
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import EchoState
from neurodyn.models.rate.echo_state import random_reservoir
from neurodyn.models.spiking.plasticity import RLS, ThreeFactor
from neurodyn.params import with_values
from tests.rounding import assert_equal_to_rounding

N, STEPS = 12, 60


def states_of(model, u, **options):
    return integrate(model, u, dt=1.0, save=Save(("rate",)), **options)


def signal(n=1, seed=0, n_steps=STEPS):
    return jnp.asarray(np.random.default_rng(seed).uniform(-1, 1, (n_steps, n)))


def test_the_spectral_radius_is_what_was_asked_for(x64):
    for radius, density in ((0.9, 0.3), (1.4, 1.0)):
        W = np.asarray(random_reservoir(40, radius, density, key=0))
        np.testing.assert_allclose(np.abs(np.linalg.eigvals(W)).max(), radius, rtol=1e-12)
        assert abs((W != 0).mean() - density) < 0.08


def test_follows_its_equation(x64):
    model = EchoState(2, N, 1, leak=0.3, bias_scale=0.2, feedback_scale=0.5, density=0.5, key=0)
    u = signal(2)
    got = states_of(model, u)
    own = with_values(model)
    W, U, b, E, W_out = (np.asarray(a) for a in (own.W, own.U, own.b, own.E, own.W_out))
    x, z = np.zeros(N), np.zeros(1)
    for k in range(STEPS):
        x = 0.7 * x + 0.3 * np.tanh(x @ W + np.asarray(u[k]) @ U + z @ E + b)
        z = x @ W_out
        np.testing.assert_allclose(got.variables["rate"][k], x, atol=1e-12)
        np.testing.assert_allclose(got.outputs[k], z, atol=1e-12)


def test_ridge_is_that_of_scikit_learn(x64):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 5)) @ rng.standard_normal((5, 5)), rng.standard_normal((50, 2))
    scale = ((x - x.mean(0)) ** 2).sum() / 5
    got = ridge_readout(x, y, penalty=0.01)
    peer = Ridge(alpha=0.01 * scale).fit(x, y)
    np.testing.assert_allclose(got.weights, peer.coef_.T, atol=1e-10)
    np.testing.assert_allclose(got.bias, peer.intercept_, atol=1e-10)


def test_a_ridge_readout_can_be_put_into_the_network(x64):
    model, u = EchoState(1, N, 1, density=0.5, key=0), signal()
    run = states_of(model, u)
    target = np.roll(np.asarray(u), 2, axis=0)
    found = ridge_readout(run.variables["rate"][20:], target[20:])
    trained = model.with_readout(found.weights.values, found.bias.values)
    error = np.asarray(states_of(trained, u).outputs)[20:] - target[20:]
    assert np.sqrt((error**2).mean()) < 0.3 * target.std()
    with pytest.raises(ValueError, match=r"\(12, 1\)"):
        model.with_readout(np.zeros((3, 1)))


def test_rls_inside_the_run_is_the_closed_form(x64):
    u = signal()
    target = jnp.roll(u, 1, axis=0)
    model = EchoState(1, N, 1, density=0.5, rule=RLS(10.0), key=0)
    run = states_of(model, Drive(u, target))
    x = np.asarray(run.variables["rate"])
    expected = np.linalg.solve(x.T @ x + np.eye(N) / 10, x.T @ np.asarray(target))
    np.testing.assert_allclose(run.final_state.memory.W_out, expected, atol=1e-9)


@pytest.mark.parametrize("rule", [RLS(1.0, every=4.0), ThreeFactor(0.05)])
def test_learning_goes_on_where_a_run_was_cut(rule):
    u, model = signal(), EchoState(1, N, 1, density=0.5, feedback_scale=0.5, rule=rule, key=0)
    drive = Drive(u, jnp.roll(u, 1, axis=0))
    whole = states_of(model, drive, key=0)
    first, second = (jax.tree.map(lambda a, s=s: a[s], drive) for s in (slice(23), slice(23, None)))
    part = states_of(model, first, key=0)
    rest = states_of(model, second, state=part.final_state, start=23)
    for a, b in zip(
        jax.tree.leaves(whole.final_state), jax.tree.leaves(rest.final_state), strict=True
    ):
        assert_equal_to_rounding(b, a, n_steps=len(u))
    assert not np.array_equal(whole.final_state.memory.W_out, part.final_state.memory.W_out)


def test_force_starts_with_the_defaults():
    # From zeros there would be no output, hence no feedback and nothing to learn from.
    k = np.arange(600)
    target = jnp.asarray(np.sin(2 * np.pi * k / 60))[:, None]
    rule = RLS(1.0, start=50, stop=500)
    options = {"spectral_radius": 1.3, "leak": 0.3, "feedback_scale": 1.0, "rule": rule, "key": 0}
    model = EchoState(0, 100, 1, **options)
    with pytest.raises(ValueError, match="initial state of this EchoState"):
        states_of(model, Drive(target=target))
    output = np.asarray(states_of(model, Drive(target=target), key=0).outputs)[:, 0]
    assert 0.9 < np.abs(output[400:]).max() < 1.3
    assert np.abs(output[300:500] - target[300:500, 0]).max() < 0.1
    with pytest.raises(ValueError, match=r"never start.*params\.Uniform"):
        EchoState(0, 100, 1, initial="zeros", b_out=np.zeros(1), **options)


def test_a_batch_learns_trial_by_trial():
    u = jnp.stack([signal(seed=i) for i in range(3)], 1)
    model = EchoState(1, N, 1, density=0.5, rule=RLS(1.0), key=0)
    drive = Drive(u, jnp.roll(u, 1, axis=0))
    batch = states_of(model, drive).final_state.memory.W_out
    alone = states_of(model, jax.tree.map(lambda a: a[:, 1], drive)).final_state.memory.W_out
    np.testing.assert_allclose(batch[1], alone, atol=1e-4)
    assert not np.allclose(batch[0], batch[1], atol=1e-2)


def linear_capacity(W, U, n_lags):
    """Exact capacity of a linear reservoir under independent input."""
    powers = [U]
    for _ in range(2000):
        powers.append(powers[-1] @ W)
    A = np.stack(powers)
    inverse = np.linalg.inv(A.T @ A)
    return np.einsum("ki,ij,kj->k", A[:n_lags], inverse, A[:n_lags])


def test_memory_of_a_linear_reservoir_is_that_of_theory(x64):
    n = 8
    model = EchoState(1, n, 1, activation="linear", density=1.0, spectral_radius=0.95, key=3)
    own = with_values(model)
    expected = linear_capacity(np.asarray(own.W), np.asarray(own.U)[0], 60)
    got = memory_capacity(model, n_lags=60, n_steps=12_000, key=0)
    np.testing.assert_allclose(got.capacity, expected, atol=0.03)
    assert float(got.total) <= n + 0.15
    np.testing.assert_allclose(got.total, expected.sum(), atol=0.15)


def test_memory_of_a_delay_line_is_its_length(x64):
    n = 10
    W = np.eye(n, k=1)
    model = EchoState(1, n, 1, activation="linear", W=W, U=np.eye(n)[:1], key=0)
    got = memory_capacity(model, n_lags=15, n_steps=2000, key=0)
    np.testing.assert_allclose(got.capacity[:n], 1, atol=1e-9)
    assert (got.capacity[n:] < 0.01).all()
    np.testing.assert_allclose(got.total, n, atol=0.05)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"leak": 0.0}, "leak"),
        ({"density": 2.0}, "density"),
        ({"spectral_radius": -1.0}, "spectral_radius"),
        ({"feedback_scale": -1.0}, "feedback_scale"),
        ({"density": 1e-3}, "No cycle"),
    ],
)
def test_bad_numbers_are_named(options, match):
    with pytest.raises(ValueError, match=match):
        EchoState(1, N, 1, **options, key=0)


def test_memory_capacity_refuses_what_it_cannot_measure():
    with pytest.raises(ValueError, match="one input"):
        memory_capacity(EchoState(2, N, 1, key=0), n_lags=3, key=0)
    with pytest.raises(ValueError, match="12 units"):
        memory_capacity(EchoState(1, N, 1, key=0), n_lags=3, n_steps=20, key=0)
    with pytest.raises(ValueError, match="last dim"):
        ridge_readout(np.ones((5, 2)), np.ones((4, 1)), penalty=0.0)
