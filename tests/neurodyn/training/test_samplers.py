"""Which trials a step sees."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.training.samplers import make_sampler
from tests.systems import Filter, Sequences


def draws(sampler, task, n_steps):
    """Items of the batches of consecutive steps."""
    order, found = sampler.init(task), []
    draw = eqx.filter_jit(sampler.draw)
    for k in range(n_steps):
        number = jnp.asarray(k, jnp.int32)
        keys = {"key": jax.random.key(100 + k), "order_key": jax.random.key(1)}
        trials, order = draw(task, order, number, **keys)
        found.append(np.asarray(trials.item))
    return found


def test_shuffle_sees_every_item_in_every_epoch():
    task = Sequences(10)
    batches = draws(make_sampler("shuffle", task, 4), task, 9)
    assert all(len(set(b.tolist())) == 4 for b in batches)  # none twice in a batch
    epochs = [np.concatenate(batches[i : i + 3]) for i in (0, 3, 6)]
    for epoch in epochs:
        assert set(epoch.tolist()) == set(range(10))
        assert epoch[10:].tolist() == epoch[:2].tolist()
    assert epochs[0].tolist() != epochs[1].tolist()


def test_full_is_all_of_it():
    task = Sequences(7)
    assert draws(make_sampler("full", task, 64), task, 1)[0].tolist() == list(range(7))


def test_random_is_the_task_s_own_batch():
    task = Filter()
    key = jax.random.key(3)
    trials, _ = make_sampler("random", task, 5).draw(
        task, None, jnp.zeros((), jnp.int32), key=key, order_key=key
    )
    assert (trials.inputs == task.batch(key, 5).inputs).all()


class Uneven(eqx.Module):
    """Items of different length in one buffer."""

    inner: Sequences
    n_items: int = 4

    def item(self, i):
        trial = self.inner.item(i)
        return eqx.tree_at(lambda t: t.length, trial, 3 + i, is_leaf=lambda x: x is None)


def test_length_of_a_batch_covers_the_longest():
    from neurodyn.training.samplers import _items

    task = Uneven(Sequences(4))
    trials = _items(task, jnp.array([0, 2], jnp.int32))
    assert int(trials.length) == 5
    assert trials.inputs.shape[0] == 2
