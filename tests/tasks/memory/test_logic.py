"""XOR and the half adder: what is shown, what is due, and what strategies score."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import tasks
from tests.tasks.strategies import N, drawn, during, near


@pytest.mark.parametrize("name", ["XOR", "HalfAdder"])
def test_logic(name):
    task, trials, given = drawn(name, noise_std=None)
    a, b = given["bit_0"], given["bit_1"]
    shown, decides = during(task, trials, "bits"), during(task, trials, "decision")
    wanted = np.stack([a != b, (a == 1) & (b == 1)][: task.n_outputs], -1)
    np.testing.assert_array_equal(trials.targets, decides[..., None] * wanted[:, None])
    expected = np.stack([shown * a[:, None], shown * b[:, None], decides], -1)
    np.testing.assert_array_equal(trials.inputs, expected)

    def correct(answer):
        outputs = jnp.asarray(decides[..., None] * np.stack(answer, -1)[:, None], jnp.float32)
        return np.asarray(task.score(outputs, trials)["correct"]).mean()

    n = task.n_outputs
    assert correct([a != b, a & b][:n]) == 1
    ones, zeros = np.ones(N, int), np.zeros(N, int)
    constants = itertools.product((zeros, ones), repeat=n)
    near(max(correct(each) for each in constants), task.chance)
    near(correct([a, zeros][:n]), task.shortcuts["one bit alone"])
    near(correct([a | b, a & b][:n]), task.shortcuts["either bit"])


def test_bits_one_after_the_other():
    task = tasks.XOR(10.0, between=50.0, bits=20.0, delay=0.0, level=0.5, noise_std=None)
    trials = jax.tree.map(np.asarray, task.batch(0, N))
    names = task.timeline.names
    assert names == ("fixation", "first", "between", "second", "delay", "decision")
    for i, epoch in enumerate(("first", "second")):
        on = during(task, trials, epoch) * trials.conditions[f"bit_{i}"][:, None]
        np.testing.assert_array_equal(trials.inputs[..., i], 0.5 * on)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.XOR(bits=0.0), "at least one step"),
        (lambda: tasks.HalfAdder(noise_std=-1.0), "`noise_std`"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
