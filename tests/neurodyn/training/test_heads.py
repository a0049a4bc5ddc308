"""Curricula over heads: who moves on to what, what rests, and buffers that grow on the way."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from neurodyn.models import LeakyRNN
from neurodyn.tasks import NDMS, FlipFlop, NParity
from neurodyn.training import (
    CheckpointError,
    FreshTrials,
    Heads,
    Seeds,
    fit,
)

OPTIMIZER = optax.sgd(0.3, momentum=0.5, nesterov=True)


def metrics(mean, largest=None):
    return {
        "validation_correct": jnp.asarray(mean),
        "validation_correct_largest": jnp.asarray(largest or mean),
    }


def walk(curriculum, task, stages):
    """The N after each of so many stages that are passed, and whether training ends."""
    seen, done = [], False
    for _ in range(stages):
        task, done = curriculum.advance(task, metrics(0.99))
        seen.append(np.asarray(task.ns).tolist())
    return seen, bool(done)


def test_single_goes_on_with_one_head():
    assert walk(Heads.single(), NParity(2), 3) == ([[3], [4], [5]], False)
    assert walk(Heads.single(n_last=4), NParity(2), 3) == ([[3], [4], [4]], True)


def test_cumulative_adds_heads_until_there_are_no_more():
    task = NParity(2, n_heads=4)
    expected = [[2, 3, 0, 0], [2, 3, 4, 0], [2, 3, 4, 5]]
    assert walk(Heads.cumulative(), task, 3) == (expected, False)
    assert walk(Heads.cumulative(), task, 4) == ([*expected, expected[-1]], True)
    assert walk(Heads.cumulative(2), task, 2) == ([[2, 3, 4, 0]] * 2, True)


def test_sliding_reuses_heads_by_position():
    task = NParity(range(2, 12), n_heads=10)
    assert walk(Heads.sliding(10, 5), task, 1) == ([list(range(7, 17))], False)
    assert walk(Heads.sliding(3, 1), NParity([2, 3, 4], n_heads=5), 2)[0][-1] == [4, 5, 6, 0, 0]


def test_no_curriculum_ends_at_the_first_success():
    assert walk(Heads.constant(), NParity(6), 1) == ([[6]], True)


@pytest.mark.parametrize("seen", [(0.98, 0.99), (0.99, 0.98), (float("nan"), 0.99)])
def test_both_accuracies_must_exceed_the_threshold(seen):
    task, done = Heads.cumulative().advance(NParity(2, n_heads=3), metrics(*seen))
    assert np.asarray(task.ns).tolist() == [2, 0, 0]
    assert not bool(done)


def toy(curriculum, task, *, n_units=12, steps=60, key=0, **options):
    return fit(
        lambda k: LeakyRNN(1, n_units, task.n_outputs, key=k),
        task,
        optimizer=OPTIMIZER,
        steps=steps,
        batch_size=8,
        evaluate=FreshTrials(2, 8),
        evaluate_every=10,
        curriculum=curriculum,
        key=key,
        **options,
    )


def always(**options):
    """A threshold that every evaluation exceeds: stages change at every one."""
    return {"threshold": 0.0, **options}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A run through three stages, its models after each, and its checkpoint of the second."""
    folder, seen = tmp_path_factory.mktemp("grown"), []
    path, early = folder / "run.ckpt", folder / "early.ckpt"

    def look(snapshot):
        seen.append(snapshot.model)
        if snapshot.step == 30:  # the file is still that of step 20
            shutil.copy(path, early)

    options = {"steps": 30, "callbacks": [look], "checkpoint": path, "checkpoint_every": 10}
    whole = toy(Heads.cumulative(**always()), NDMS(2, n_heads=3, capacity=3), **options)
    return whole, seen, early


def test_heads_at_rest_do_not_move(grown):
    _, seen, _ = grown
    start = LeakyRNN(1, 12, 6, key=jax.random.split(jax.random.key(0))[0])
    before = np.asarray(start.W_out)
    assert len(seen) == 3
    for stage, model in enumerate(seen):
        W_out, used = np.asarray(model.W_out), 2 * (stage + 1)
        assert (W_out[:, used:] == before[:, used:]).all()
        assert (W_out[:, :used] != before[:, :used]).all()


