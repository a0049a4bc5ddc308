"""`fit`: what it returns, and what it does not depend on."""

import importlib
import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import labels, params
from neurodyn.engine.integrate import integrate
from neurodyn.models import CTRNN
from neurodyn.training import (
    AbstractObjective,
    Ensemble,
    Fit,
    Seeds,
    Supervised,
    Threshold,
    fit,
    members,
)
from tests.systems import Filter, Leaky, Sequences


def leaves(tree):
    return [np.asarray(x) for x in jax.tree.leaves(eqx.filter(tree, eqx.is_array))]


def same_bits(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(leaves(a), leaves(b), strict=True))


def by_hand(model, task, *, steps, key, batch_size=64):
    """The same training, one eager optimiser step after the other."""
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))
    _, run_key = jax.random.split(key)
    _, step_key, _, _ = jax.random.split(run_key, 4)
    trained, rest = eqx.partition(model, params.trainable(model))
    state = optimizer.init(trained)
    losses = []

    @jax.jit
    def gradient(trained, trials):
        def loss(trained):
            x = jnp.swapaxes(trials.inputs, 0, 1)
            run = integrate(eqx.combine(trained, rest), x, dt=task.dt)
            return jnp.mean(task.loss(jnp.swapaxes(run.outputs, 0, 1), trials))

        return jax.value_and_grad(loss)(trained)

    for k in range(steps):
        batch_key, _ = jax.random.split(jax.random.fold_in(step_key, k))
        loss, grads = gradient(trained, task.batch(batch_key, batch_size))
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, state = optimizer.update(grads, state, trained)
        trained = optax.apply_updates(trained, updates)
        losses.append(float(loss))
    return eqx.combine(trained, rest), losses


