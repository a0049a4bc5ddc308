"""The VRNN against equations written out in NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import neurodyn as nd
from neurodyn import labels, models
from neurodyn.analysis import latent_summary
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.task import Trial

SIZES = [(2, 5, 3, 4), (1, 3, 1, 6), (4, 2, 2, 2)]  # outputs, units, latents, features


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dense(layer, x):
    return x @ np.asarray(layer.W) + np.asarray(layer.b)


def relu(x):
    return np.maximum(x, 0)


def gaussian(net, x, least):
    out = dense(net.heads, relu(dense(net.hidden, x)))
    half = out.shape[-1] // 2
    return out[:half], least + softplus(out[half:])


def oracle(model, observed, noise):
    """One sequence, one step at a time: nll and kl of every step, states and outputs."""
    h, c = np.zeros(model.n_units), np.zeros(model.n_units)
    rows = []
    for x, eps in zip(observed, noise, strict=True):
        mp, sp = gaussian(model.prior, h, 1e-4)
        fx = relu(dense(model.observation, x))
        mq, sq = gaussian(model.posterior, np.concatenate([fx, h]), 1e-4)
        z = mq + sq * eps
        fz = relu(dense(model.feature, z))
        mx, sx = gaussian(model.decoder, np.concatenate([fz, h]), float(model.min_std.value()))
        nll = -scipy.stats.norm.logpdf(x, mx, sx)
        kl = np.log(sp / sq) + (sq**2 + (mq - mp) ** 2) / (2 * sp**2) - 0.5
        gates = dense(model.U, np.concatenate([fx, fz])) + h @ np.asarray(model.W)
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        rows.append((nll, kl, h, mx))
    return [np.array(part) for part in zip(*rows, strict=True)]


@pytest.mark.parametrize("sizes", SIZES)
def test_both_parts_of_the_bound(sizes, x64):
    n_outputs, n_units, n_latents, n_features = sizes
    model = models.VRNN(n_outputs, n_units, n_latents, n_features=n_features, key=1)
    rng = np.random.default_rng(0)
    observed = rng.normal(size=(7, 3, n_outputs))
    noise = rng.normal(size=(7, 3, n_latents))
    nll, kl = model.bound(jnp.asarray(observed), jnp.asarray(noise))
    for b in range(3):
        expected = oracle(model, observed[:, b], noise[:, b])
        np.testing.assert_allclose(nll[:, b], expected[0], atol=1e-8)
        np.testing.assert_allclose(kl[:, b], expected[1], atol=1e-8)


def test_stepping_through_observations_gives_the_same(x64):
    model = models.VRNN(2, 5, 3, key=1)
    observed = np.random.default_rng(0).normal(size=(9, 2))
    state, blank = model.initial_state(dt=1.0), np.zeros((9, 3))
    expected = oracle(model, observed, blank)
    got = integrate(
        model, jnp.asarray(observed), dt=1.0, save=Save(variables=("hidden",)), state=None
    )
    assert state.x.hidden.shape == (5,)
    # Without a key latents take their means.
    np.testing.assert_allclose(got.variables["hidden"], expected[2], atol=1e-10)
    np.testing.assert_allclose(got.outputs, expected[3], atol=1e-10)


def test_without_observations_it_reads_what_it_expects(x64):
    model = models.VRNN(2, 5, 3, key=1)
    free = integrate(model, dt=1.0, n_steps=6, save=Save(variables=("hidden", "kl")))
    np.testing.assert_allclose(free.variables["kl"], 0.0, atol=1e-15)
    h, c = np.zeros(5), np.zeros(5)
    for k in range(6):
        z, _ = gaussian(model.prior, h, 1e-4)
        fz = relu(dense(model.feature, z))
        x, _ = gaussian(model.decoder, np.concatenate([fz, h]), 0.01)
        gates = dense(model.U, np.concatenate([relu(dense(model.observation, x)), fz]))
        i, f, g, o = np.split(gates + h @ np.asarray(model.W), 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(free.outputs[k], x, atol=1e-10)
        np.testing.assert_allclose(free.variables["hidden"][k], h, atol=1e-10)


def test_gradient_of_the_bound_against_finite_differences(x64):
    model = models.VRNN(2, 4, 2, key=1)
    rng = np.random.default_rng(0)
    observed, noise = (
        jnp.asarray(rng.normal(size=(5, 2, 2))),
        jnp.asarray(rng.normal(size=(5, 2, 2))),
    )

    @eqx.filter_jit
    def loss(model):
        nll, kl = model.bound(observed, noise)
        return nll.sum() + kl.sum()

    gradient = eqx.filter_grad(loss)(model)
    for where in (lambda m: m.W, lambda m: m.prior.heads.W, lambda m: m.observation.b):
        weights = where(model)
        direction = jax.random.normal(jax.random.key(2), weights.shape, weights.dtype)
        up, down = (
            loss(eqx.tree_at(where, model, weights + s * 1e-6 * direction)) for s in (1, -1)
        )
        expected = jnp.sum(where(gradient) * direction)
        np.testing.assert_allclose((up - down) / 2e-6, expected, rtol=1e-6)


def trials_with(targets, mask):
    targets, mask = jnp.asarray(targets), jnp.asarray(mask)
    return Trial(jnp.zeros((*targets.shape[:2], 0)), targets, mask, {}, {})


def holed():
    """Sequences of which some numbers, a whole step and the end of one are unknown."""
    targets = np.random.default_rng(0).normal(size=(3, 7, 2))
    targets[0, 2, 1] = targets[1, 3] = targets[2, 5:] = np.nan
    mask = np.isfinite(targets).astype(float)
    mask[0, 0] = 0.0  # known, but not scored
    return targets, mask


def test_unknown_targets_are_neither_scored_nor_read(x64, key):
    model = models.VRNN(2, 5, 3, key=1)
    targets, mask = holed()
    loss, parts = model.negative_elbo(trials_with(targets, mask), key=key)
    noise = np.asarray(jax.random.normal(key, (7, 3, 3), jnp.float64))
    read, lengths, totals = np.nan_to_num(targets), (7, 7, 5), np.zeros(2)
    for b, n in enumerate(lengths):
        nll, kl, *_ = oracle(model, read[b, :n], noise[:n, b])
        both = (nll * mask[b, :n]).sum(), kl.sum()
        np.testing.assert_allclose(loss[b], sum(both), rtol=1e-8)
        totals += both
    np.testing.assert_allclose(parts["error"], totals[0] / sum(lengths), rtol=1e-8)
    np.testing.assert_allclose(parts["kl"], totals[1] / sum(lengths), rtol=1e-8)


def test_the_gradient_with_unknown_targets_is_that_of_the_known_ones(x64, key):
    targets, mask = holed()
    model = models.VRNN(2, 5, 3, key=1)

    @eqx.filter_jit
    def loss(model, targets):
        return model.negative_elbo(trials_with(targets, mask), key=key)[0].sum()

    unknown, known = (eqx.filter_grad(loss)(model, x) for x in (targets, np.nan_to_num(targets)))
    for a, b in zip(jax.tree.leaves(unknown), jax.tree.leaves(known), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)
    direction = jax.random.normal(jax.random.key(2), model.observation.W.shape, jnp.float64)
    up, down = (
        loss(eqx.tree_at(lambda m: m.observation.W, model, replace_fn=lambda W: W + h), targets)
        for h in (1e-6 * direction, -1e-6 * direction)
    )
    expected = jnp.sum(unknown.observation.W * direction)
    np.testing.assert_allclose((up - down) / 2e-6, expected, rtol=1e-6)


def test_an_unknown_target_that_is_scored_is_not_passed_over(key):
    targets, mask = holed()
    mask[0, 2, 1] = 1.0
    targets, mask = targets.astype(np.float32), mask.astype(np.float32)
    loss, _ = models.VRNN(2, 5, 3, key=1).negative_elbo(trials_with(targets, mask), key=key)
    assert np.isnan(loss[0])
    assert np.isfinite(loss[1:]).all()


def test_its_latents_are_named_as_those_of_other_variational_networks():
    model = models.VRNN(2, 5, 3, key=1)
    x = 0.3 * np.random.default_rng(0).normal(size=(4, 6, 2))
    run = nd.simulate(model, x, dt=1.0, key=0)
    labels.check(run)
    assert run["kl"].attrs["units"] == "nat"
    got = latent_summary(run)
    kl = run["kl"].transpose("trial", "time", "layer").values
    np.testing.assert_allclose(got["kl"], [kl[:, 1:].mean()], rtol=1e-5)
    sigma = run["sigma"].transpose("trial", "time", "latent").values
    np.testing.assert_allclose(got["sigma_q"], [sigma[:, 1:].mean()], rtol=1e-5)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="n_units"):
        models.VRNN(2, 0, 2, key=0)
    with pytest.raises(ValueError, match="min_std"):
        models.VRNN(2, 3, 2, min_std=0.0, key=0)
