"""Curricula: stages without recompilation, frozen parts, and the end of training."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn import models, tasks
from neurodyn.training import AbstractCurriculum, Seeds, Threshold, fit
from tests.systems import Filter, Leaky


def test_threshold_walks_through_its_stages():
    curriculum = Threshold(
        "gain", [0.5, 1.0, 2.0], threshold=0.1, metric="validation_mse", lower=True
    )
    done = fit(
        Leaky(),
        Filter(gain=0.5),
        steps=400,
        evaluate_every=10,
        optimizer=optax.adam(1e-2),
        curriculum=curriculum,
        key=0,
    )
    gains = done.history.validation_gain.values
    assert sorted(set(gains.tolist())) == [0.5, 1.0, 2.0]
    assert (np.diff(gains) >= 0).all()
    mse = done.history.validation_mse.values
    moved = np.flatnonzero(np.diff(gains) > 0)
    assert (mse[moved] <= 0.1).all()
    # The last stage is passed at the last evaluation, before the steps are used up.
    assert mse[-1] <= 0.1
    assert gains[-1] == 2.0
    assert done.history.sizes["step"] < 400
    assert float(done.task.gain) == 2.0


@pytest.mark.parametrize("how", ["map", "vmap"])
def test_members_move_on_their_own(how):
    done = fit(
        lambda k: Leaky(key=k),
        Filter(gain=0.5),
        steps=300,
        evaluate_every=10,
        optimizer=optax.adam(1e-2),
        curriculum=Threshold(
            "gain", [0.5, 1.0], threshold=0.05, metric="validation_mse", lower=True
        ),
        ensemble=Seeds(3, how=how),
        key=1,
    )
    gains = done.history.validation_gain.values
    assert len({tuple(row) for row in gains}) > 1
    assert (np.diff(gains, axis=1) >= 0).all()
    # Who has finished takes no further steps; its losses are blank from there on.
    taken = np.isfinite(done.history.loss.values).sum(1)
    assert taken.max() == done.history.sizes["step"]
    assert len(set(taken.tolist())) > 1
    assert (taken % 10 == 0).all()


class SecondHeadLater(AbstractCurriculum):
    """The second output unit joins when the gain is above 1."""

    def check(self, task):
        pass

    def advance(self, task, metrics):
        return eqx.tree_at(lambda t: t.gain, task, task.gain + 0.5), jnp.asarray(False)

    def resize(self, task):
        return task

    def active(self, params, task):
        everything = jax.tree.map(lambda _: jnp.asarray(True), params)
        units = jnp.where(task.gain > 1, 8, 4) > jnp.arange(8)
        return eqx.tree_at(lambda p: p.V, everything, units[:, None])

    def stage(self, task):
        return {"gain": task.gain}


def test_inactive_parameters_do_not_move_even_with_momentum():
    seen = []
    fit(
        Leaky(),
        Filter(gain=0.5),
        steps=20,
        evaluate_every=5,
        curriculum=SecondHeadLater(),
        optimizer=optax.adamw(1e-2, weight_decay=0.1),
        key=0,
        callbacks=[lambda s: seen.append(np.asarray(s.model.V))],
    )
    start = np.asarray(Leaky().V)
    # gain 0.5, 1.0 | 1.5, 2.0: the second half of V starts to move after step 10.
    assert (seen[1][4:] == start[4:]).all()
    assert (seen[1][:4] != start[:4]).all()
    # Adam's first step has the size of the learning rate, which a count from step 0 would not give.
    assert (seen[2][4:] != start[4:]).all()


def test_curricula_must_keep_shapes():
    class Grows(AbstractCurriculum):
        def check(self, task):
            pass

        def advance(self, task, metrics):
            return eqx.tree_at(lambda t: t.gain, task, jnp.ones(2)), jnp.asarray(False)

        def resize(self, task):
            return task

        def active(self, params, task):
            return None

        def stage(self, task):
            return {}

    with pytest.raises(ValueError, match="must keep its shapes"):
        fit(Leaky(), Filter(), steps=2, curriculum=Grows(), key=0)


def test_unknown_metrics_are_named():
    curriculum = Threshold("gain", [1.0, 2.0], threshold=0.9, metric="validation_acuracy")
    with pytest.raises(ValueError, match=r"no metric 'validation_acuracy'; it has validation_cor"):
        fit(Leaky(), Filter(), steps=2, curriculum=curriculum, key=0)
    with pytest.raises(ValueError, match=r"no 'validation_acuracy'; it has"):
        fit(Leaky(), Filter(), steps=2, select="max:validation_acuracy", key=0)


def scored(**scores):
    """An evaluation that returns given numbers for each stage, for curricula over weights."""

    def evaluate(model, task, *, key):
        stage = jnp.argmax(task.weights)
        return {name: jnp.asarray(values)[stage] for name, values in scores.items()}

    return evaluate


def test_tasks_come_one_after_another_without_recompilation():
    """Sequential training: weights are rows of the identity, each stage has its own metric."""
    mixed = tasks.Mixture(
        {"slow": Filter(gain=0.5), "fast": Filter(gain=2.0), "late": Filter()}, weights=(1, 0, 0)
    )
    curriculum = Threshold(
        "weights",
        np.eye(3),
        threshold=(0.9, 0.5, 0.9),
        metric=[f"validation_correct_{name}" for name in mixed.names],
    )
    # The second task passes its own, lower threshold; the third never does.
    evaluate = scored(
        correct_slow=[0.95, 0, 0], correct_fast=[0, 0.6, 0], correct_late=[0.0, 1.0, 0.8]
    )
    seen = []
    done = fit(
        lambda key: models.CTRNN(mixed.n_inputs, 4, mixed.n_outputs, key=key),
        mixed,
        steps=8,
        evaluate_every=2,
        batch_size=4,
        curriculum=curriculum,
        evaluate=evaluate,
        callbacks=lambda s: seen.append(s.metrics["validation_weights_stage"]),
        key=0,
    )
    assert seen == [0, 1, 2, 2]
    assert done.task.weights.tolist() == [0, 0, 1]
    assert done.history.sizes["step"] == 8
    yang = tasks.Yang2019(rules=("fdgo", "dm1"), weights=(1, 0))
    stages = Threshold("weights", [[1, 0], [0, 1], [1, 1]], threshold=0.9)
    stages.check(yang)
    assert stages.stage(yang) == {"weights_stage": 0}
    for correct, expected, ends in ((0.5, 0, False), (0.9, 1, False), (1.0, 2, False)):
        yang, over = stages.advance(yang, {"validation_correct": jnp.asarray(correct)})
        assert (int(stages.stage(yang)["weights_stage"]), bool(over)) == (expected, ends)
    assert bool(stages.advance(yang, {"validation_correct": jnp.asarray(0.95)})[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": [[1, 0], [1, 0]]}, "`values` lists different stages"),
        ({"values": np.eye(2), "threshold": (0.9, 0.8, 0.7)}, "one for all of the 2 stages or one"),
        ({"values": np.eye(2), "metric": ("a", "b", "c")}, "one for all of the 2 stages or one"),
    ],
)
def test_bad_stages_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Threshold("weights", **({"threshold": 0.9} | options))


def test_a_vector_must_fit_the_field():
    mixed = tasks.Mixture({"slow": Filter(gain=0.5), "fast": Filter(gain=2.0)})
    with pytest.raises(
        ValueError, match=r"no array field of shape \(3,\) 'weights'; it has \['weights \(2,\)'\]"
    ):
        Threshold("weights", np.eye(3), threshold=0.9).check(mixed)
    with pytest.raises(ValueError, match=r"(?s)none of the stages .*at the first stage"):
        Threshold("weights", np.eye(2), threshold=0.9).check(mixed)
