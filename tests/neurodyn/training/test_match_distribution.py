"""Sinkhorn divergences against exact transport, and training on them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.optimize import linear_sum_assignment, linprog

import neurodyn as nd
from neurodyn import models, tasks, training
from neurodyn.params import Fixed
from neurodyn.training import gumbel_softmax, sinkhorn_divergence

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 3)) + 1


def costs(x, y):
    return np.square(x[:, None] - y[None]).sum(-1) / 2


def cheapest(x, y):
    """Cost of moving one batch to another of any size, by linear programming."""
    n, m = len(x), len(y)
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    sums = np.r_[np.full(n, 1 / n), np.full(m, 1 / m)]
    return linprog(costs(x, y).ravel(), A_eq=np.r_[rows, columns], b_eq=sums).fun


def regularised(x, y, epsilon):
    """Entropic cost by plain scaling of the kernel in NumPy, until nothing changes."""
    C = costs(x, y)
    K, v = np.exp(-C / epsilon), np.ones(len(y)) / len(y)
    for _ in range(5000):
        u = 1 / len(x) / (K @ v)
        v = 1 / len(y) / (u @ K)
    P = u[:, None] * K * v[None]
    return (P * C).sum() + epsilon * (P * np.log(P * P.size)).sum()


@pytest.mark.usefixtures("x64")
def test_the_divergence_is_that_of_exact_transport():
    place = linear_sum_assignment(costs(X, Y))
    sharp = float(sinkhorn_divergence(X, Y, blur=0.03, iterations=1000))
    assert sharp == pytest.approx(costs(X, Y)[place].mean(), rel=1e-5)
    assert float(sinkhorn_divergence(X, Y[:9], blur=0.03, iterations=1000)) == pytest.approx(
        cheapest(X, Y[:9]), rel=1e-3
    )
    # Between the limits, against another algorithm.
    soft = regularised(X, Y, 1.0) - regularised(X, X, 1.0) / 2 - regularised(Y, Y, 1.0) / 2
    assert float(sinkhorn_divergence(X, Y, blur=1.0, iterations=1000)) == pytest.approx(
        soft, rel=1e-8
    )
    wide = np.square(X.mean(0) - Y.mean(0)).sum() / 2
    assert float(sinkhorn_divergence(X, Y, blur=100.0, iterations=1000)) == pytest.approx(
        wide, rel=1e-4
    )
    assert float(sinkhorn_divergence(X, X, iterations=1000)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.usefixtures("x64")
def test_the_gradient_is_that_of_differences():
    def divergence(x, y):
        return sinkhorn_divergence(x, y, blur=0.5, iterations=1000)

    gradients = jax.jit(jax.grad(divergence, (0, 1)))(X, Y)
    divergence = jax.jit(divergence)
    for i, j in ((0, 0), (7, 2), (23, 1)):
        e = np.zeros_like(X)
        e[i, j] = 1e-5
        for gradient, (up, down) in zip(
            gradients, (((X + e, Y), (X - e, Y)), ((X, Y + e), (X, Y - e))), strict=True
        ):
            slope = (divergence(*up) - divergence(*down)) / 2e-5
            assert gradient[i, j] == pytest.approx(float(slope), rel=1e-5, abs=1e-8)


def test_symbols_are_drawn_with_their_probabilities_and_a_gradient():
    chance = jnp.array([0.7, 0.2, 0.1])
    logits = jnp.tile(jnp.log(chance), (20_000, 1))
    drawn = gumbel_softmax(logits, temperature=3.0, key=0)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(0), chance, atol=0.012)
    weight = jnp.arange(3.0)
    # The expectation of what is drawn has this gradient; a low temperature estimates it well.
    exact = jax.grad(lambda a: jax.nn.softmax(a) @ weight)(jnp.log(chance))
    found = jax.grad(
        lambda a: (gumbel_softmax(jnp.tile(a, (20_000, 1)), temperature=0.3, key=1) @ weight).mean()
    )(jnp.log(chance))
    np.testing.assert_allclose(found, exact, atol=0.05)
    with pytest.raises(ValueError, match="`temperature`"):
        gumbel_softmax(logits, temperature=0.0, key=0)


def test_a_network_learns_frequencies_that_noise_cannot_predict():
    skewed = tasks.HiddenMarkov.chain(
        2, emissions=[[0.8, 0.1, 0.1], [0.8, 0.1, 0.1]], n_noise=2, n_steps=5
    )
    model = models.LeakyRNN(2, 4, 3, tau=1.0, b=Fixed(0.5), activation="tanh", key=0)
    fit = nd.fit(
        model,
        skewed,
        objective=training.MatchDistribution(iterations=8),
        steps=150,
        batch_size=32,
        evaluate_every=75,
        key=0,
        optimizer=optax.adam(0.03),
        progress=False,
    )
    assert float(fit.history["validation_frequency_error"][-1]) < 0.08
    assert float(fit.history["validation_loss"][-1]) < 0.4


def test_what_does_not_fit_is_refused():
    objective = training.MatchDistribution()
    with pytest.raises(ValueError, match="n_inputs"):
        objective.check(models.LeakyRNN(2, 4, 3, key=0), tasks.HiddenMarkov())
    choice = tasks.PerceptualDecision()
    with pytest.raises(ValueError, match="HiddenMarkov"):
        objective.check(models.LeakyRNN(choice.n_inputs, 4, choice.n_outputs, key=0), choice)
    with pytest.raises(ValueError, match="flatten"):
        sinkhorn_divergence(X[None], Y)
    with pytest.raises(ValueError, match="`blur`"):
        sinkhorn_divergence(X, Y, blur=0.0)
