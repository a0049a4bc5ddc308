"""Rows of indexed parameters: each with its own optimiser, and unmoved outside the batch."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import params
from neurodyn.training import fit
from neurodyn.training.indexed import apply_gradients, init_optimizer
from tests.neurodyn.training.test_fit import same_bits
from tests.systems import Filter, Sequences, Variational


class Two(eqx.Module):
    w: jax.Array
    a: params.Indexed


def batch_of(items):
    trials = Sequences(6).validation()
    return eqx.tree_at(lambda t: t.item, trials, jnp.asarray(items, jnp.int32))


def test_each_row_has_its_own_adam():
    """Against one optimiser for every row, run only when the row is in the batch."""
    rng = np.random.default_rng(0)
    optimizer = optax.adam(0.1)
    start = rng.normal(size=(6, 3)).astype(np.float32)
    tree = Two(jnp.ones(2), params.Indexed(len(start), values=jnp.asarray(start)))
    state = init_optimizer(optimizer, tree)
    with jax.numpy_dtype_promotion("standard"):
        rows = [(jnp.asarray(r), optimizer.init(jnp.asarray(r))) for r in start]
    for items in ([0, 2, 2], [5, 0, 1], [2, 3, 0], [4, 4, 4]):
        grad = np.zeros((6, 3), np.float32)
        for i in items:  # trials of one row add up
            grad[i] += rng.normal(size=3)
        grads = Two(jnp.ones(2), params.Indexed(len(grad), values=jnp.asarray(grad)))
        tree, state = apply_gradients(optimizer, grads, state, tree, batch_of(items))
        for i in set(items):
            value, own = rows[i]
            with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
                update, own = optimizer.update(jnp.asarray(grad[i]), own)
            rows[i] = optax.apply_updates(value, update), own
    np.testing.assert_allclose(tree.a.values, np.stack([r for r, _ in rows]), rtol=1e-6)
    counts = [int(own[0].count) for _, own in rows]
    assert state["rows"][0][0].count.tolist() == counts == [3, 1, 2, 1, 1, 1]
    np.testing.assert_allclose(
        state["rows"][0][0].mu, np.stack([own[0].mu for _, own in rows]), rtol=1e-6
    )
    assert int(state["shared"][0].count) == 4


def test_rows_outside_the_batch_do_not_move_in_fit():
    task, model = Sequences(10), Variational(10)
    seen = []
    fit(
        model,
        task,
        steps=5,
        batch_size=2,
        sampler="shuffle",
        evaluate_every=1,
        optimizer=optax.adam(0.05),
        key=0,
        callbacks=[lambda s: seen.append(np.asarray(s.model.a.values))],
    )
    previous = np.asarray(model.a.values)
    moved = []
    for values in seen:
        rows = np.flatnonzero((values != previous).any((1, 2)))
        assert len(rows) == 2
        moved += rows.tolist()
        previous = values
    assert sorted(moved) == list(range(10))  # one epoch: every item once


def test_training_in_minibatches_learns_the_sequences():
    task, model = Sequences(8), Variational(8)
    done = fit(
        model,
        task,
        steps=400,
        batch_size=4,
        sampler="shuffle",
        optimizer=optax.adam(0.02),
        key=0,
    )
    mse = done.history.validation_mse
    assert mse[-1] < 0.5 * mse[0]


def test_rows_by_subject():
    task, model = Sequences(10), Variational(2, by="subject")
    done = fit(model, task, steps=3, batch_size=4, key=0)
    assert done.model.a.values.shape == model.a.values.shape
    assert not same_bits(done.model.a, model.a)


def test_full_batches_move_every_row():
    done = fit(Variational(6), Sequences(6), steps=1, sampler="full", key=0)
    assert (
        (np.asarray(done.model.a.values) != np.asarray(Variational(6).a.values)).any((1, 2)).all()
    )


def test_sequences_and_rows_must_match():
    with pytest.raises(ValueError, match=r"each of 4 sequences.*10 items.*n=10"):
        fit(Variational(4), Sequences(10), steps=1, key=0)
    with pytest.raises(ValueError, match="use a task over stored items"):
        fit(Variational(4), Filter(), steps=1, key=0)