def test_buffers_grow_and_resumed_runs_have_the_same_bits(grown):
    whole, _, early = grown
    # Resumed with the task of the first stage, whose buffer is too small for where it stopped.
    task = NDMS(2, n_heads=3, capacity=3)
    assert (task.n_bits, whole.task.n_bits) == (16, 24)
    assert whole.history.validation_n_max.values.tolist() == [2, 3, 4]
    assert whole.history.validation_n_heads.values.tolist() == [1, 2, 3]
    with pytest.raises(CheckpointError, match="another curriculum"):
        toy(Heads.single(**always()), task, steps=30, checkpoint=early, resume=True)
    steps = []
    look = [lambda snapshot: steps.append(snapshot.step)]
    options = {"steps": 30, "checkpoint": early, "resume": True, "callbacks": look}
    more = toy(Heads.cumulative(**always()), task, **options)
    assert steps == [30]
    assert more.task.n_bits == 24
    for name in ("U", "W_out"):
        assert (np.asarray(getattr(more.model, name)) == getattr(whole.model, name)).all()
    assert (np.asarray(more.model.tau.raw) == whole.model.tau.raw).all()
    assert whole.history.identical(more.history)


@pytest.mark.parametrize("how", ["map", "vmap"])
def test_members_have_the_buffers_of_their_stages(how):
    task = NDMS(2, n_heads=2, capacity=2)
    done = toy(Heads.cumulative(threshold=0.6), task, steps=20, ensemble=Seeds(3, how=how), key=3)
    reached = [int(t.n_max) for t in done.task]
    assert set(reached) == {2, 3}
    sizes = [t.n_bits for t in done.task]
    expected = [task.with_ns(range(2, n + 1)).n_bits for n in reached]
    assert sizes == (expected if how == "map" else [max(expected)] * 3)


def test_a_sliding_window_learns():
    seen = toy(
        Heads.sliding(2, 1, threshold=0.9, n_last=4),
        NDMS([2, 3], n_heads=2, capacity=5),
        steps=1500,
        n_units=32,
        callbacks=[lambda snapshot: bool(snapshot.metrics["validation_n_min"] >= 3)],
    ).history
    assert seen.validation_n_min.values.max() >= 3
    assert (np.diff(seen.validation_n_max.values) >= 0).all()


def test_fresh_trials_differ_from_one_evaluation_to_the_next():
    still = fit(
        LeakyRNN(1, 12, 2, tau=1.0, key=0),
        NDMS(3),
        optimizer=optax.sgd(0.0),
        evaluate=FreshTrials(1, 8),
        evaluate_every=1,
        steps=3,
        batch_size=2,
        key=0,
    )
    # Nothing was learned, so only the trials can differ.
    assert len(set(still.history.validation_loss.values.tolist())) == 3
    assert still.history.attrs["evaluation"] == "1 new batches of 8 trials"


def test_what_does_not_fit_is_refused():
    model = LeakyRNN(1, 8, 2, key=0)
    for curriculum, task, message in [
        (Heads.single(), FlipFlop(), "FlipFlop has none"),
        (Heads.sliding(3, 2), NParity(2), "drops 2 values of N"),
        (Heads.cumulative(), NParity([3, 2], n_heads=3), "must rise from head 0"),
        (Heads.single(n_last=3), NParity(5), "`n_last` is 3, but the task starts with N=5"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            fit(model, task, curriculum=curriculum, steps=10, key=0)
    for make, message in [
        (lambda: Heads.single(threshold=98), "Write 0.98 for 98 %"),
        (lambda: Heads.sliding(3, 4), "`n_forget` must lie between 1 and n_heads=3"),
        (lambda: Heads(-1, 0), "`add` must be a whole number"),
        (lambda: Heads.single(metrics="correct"), "must name two accuracies"),
        (lambda: FreshTrials(0), "`n_batches` must be a whole number"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(ValueError, match=r"goes by correct and other, but the evaluation has"):
        fit(
            model,
            NParity(2),
            curriculum=Heads.single(metrics=("correct", "other")),
            evaluate_every=1,
            steps=1,
            key=0,
        )
    for readout, message in [
        ("U", "name the parameters with outputs last"),
        ("V", "no parameter called V"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(
                LeakyRNN(1, 8, 6, key=0),
                NParity(2, n_heads=3),
                curriculum=Heads.cumulative(readout=(readout,)),
                steps=1,
                key=0,
            )
