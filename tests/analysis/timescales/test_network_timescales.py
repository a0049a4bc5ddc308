"""Timescales of driven networks: against what a linear network must show, and an explicit loop."""

import jax
import numpy as np
import pytest

from neurodyn import analysis, labels, models


def linear_chain(tau=(1.0, 4.0, 10.0), W=None):
    """Units without a nonlinearity: autoregressive of first order where they are alone."""
    n = len(tau)
    zeros = np.zeros((n, n), np.float32)
    return models.LeakyRNN(
        1, n, 2, tau=np.asarray(tau, np.float32), activation="identity",
        W=zeros if W is None else W, U=np.ones((1, n), np.float32), key=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def isolated():
    model = linear_chain()
    return analysis.network_timescale(
        model, n_steps=20_000, n_trials=5, chunk=4000, least_share=0.1, key=0
    )


def test_a_unit_alone_has_the_timescale_of_its_leak(isolated):
    # x_t = (1 - 1/tau) x_{t-1} + noise decays as (1 - 1/tau)^k.
    expected = -1 / np.log(1 - 1 / np.array([4.0, 10.0]))
    np.testing.assert_allclose(isolated["tau"][1:], expected, rtol=0.1)
    assert float(isolated["tau"][0]) < 0.7  # no memory
    assert float(analysis.timescale_summary(isolated)["fraction_above"]) == pytest.approx(2 / 3)
    assert isolated["tau"].attrs["units"] == "1"
    np.testing.assert_allclose(isolated["own_tau"], [1, 4, 10])
    labels.check(isolated)


def test_recurrence_alone_lengthens_it():
    W = np.array([[0.0, 0.9], [0.9, 0.0]], np.float32)  # eigenvalues 0.9 and -0.9
    model = linear_chain((1.0, 1.0), W)
    fit = analysis.network_timescale(
        model, n_steps=20_000, n_trials=5, chunk=4000, least_share=0.1, key=0
    )
    # Both units receive the same, so the symmetric mode decays as 0.9^k.
    np.testing.assert_allclose(fit["tau"], -1 / np.log(0.9), rtol=0.1)
    assert float(fit["population_tau"]) == pytest.approx(-1 / np.log(0.9), rel=0.1)
    assert fit["dimension"].values.tolist() == [1] * 5


def test_activity_is_that_of_an_explicit_loop():
    model = models.LeakyRNN(1, 5, 2, key=1)
    options = {"n_steps": 60, "n_trials": 2, "burn_in": 7, "key": 3}
    whole = np.concatenate(list(analysis.driven_activity(model, **options)))
    chunks = [np.asarray(c) for c in analysis.driven_activity(model, chunk=16, **options)]
    assert [len(c) for c in chunks] == [16, 16, 16, 12]
    np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-6)
    # Two steps of the published rule link three samples, whichever of the two bits came in.
    tau = np.maximum(np.asarray(model.tau.value()), 1)
    W, b = np.asarray(model.W.value()), np.asarray(model.b + model.b_in)
    z = (1 - 1 / tau) * whole[:-1] + (whole[:-1] @ W + b) / tau
    both = np.stack([z, z + np.asarray(model.U)[0] / tau])
    both = np.where(both > 0, both, 0.01 * both)
    error = np.abs(both - whole[1:]).max(-1).min(0)
    assert error.max() < 1e-5


def test_bits_follow_their_probability_and_hold():
    model = linear_chain((1.0,))
    run = analysis.driven_activity(
        model, n_steps=600, n_trials=3, p=(0.2, 0.2), hold=3, burn_in=0, key=0
    )
    x = np.concatenate(list(run))[..., 0]
    bits = (x - x.min() > 0.5).astype(int)
    np.testing.assert_array_equal(bits[::3], bits[2::3])
    assert bits.mean() == pytest.approx(0.2, abs=0.05)


def test_flows_count_in_ms():
    model = models.CTRNN(1, 3, 1, tau=50.0, W=np.zeros((3, 3), np.float32), key=0)
    fit = analysis.network_timescale(
        model, n_steps=20_000, n_trials=4, dt=5.0, chunk=4000, least_share=0.1, key=0
    )
    assert fit["tau"].attrs["units"] == "ms"
    np.testing.assert_allclose(fit["tau"], -5 / np.log(1 - 5 / 50), rtol=0.15)


def test_bad_input():
    model = linear_chain()
    with pytest.raises(ValueError, match="run longer"):
        analysis.network_timescale(model, n_steps=20, key=0)
    for name, value in (("longest", 1.0), ("least_share", 0.6), ("fraction", 1.5)):
        with pytest.raises(ValueError, match=name):
            analysis.network_timescale(model, n_steps=10**9, key=0, **{name: value})
    with pytest.raises(ValueError, match="no variable 'voltage'"):
        analysis.driven_activity(model, n_steps=20, variable="voltage", key=0)
    with pytest.raises(ValueError, match="`p`"):
        analysis.driven_activity(model, n_steps=20, p=(0.5, 1.5), key=0)
    with pytest.raises(ValueError, match="key"):
        next(analysis.driven_activity(model, n_steps=20, key=None))
    with pytest.raises(ValueError, match="no input"):
        analysis.driven_activity(models.CTRNN(0, 3, 1, key=0), n_steps=20, key=0)
    unstable = linear_chain((1.0, 1.0), 3 * np.eye(2, dtype=np.float32))
    with pytest.raises(ValueError, match="bounds"):
        analysis.network_timescale(unstable, n_steps=400, n_trials=2, key=jax.random.key(0))