def test_fit_does_what_a_plain_loop_does():
    model, task, key = Leaky(), Filter(), jax.random.key(3)
    expected, losses = by_hand(model, task, steps=12, key=key)
    done = fit(model, task, steps=12, key=key)
    np.testing.assert_allclose(done.history.loss, losses, rtol=2e-5)
    for a, b in zip(leaves(done.model), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_training_learns():
    done = fit(Leaky(), Filter(), steps=150, optimizer=optax.adam(1e-2), key=0)
    assert done.history.validation_mse[-1] < 0.01 < 0.2 < done.history.validation_mse[0]
    assert done.history.validation_correct[-1] == 1


def test_results_do_not_depend_on_chunks(monkeypatch):
    module = importlib.import_module("neurodyn.training.fit")
    results = []
    for call in (1e-9, 1e9):  # one step at a time; as many as there may be
        monkeypatch.setattr(module, "_CALL", call)
        results.append(fit(Leaky(), Filter(), steps=40, evaluate_every=20, key=1))
    assert same_bits(results[0].model, results[1].model)
    assert results[0].history.identical(results[1].history)


def test_evaluations_do_not_change_training():
    a = fit(Leaky(), Filter(), steps=20, evaluate_every=3, key=1)
    b = fit(Leaky(), Filter(), steps=20, evaluate=False, key=1)
    assert same_bits(a.model, b.model)
    assert a.history.evaluation.values.tolist() == [3, 6, 9, 12, 15, 18, 20]
    assert list(b.history.data_vars) == ["grad_norm", "loss"]


def test_one_trace_for_new_seeds_values_and_lengths():
    traces = []

    class Counted(AbstractObjective):
        inner: Supervised

        def check(self, model, task):
            self.inner.check(model, task)

        def init(self, model, task, *, key):
            return None

        def __call__(self, model, task, trials, aux, *, key):
            traces.append(1)
            return self.inner(model, task, trials, aux, key=key)

        def evaluate(self, model, task, trials, aux, *, key):
            return self.inner.evaluate(model, task, trials, aux, key=key)

    objective = Counted(Supervised(rate_penalty=0.1))
    fit(Leaky(), Filter(), objective=objective, steps=3, key=0)
    before = len(traces)
    assert before > 0
    for i in range(3):
        objective = Counted(Supervised(rate_penalty=0.2 + i))
        task = Filter(gain=1.0 + i)
        fit(Leaky(key=i), task, objective=objective, steps=4 + i, key=i, ensemble=1 + i)
    assert len(traces) == before


def test_the_model_and_task_given_are_left_as_they_are():
    model, task = Leaky(), Filter()
    before = leaves((model, task))
    done = fit(model, task, steps=5, key=0)
    assert all((a == b).all() for a, b in zip(leaves((model, task)), before, strict=True))
    fit(done.model, done.task, steps=5, key=0)  # nor are buffers of results given away
    leaves(done.model)


def test_history_is_labelled():
    done = fit(Leaky(), Filter(), steps=10, evaluate_every=5, key=0, ensemble=2)
    assert isinstance(done, Fit)
    labels.check(done.history)
    assert done.history.loss.dims == ("seed", "step")
    assert done.history.validation_correct.dims == ("seed", "evaluation")
    assert "validation_choice" not in done.history  # a code, whose mean says nothing
    assert done.history.loss.attrs["long_name"] == "loss of the batch"
    assert set(done.seconds) == {"compile", "train", "evaluate", "checkpoint"}


def test_only_trainable_leaves_move():
    model = Leaky()
    fixed = params.Fixed(model.W).build(model.W.shape, jax.random.key(0))
    model = eqx.tree_at(lambda m: m.W, model, fixed)
    done = fit(model, Filter(), steps=3, key=0, optimizer=optax.adamw(0.1, weight_decay=0.5))
    assert same_bits(done.model.W, model.W)
    assert same_bits(done.model.tau.low, model.tau.low)
    assert not same_bits(done.model.tau.raw, model.tau.raw)


def test_select_keeps_the_best_evaluation():
    down_then_up = optax.sgd(lambda count: jnp.where(count < 15, 0.1, -0.1))
    options = {"steps": 30, "evaluate_every": 5, "optimizer": down_then_up, "key": 2}
    seen = []
    last = fit(Leaky(), Filter(), **options, callbacks=[lambda s: seen.append(s)])
    best = fit(Leaky(), Filter(), **options, select="min:validation_mse")
    number = int(np.argmin(last.history.validation_mse.data))
    assert number < len(seen) - 1
    assert same_bits(best.model, seen[number].model)
    assert same_bits(last.model, seen[-1].model)
    assert same_bits(
        fit(Leaky(), Filter(), **options, select="best:validation_loss").model, best.model
    )


@pytest.mark.parametrize("true", [True, 1, np.True_, np.array(1), jnp.asarray(True), "enough"])
def test_a_callback_may_end_training(true):
    def stop(snapshot):
        return true if snapshot.step >= 10 else None

    for callbacks in (stop, [stop], (lambda s: None, stop)):
        done = fit(Leaky(), Filter(), steps=50, evaluate_every=5, key=0, callbacks=callbacks)
        assert done.history.sizes["step"] == 10


def test_a_callback_that_says_neither_is_named():
    def several(snapshot):
        return np.array([True, False])

    with pytest.raises(TypeError, match=r"callback several returned a ndarray.*return True"):
        fit(Leaky(), Filter(), steps=5, key=0, callbacks=several)


def test_callbacks_that_would_never_be_called_are_refused():
    with pytest.raises(ValueError, match="called after evaluations: leave out evaluate=False"):
        fit(Leaky(), Filter(), steps=5, key=0, evaluate=False, callbacks=print)


def test_metrics_have_the_same_names_everywhere():
    seen = []
    options = {"steps": 4, "evaluate_every": 2, "key": 0}
    done = fit(Leaky(), Filter(), **options, callbacks=lambda s: seen.append(s.metrics))
    evaluated = {n for n, x in done.history.items() if x.dims == ("evaluation",)}
    assert set(seen[-1]) == {"loss", *evaluated}
    for name in evaluated:
        for select in (f"min:{name}", f"max:{name}"):
            fit(Leaky(), Filter(), **options, select=select)
    with pytest.raises(ValueError, match=r"write 'best:validation_correct'"):
        fit(Leaky(), Filter(), **options, select="best:correct")
    with pytest.raises(ValueError, match=r"no 'validation_speed'; it has validation_correct, "):
        fit(Leaky(), Filter(), **options, select="max:validation_speed")


@pytest.mark.parametrize("how", [None, "map", "vmap"])
def test_patience_ends_each_member_for_itself(how):
    down_then_up = optax.sgd(lambda count: jnp.where(count < 15, 0.1, -0.1))
    options = {"evaluate_every": 5, "optimizer": down_then_up, "key": 2}
    options["ensemble"] = None if how is None else Seeds(2, how=how)
    make = lambda key: Leaky(key=key)  # noqa: E731
    free = fit(make, Filter(), steps=60, **options)
    short = fit(make, Filter(), steps=60, **options, patience=3, select="min:validation_mse")
    mse = np.atleast_2d(free.history.validation_mse)
    best = np.argmin(mse, axis=1)
    assert (best + 3 < mse.shape[1] - 1).all()
    taken = np.isfinite(np.atleast_2d(short.history.loss)).sum(1)
    np.testing.assert_array_equal(taken, 5 * (best + 1 + 3))
    if how is None:  # and the model is the best one
        kept = fit(make, Filter(), steps=5 * int(best[0] + 1), **options)
        assert same_bits(short.model, kept.model)
        last = fit(make, Filter(), steps=60, **options, patience=3)
        assert same_bits(last.model, fit(make, Filter(), steps=int(taken[0]), **options).model)


def test_own_evaluation():
    def evaluate(model, task, *, key):
        return {"gain": task.gain, "size": jnp.linalg.norm(model.W)}

    done = fit(Leaky(), Filter(gain=2.0), steps=4, evaluate=evaluate, evaluate_every=2, key=0)
    assert done.history.validation_gain.values.tolist() == [2.0, 2.0]


def test_two_metrics_of_one_name_are_refused():
    def evaluate(model, task, *, key):
        return {"gain": task.gain, "validation_gain": task.gain}

    with pytest.raises(ValueError, match=r"'gain' and 'validation_gain', which are one name"):
        fit(Leaky(), Filter(), steps=4, evaluate=evaluate, key=0)


def test_works_in_double_precision():
    with jax.enable_x64(True):
        done = fit(lambda k: Leaky(key=k), Filter(), steps=3, key=0, ensemble=3)
        assert all(x.dtype == np.float64 for x in leaves(done.model) if x.dtype.kind == "f")
        assert done.history.loss.dtype == np.float64


def test_only_the_last_step_scored():
    task = Filter(scored="last")
    done = fit(Leaky(), task, steps=100, optimizer=optax.adam(1e-2), key=0)
    assert done.history.validation_mse[-1] < 0.02


class Watch:
    """A callback, were it called: its class takes a snapshot too, and an object is true."""

    def __init__(self, snapshot):
        pass


BAD = {
    "steps": [0, -1, 2.5, True, "many"],
    "batch_size": [0, -2, 1.5],
    "sampler": ["shuffled", "shuffle", "full"],
    "evaluate_every": [0, -3, 1.5],
    "select": ["best", "best:validation_choice", "best:correct", "max:loss", "first", "max:", 3],
    "patience": [0, 1.5, "long", True],
    "callbacks": [3, "stop", [None], Fit, Watch, [Watch], [print, "stop"]],
    "ensemble": [0, "two", 1.5],
    "objective": ["mse", lambda x: x],
    "gradient": ["bptt"],
    "optimizer": ["adam", 1e-3],
    "curriculum": [
        "harder",
        Threshold("dt", [1, 2], threshold=1),
        Threshold("gain", [3, 4], threshold=1),
    ],
    "evaluate": ["all"],
    "key": [None, "zero", 1.5],
    "checkpoint_every": [5],
    "resume": [True],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in BAD.items() for v in vs])
