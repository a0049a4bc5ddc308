"""Products in groups: the tables against permutations that are applied to things."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import StateTracking

N = 400


def applied(names):
    """Products of permutations by shuffling a row of things, element after element."""
    things = list(range(len(names[0])))
    for name in names:
        # Thing i goes to place name[i].
        places = [int(c) for c in name]
        things = [places[t] for t in things]
    return "".join(map(str, things))


@pytest.mark.parametrize(("group", "size"), [("Z2", 2), ("Z60", 60), ("A5", 60), ("S5", 120)])
def test_products_are_those_of_the_group(group, size):
    task = StateTracking(group)
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    assert len(task.elements) == task.n_inputs == task.n_outputs == size
    shown, targets = trials.inputs.argmax(-1), trials.targets[..., 0]
    assert set(np.unique(trials.inputs)) == {0, 1}
    assert (trials.inputs.sum(-1) == 1).all()
    assert (trials.mask == 1).all()
    if group[0] == "Z":
        np.testing.assert_array_equal(targets, shown.cumsum(axis=1) % size)
    else:
        for trial in range(20):
            names = [task.elements[code] for code in shown[trial]]
            wanted = [applied(names[: i + 1]) for i in range(task.n_items)]
            assert [task.elements[code] for code in targets[trial]] == wanted
    np.testing.assert_array_equal(trials.conditions["product"], targets[:, -1])
    # Elements and products are uniform: counts differ as those of a fair die do.
    for codes in (shown, targets[:, 1:]):
        counts = np.bincount(codes.ravel(), minlength=size)
        chi2 = np.square(counts - counts.mean()).sum() / counts.mean()
        assert abs(chi2 - (size - 1)) < 5 * np.sqrt(2 * size)
    score = eqx.filter_jit(task.score)
    found = score(jnp.asarray(np.eye(size, dtype=np.float32)[targets]), trials)
    assert all((np.asarray(value) == 1).all() for value in found.values())
    # Without looking, and by repeating the last element.
    assert task.chance == 1 / size
    repeats = score(jnp.asarray(np.eye(size, dtype=np.float32)[shown]), trials)["correct"].mean()
    expected = task.shortcuts["repeats the last element"]
    assert abs(repeats - expected) < 4 * np.sqrt(expected / (N * task.n_items))


def test_tables_are_groups():
    for name, size in (("A3", 3), ("A4", 12), ("S3", 6), ("S4", 24)):
        table = np.asarray(StateTracking(name).table)
        assert len(table) == size
        for a, b, c in itertools.product(range(0, size, 5), repeat=3):
            assert table[table[a, b], c] == table[a, table[b, c]]
        own = StateTracking(table)
        np.testing.assert_array_equal(
            own.batch(0, 3).targets, StateTracking(name).batch(0, 3).targets
        )
    # Only groups that are not commutative care about the order.
    assert (StateTracking("Z60").table == StateTracking("Z60").table.T).all()
    assert (StateTracking("S3").table != StateTracking("S3").table.T).any()


def test_longer_sequences_and_slower_ones():
    task = StateTracking("S3", length=5, item=3.0, level=0.5)
    assert (task.n_steps, task.longer(9).n_steps) == (15, 27)
    trials = jax.tree.map(np.asarray, task.batch(1, 4))
    assert set(np.unique(trials.inputs)) == {0, 0.5}
    # Answers count at the last step of each symbol.
    np.testing.assert_array_equal(trials.mask[0, :, 0], np.tile([0, 0, 1], 5))
    noisy = StateTracking("Z2", length=50, noise_std=0.2).batch(0, 200).inputs
    # 0.2 sqrt(2 100 / 1)
    noise = np.asarray(noisy) - np.round(np.asarray(noisy) > 50)
    assert noise.std() == pytest.approx(np.sqrt(0.04 * 200 + 0.25), rel=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StateTracking("Q8"), "`group` must be 'Zn', 'Sn' or 'An'"),
        (lambda: StateTracking("S7"), "from 2 to 720 elements"),
        (lambda: StateTracking("Z1"), "from 2 to 720 elements"),
        (lambda: StateTracking([[0, 1], [1, 1]]), "each row and column holds every code once"),
        (lambda: StateTracking([[1, 0], [0, 1]]), "element 0 is the identity"),
        (lambda: StateTracking([0, 1]), "square table"),
        (lambda: StateTracking([[0, 1], [1]]), "square table"),
        (lambda: StateTracking(length=0), "`length`"),
        (lambda: StateTracking(item=1.5), "not a whole number of steps"),
        (lambda: StateTracking(item=0.0), "at least one step"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
