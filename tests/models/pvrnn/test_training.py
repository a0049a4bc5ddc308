"""Training weights and adaptive vectors together."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import Ensemble, fit, models, tasks, training

ADAM = optax.adam(1e-2)
N, T = 6, 8


def data(n=N):
    phase = np.random.default_rng(0).uniform(0, 6, (n, 1, 1))
    return 0.7 * np.sin(phase + np.arange(T)[None, :, None])


def network(key=0, n=N, **options):
    return models.PVRNN(1, (4, 3), (2, 1), (2.0, 6.0), sequences=(n, T), key=key, **options)


def train(model, task, steps, **options):
    options = {"sampler": "full", "evaluate": False, "optimizer": ADAM, **options}
    return fit(
        model, task, objective=training.ELBO(), steps=steps, key=3, progress=False, **options
    )


def test_weights_do_not_depend_on_the_training_sequences():
    """So what is timed, counted and inferred with is the network that is trained."""
    with_A, without = network(), models.PVRNN(1, (4, 3), (2, 1), (2.0, 6.0), key=0)
    assert without.A is None
    assert without.W_posterior is not None
    for a, b in zip(
        *(jax.tree.leaves((m.W, m.W_prior, m.W_posterior, m.W_out)) for m in (with_A, without)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_the_bound_rises_and_its_parts_are_recorded():
    got = train(network(), tasks.Sequences(data()), 150).history
    assert float(got["loss"][-10:].mean()) < 0.6 * float(got["loss"][:10].mean())
    assert {"error", "kl_1", "kl_2", "kl_first"} <= set(got)
    assert (got["kl_1"] >= 0).all()


def test_rows_outside_the_batch_do_not_move():
    """Nor does their optimiser state: they would jump when their turn comes."""
    task, model = tasks.Sequences(data()), network(A="normal")
    once = train(model, task, 1, sampler="shuffle", batch_size=2)
    moved = np.abs(once.model.A.values - model.A.values).max((1, 2)) > 0
    assert moved.sum() == 2
    # Adam's first step of a row has the size of the rate, whenever it comes.
    epoch = train(model, task, 3, sampler="shuffle", batch_size=2)
    change = np.abs(epoch.model.A.values - model.A.values)
    np.testing.assert_allclose(change.max((1, 2)), 1e-2, rtol=1e-3)


def test_what_lies_beyond_the_end_of_a_sequence_does_not_count():
    lengths = [8, 5, 6, 8, 3, 7]
    x = data()
    other = x.copy()
    for row, length in zip(other, lengths, strict=True):
        row[length:] = np.nan
    model = network(A="normal")
    trained = [train(model, tasks.Sequences(y, lengths), 5).model for y in (x, other)]
    for a, b in zip(*(jax.tree.leaves(m) for m in trained), strict=True):
        np.testing.assert_array_equal(a, b)
    moved = np.abs(trained[0].A.values - model.A.values).max(-1) > 0
    np.testing.assert_array_equal(moved.sum(1), lengths)


def test_meta_priors_train_side_by_side_in_one_program():
    task = tasks.Sequences(data())
    members = [network(key=s, w=w) for w in (0.001, 1.0) for s in (0, 1)]
    got = train(Ensemble(members), task, 40, ensemble=training.Seeds(len(members), how="vmap"))
    w = [float(m.w.raw[0]) for m in got.model]
    np.testing.assert_allclose(w, [0.001, 0.001, 1.0, 1.0], rtol=1e-6)
    kl = got.history["kl_1"].isel(step=slice(-5, None)).mean("step")
    assert (kl[:2].values > kl[2:].values).all()
    # One step of a member alone is the same step.
    first = train(
        Ensemble(members), task, 1, ensemble=training.Seeds(len(members), how="map")
    ).model
    both = train(
        Ensemble(members), task, 1, ensemble=training.Seeds(len(members), how="vmap")
    ).model
    np.testing.assert_allclose(first.stacked.A.values, both.stacked.A.values, atol=1e-5)


def test_another_meta_prior_does_not_recompile(key):
    task = tasks.Sequences(data())

    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def traced(model):
        return model.negative_elbo(task.validation(), key=key)[0].sum()

    low, high = (
        traced(eqx.tree_at(lambda m: m.w.raw, network(A="normal"), jnp.full(2, w)))
        for w in (0.1, 2.0)
    )
    assert low < high


def test_what_does_not_fit_is_said_before_training():
    task = tasks.Sequences(data())
    with pytest.raises(ValueError, match="n=6"):
        train(network(n=5), task, 1)
    with pytest.raises(ValueError, match=r"sequences of 8 steps.*trials have 5"):
        train(network(), tasks.Sequences(data()[:, :5]), 1)
    with pytest.raises(ValueError, match=r"n_outputs=1.*n_outputs=2"):
        train(network(), tasks.Sequences(np.repeat(data(), 2, -1)), 1)
    with pytest.raises(TypeError, match="negative_elbo"):
        train(models.LeakyRNN(0, 4, 1, key=0), task, 1)