def test_bad_arguments_are_refused_before_compilation(name, value, monkeypatch):
    monkeypatch.setattr(members, "compile_missing", lambda *_: pytest.fail("compiled"))
    options = {"steps": 2, "key": 0} | {name: value}
    with pytest.raises((ValueError, TypeError)) as error:
        inspect.unwrap(fit)(Leaky(), Filter(), **options)  # as users meet it, without beartype
    text = str(error.value)
    assert len(text) > 30
    assert "beartype" not in text


def test_model_and_task_must_fit():
    with pytest.raises(ValueError, match=r"n_inputs=2.*n_inputs=1.*task.n_inputs"):
        fit(Leaky(n_inputs=2), Filter(), steps=1, key=0)
    with pytest.raises(ValueError, match=r"n_outputs=3.*n_outputs=1"):
        fit(Leaky(n_outputs=3), Filter(), steps=1, key=0)
    with pytest.raises(ValueError, match="tau"):
        fit(CTRNN(1, 4, 1, tau=5.0, key=0), Filter(dt=10.0), steps=1, key=0)
    with pytest.raises(TypeError, match="must be a task"):
        fit(Leaky(), "parity", steps=1, key=0)
    with pytest.raises(TypeError, match="must be a system"):
        fit(jnp.ones(3), Filter(), steps=1, key=0)
    with pytest.raises(TypeError, match="must be a system"):
        fit(Filter(), Filter(), steps=1, key=0)
    with pytest.raises(ValueError, match=r"Leaky\.W holds NaN"):
        fit(
            eqx.tree_at(lambda m: m.W, Leaky(), jnp.full((8, 8), jnp.nan)), Filter(), steps=1, key=0
        )
    with pytest.raises(ValueError, match="ensemble of 2, but ensemble asks for 3"):
        fit(Ensemble([Leaky(key=0), Leaky(key=1)]), Filter(), steps=1, key=0, ensemble=Seeds(3))
    with pytest.raises(ValueError, match="more than the 10 items"):
        fit(Leaky(), Sequences(10), steps=1, key=0, sampler="shuffle", batch_size=11)
    frozen = jax.tree.map(
        lambda x: params.Fixed(x).build(x.shape, jax.random.key(0)),
        eqx.filter(Leaky(), eqx.is_array),
    )
    with pytest.raises(ValueError, match="no parameter that may be trained"):
        fit(frozen, Filter(), steps=1, key=0)
