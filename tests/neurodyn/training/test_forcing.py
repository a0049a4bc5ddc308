"""Training with forcing: losses against plain loops, adaptation against its formula."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from neurodyn import models, params
from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.system import State
from neurodyn.tasks import Windows
from neurodyn.training import (
    FreeRun,
    GeneralisedTeacherForcing,
    Seeds,
    SparseTeacherForcing,
    fit,
    forced_predictions,
    radam,
)
from neurodyn.training.objectives.expansion import (
    ESTIMATORS,
    expansion,
    explog_approx,
    spectral_norms,
)

M, N = 5, 2


def series(n=120):
    rng = np.random.default_rng(0)
    t = np.arange(n)[:, None] * 0.3
    return np.sin(t + np.array([0, 1.0])) + 0.1 * rng.normal(size=(n, N))


def task(**options):
    return Windows(series(), 12, **options)


def alrnn(key=0, **options):
    def wide(key, shape, dtype):
        return 0.3 * jax.random.normal(key, shape, dtype)

    return models.ALRNN(0, M, N, n_relu=2, key=key, **({"W": wide} | options))


def loss_by_hand(model, trials, alpha_at):
    """Mean squared error of predictions made before the state is pulled by ``alpha_at(step)``."""
    model = params.with_values(model)
    A, W, h, L = (np.asarray(x) for x in (model.A, model.W, model.h, model.observation.L))
    errors = []
    for x in np.asarray(trials.targets):
        z = np.concatenate([x[0], x[0] @ L])
        for step in range(1, len(x)):
            phi = np.concatenate([z[:-2], np.maximum(z[-2:], 0)])
            z = A * z + phi @ W + h
            errors.append((z[:N] - x[step]) ** 2)
            z[:N] = (1 - alpha_at(step)) * z[:N] + alpha_at(step) * x[step]
    return np.mean(errors)


@pytest.mark.parametrize("every", [1, 4, 12])
def test_sparse_forcing_compares_predictions_from_before(every, x64):
    trials, model = task().batch(0, 6), alrnn()
    objective = SparseTeacherForcing(every)
    loss, metrics, aux = eqx.filter_jit(objective)(model, task(), trials, None, key=None)
    expected = loss_by_hand(model, trials, lambda step: float(step % every == 0))
    np.testing.assert_allclose(loss, expected, rtol=1e-10)
    assert (metrics, aux) == ({}, None)


def test_generalised_forcing_with_constant_strength(x64):
    trials, model = task().batch(0, 6), alrnn()
    objective = GeneralisedTeacherForcing(0.3)
    aux = objective.init(model, task(), key=jax.random.key(0))
    loss, metrics, new = eqx.filter_jit(objective)(model, task(), trials, aux, key=None)
    np.testing.assert_allclose(loss, loss_by_hand(model, trials, lambda _: 0.3), rtol=1e-10)
    np.testing.assert_allclose([metrics["alpha"], new.alpha], 0.3)


def test_predictions_are_those_of_the_engine(x64):
    trials = task().batch(0, 3)
    model = models.ShallowPLRNN(0, 3, N, n_hidden=7, observation="affine", key=0)
    B = np.asarray(model.observation.B)
    signal = np.asarray(trials.targets) @ np.linalg.pinv(B)
    got = forced_predictions(model, trials, jnp.full((12, 3), 0.25))

    def force(t, state, u):
        return State(0.75 * state.x + 0.25 * u.target)

    run = integrate(
        model,
        Drive(target=jnp.asarray(np.swapaxes(signal[:, 1:], 0, 1))),
        dt=1.0,
        state=State(jnp.asarray(signal[:, 0])),
        force=force,
        record_forced=False,
    )
    np.testing.assert_allclose(got, np.swapaxes(run.outputs, 0, 1), rtol=1e-9, atol=1e-12)


def test_subjects_are_forced_with_their_own_weights(x64):
    def wide(key, shape, dtype):
        return 0.3 * jax.random.normal(key, shape, dtype)

    data = Windows(np.stack([series(), 2 * series()]), 12)
    trials = data.batch(0, 4, subject=[1, 0, 1, 0])
    model = alrnn(W=params.Indexed(2, by="subject", init=wide))
    strength = jnp.zeros((12, M))
    got = forced_predictions(model, trials, strength)
    for i, subject in enumerate((1, 0, 1, 0)):
        own = eqx.tree_at(lambda m: m.W, model, model.W.values[subject])
        one = jax.tree.map(lambda x: x[i : i + 1], trials)
        np.testing.assert_allclose(forced_predictions(own, one, strength)[0], got[i], atol=1e-12)


def test_penalties_enter_with_their_weights(x64):
    trials, model = task().batch(0, 6), alrnn()
    plain = SparseTeacherForcing(4)(model, task(), trials, None, key=None)[0]
    objective = SparseTeacherForcing(4, penalties={"latent": 0.1, "growth": 2.0})
    loss, metrics, _ = objective(model, task(), trials, None, key=None)
    known = model.penalties()
    np.testing.assert_allclose(loss, plain + 0.1 * known["latent"] + 2 * known["growth"])
    np.testing.assert_allclose(metrics["mse"], plain)


def jacobians(model, trials):
    model = params.with_values(model)
    signal = np.asarray(jax.vmap(jax.vmap(model.infer))(trials.targets))
    return np.asarray(jax.vmap(jax.vmap(jax.jacfwd(model.step)))(jnp.asarray(signal)))


def estimate_by_hand(name, J):
    norms = np.linalg.norm(J, 2, axis=(2, 3))
    if name == "product_upper_bound":
        return np.exp(np.log(norms).mean(1)).max()
    if name == "arithmetic_mean":
        return np.linalg.norm(J.mean(1), 2, axis=(1, 2)).max()
    if name == "batch_maximum":
        return norms.max()
    logs = np.array([[scipy.linalg.logm(j) for j in row] for row in J])
    return max(np.linalg.norm(scipy.linalg.expm(x), 2) for x in logs.mean(1))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_of_expansion(name, x64):
    trials = task().batch(0, 3)
    model = models.ShallowPLRNN(0, 3, N, n_hidden=7, observation="affine", key=1)
    got = float(eqx.filter_jit(expansion)(name, model, trials))
    if name == "jacobian_upper_bound":
        A, W1, W2 = (np.asarray(x) for x in (model.A, model.W1, model.W2))
        expected = np.abs(A).max() + np.linalg.norm(W1, 2) * np.linalg.norm(W2, 2)
    else:
        expected = estimate_by_hand(name, jacobians(model, trials))
    assert got == pytest.approx(expected, rel=1e-3)


def test_matrices_without_eigenvectors_have_an_expansion(x64):
    defective = np.array([[0.5, 1.0], [0.0, 0.5]])
    expected = np.linalg.norm(defective, 2)
    got = explog_approx(jnp.asarray(np.tile(defective, (1, 4, 1, 1))))
    assert float(got) == pytest.approx(expected, rel=1e-3)
    singular = jnp.asarray(np.tile(np.diag([2.0, 0.0]), (1, 4, 1, 1)))
    assert float(explog_approx(singular)) == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("n", [3, 12])
def test_norms_by_squaring_are_singular_values(n, x64):
    J = np.random.default_rng(0).normal(size=(50, n, n))
    expected = np.linalg.norm(J, 2, axis=(1, 2))
    np.testing.assert_allclose(spectral_norms(jnp.asarray(J)), expected, rtol=1e-3)


def test_alpha_rises_at_once_and_falls_slowly(x64):
    trials, model = task().batch(0, 4), alrnn()
    objective = GeneralisedTeacherForcing("batch_maximum", adapt_every=2, gamma=0.9)
    aux = objective.init(model, task(), key=jax.random.key(0))
    assert float(aux.alpha) == 1.0
    target = max(0.0, 1 - 1 / estimate_by_hand("batch_maximum", jacobians(model, trials)))
    alphas = []
    update = eqx.filter_jit(objective.advance)
    for _ in range(4):
        alpha, aux, _ = update(model, trials, aux)
        alphas.append(float(alpha))
    first = 0.9 + 0.1 * target
    expected = [1.0, first, first, 0.9 * first + 0.1 * target]
    np.testing.assert_allclose(alphas, expected, rtol=1e-3)
    low = aux._replace(alpha=jnp.asarray(0.0), updates=jnp.asarray(1, jnp.int32))
    np.testing.assert_allclose(update(model, trials, low)[0], target, rtol=2e-3, atol=1e-4)


def distance(data, generated):
    return jnp.sqrt(jnp.mean(jnp.square(data.mean(0) - generated.mean(0))))


def test_fits_and_keeps_the_best_free_run(key):
    evaluate = FreeRun(distance, series(), name="training data", n_steps=60, transient=5)
    got = fit(
        alrnn,
        task(noise_std=0.05),
        objective=SparseTeacherForcing(4),
        optimizer=radam(1e-2, 1e-3, epochs=6, steps_per_epoch=20),
        steps=120,
        batch_size=8,
        ensemble=Seeds(2, how="vmap"),
        evaluate=evaluate,
        evaluate_every=30,
        select="min:validation_distance",
        key=1,
    )
    loss = got.history.loss.values
    assert (loss[:, -20:].mean(1) < 0.8 * loss[:, :5].mean(1)).all()
    assert "60 steps after 5 dropped, against training data" in got.history.attrs["evaluation"]
    scores = got.history.validation_distance
    for i, member in enumerate(got.model):
        best = evaluate(member, task(), key=key)["distance"]
        np.testing.assert_allclose(best, scores.isel(seed=i).min(), rtol=1e-3, atol=1e-5)


def test_the_optimiser_decays_by_the_epoch():
    # With a constant gradient Adam's step is the learning rate, once its averages have settled.
    optimizer = radam(0.1, 0.001, epochs=10, steps_per_epoch=3)
    assert optimizer is radam(0.1, 0.001, epochs=10, steps_per_epoch=3)
    with jax.numpy_dtype_promotion("standard"):
        state, steps = optimizer.init(jnp.zeros(())), []
        for _ in range(30):
            update, state = optimizer.update(jnp.ones(()), state)
            steps.append(-float(update))
    decay = 0.01 ** (1 / 10)
    np.testing.assert_allclose(np.array(steps[10:28:3]) / np.array(steps[9:27:3]), 1, rtol=0.2)
    np.testing.assert_allclose(steps[29] / steps[26], decay, rtol=0.1)
    for bad in ({"start": 1e-5, "end": 1e-3}, {"epochs": 0}, {"clip": -1.0}):
        with pytest.raises(ValueError, match=r"must"):
            radam(**bad)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SparseTeacherForcing(0), "`every`.*>= 1"),
        (lambda: GeneralisedTeacherForcing(1.5), "`alpha`.*from 0 to 1"),
        (lambda: GeneralisedTeacherForcing("largest"), "product_upper_bound.*'largest'"),
        (
            lambda: GeneralisedTeacherForcing(0.1, penalties={"latent": -1.0}),
            "'latent'.*>= 0|'latent'.*at least",
        ),
        (
            lambda: SparseTeacherForcing(4, penalties={"size": 1.0}).check(alrnn(), task()),
            "no penalty 'size'.*growth",
        ),
        (
            lambda: SparseTeacherForcing(4).check(models.GRU(0, 4, 2, key=0), task()),
            "GRU cannot be forced",
        ),
        (
            lambda: SparseTeacherForcing(4).check(models.PLRNN(0, 4, 3, key=0), task()),
            "n_outputs=3.*n_outputs=2",
        ),
        (lambda: FreeRun(distance, np.zeros(5), name="x"), r"\(time, output\).*\(5,\)"),
        (lambda: FreeRun(distance, np.full((5, 2), np.nan), name="x"), "finite"),
        (
            lambda: FreeRun(distance, series(), name="x", n_steps=0),
            "whole number >= 1, got 0",
        ),
        (
            lambda: FreeRun(distance, series(), name="x")(
                models.ALRNN(1, M, N, n_relu=2, key=0), task(), key=jax.random.key(0)
            ),
            "n_inputs=1",
        ),
        (
            lambda: FreeRun(distance, np.eye(5), name="x")(alrnn(), task(), key=jax.random.key(0)),
            "5 variables.*n_outputs=2",
        ),
        (
            lambda: FreeRun(distance, series(), name="x")(
                alrnn(h=params.Indexed(2, by="subject")), task(), key=jax.random.key(0)
            ),
            "subject=0",
        ),
        (lambda: FreeRun("D", np.zeros((5, 2)), name="x"), "measure"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
