"""When training diverges: where, why, and what is left."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import models, params
from neurodyn.io.archive import read_archive
from neurodyn.training import AbstractObjective, DivergenceError, Seeds, TrainingError, fit
from tests.neurodyn.training.test_fit import same_bits
from tests.systems import Filter, Leaky, Sequences


class Breaks(AbstractObjective):
    """A loss whose gradient with respect to `U` alone is NaN for some batches."""

    worst: jax.Array

    def check(self, model, task):
        pass

    def init(self, model, task, *, key):
        return jnp.zeros((), jnp.int32)

    def __call__(self, model, task, trials, aux, *, key):
        # sqrt at 0 is fine, its slope times 0 is not.
        bad = jnp.where(aux == self.worst, 0.0, 1.0)
        loss = jnp.sum(model.V**2) + jnp.sum(0 * jnp.sqrt(bad * model.U**2))
        return loss, {"x": loss}, aux + 1

    def evaluate(self, model, task, trials, aux, *, key):
        return {"loss": jnp.sum(model.V**2)}


def breaking(step, **options):
    return fit(
        Leaky(),
        options.pop("task", Filter()),
        objective=Breaks(jnp.asarray(step, jnp.int32)),
        key=4,
        **options,
    )


def test_step_batch_and_parameter_are_named(tmp_path):
    path = tmp_path / "run.checkpoint"
    with pytest.raises(
        DivergenceError, match=r"step 17.*gradients of \.U are not finite"
    ) as caught:
        breaking(17, steps=40, evaluate_every=5, checkpoint=path, checkpoint_every=4)
    error = caught.value
    assert isinstance(error, TrainingError)
    assert (error.step, error.seed, error.parameters) == (17, 0, [".U"])
    good = breaking(-1, steps=17, evaluate_every=5)
    assert same_bits(error.model, good.model)  # the model as it was before the bad step
    assert error.history.sizes["step"] == 17
    np.testing.assert_array_equal(error.history.loss, good.history.loss)
    assert read_archive(path, kind="checkpoint")[0]["step"] == 16


def test_the_batch_can_be_looked_at():
    task = Sequences(10)
    task = eqx.tree_at(lambda t: t.data, task, task.data.at[6, 3].set(jnp.nan))
    with pytest.raises(DivergenceError, match=r"items \[.*whose own inputs or targets") as caught:
        fit(Leaky(), task, steps=40, batch_size=2, sampler="shuffle", evaluate=False, key=0)
    assert 6 in caught.value.trials.item
    assert caught.value.step < 5


def test_a_loss_that_overflows():
    with pytest.raises(DivergenceError, match=r"diverged at step") as caught:
        fit(Leaky(), Filter(), steps=500, optimizer=optax.sgd(100.0), key=0)
    model = caught.value.model
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(eqx.filter(model, eqx.is_array)))


class Hastens(AbstractObjective):
    """A loss that only shortens the time constants."""

    def check(self, model, task):
        pass

    def init(self, model, task, *, key):
        return None

    def __call__(self, model, task, trials, aux, *, key):
        loss = jnp.sum(params.with_values(model).tau)
        return loss, {}, aux

    def evaluate(self, model, task, trials, aux, *, key):
        return {"loss": jnp.sum(params.with_values(model).tau)}


@pytest.mark.parametrize("evaluate", [None, False])
def test_a_time_constant_below_the_step_is_reported(evaluate):
    model = models.CTRNN(1, 4, 1, tau=params.Free(10.2), key=0)
    options = {"objective": Hastens(), "evaluate": evaluate, "ensemble": 2, "key": 0}
    with pytest.warns(UserWarning, match="`tau` must not be below the step dt=10") as log:
        fit(model, Filter(dt=10.0), steps=30, optimizer=optax.sgd(0.1), **options)
    step = 30 if evaluate is False else 3
    for seed in range(2):
        said = [str(w.message) for w in log if f"of seed {seed} came" in str(w.message)]
        assert len(said) == 1
        assert f"by step {step}:" in said[0]


def test_a_bounded_time_constant_stays_above_the_step():
    model = models.CTRNN(1, 4, 1, tau=params.Bounded(10.0, 99.0, init=10.2), key=0)
    trained = fit(model, Filter(dt=10.0), objective=Hastens(), steps=30, key=0)
    assert float(params.with_values(trained.model).tau.min()) >= 10.0


@pytest.mark.parametrize("how", ["map", "vmap"])
def test_the_member_is_named(how):
    def start(key):
        model = Leaky(key=key)
        # Member 1 starts where its first step overflows.
        bad = jax.random.key_data(key)[0] == jax.random.key_data(keys[1])[0]
        return eqx.tree_at(lambda m: m.V, model, jnp.where(bad, 1e30, 1.0) * model.V)

    keys = [jax.random.split(jax.random.fold_in(jax.random.key(0), i))[0] for i in range(3)]
    with pytest.raises(DivergenceError, match="of seed 1 diverged at step 0") as caught:
        fit(start, Filter(), steps=5, ensemble=Seeds(3, how=how), key=0)
    assert caught.value.seed == 1
