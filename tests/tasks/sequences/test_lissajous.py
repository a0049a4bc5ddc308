import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.tasks import Lissajous


def test_every_period_is_one_of_the_curves():
    task = Lissajous(amplitude=0.5)
    trials = task.batch(0, 40)
    t = np.arange(1, 17) / 16
    curves = np.array(
        [
            0.5 * np.stack([np.sin(2 * np.pi * p * t), np.sin(2 * np.pi * q * t)], axis=1)
            for p, q in [(1, 2), (2, 1), (3, 2)]
        ]
    )
    np.testing.assert_allclose(task.curves(), curves, atol=1e-6)
    pieces = np.asarray(trials.targets).reshape(40, 8, 1, 16, 2)
    apart = np.abs(pieces - curves).max((-2, -1))
    assert (apart.min(-1) < 1e-6).all()
    np.testing.assert_array_equal(task.order(trials.targets), apart.argmin(-1))
    # Each curve ends where the next begins.
    assert np.abs(pieces[..., -1, :]).max() < 1e-6


def test_curves_follow_each_other_with_the_stated_probabilities():
    chain = np.array([[0.1, 0.9], [0.6, 0.4]])
    task = Lissajous(frequencies=[(1, 2), (2, 1)], transitions=chain, n_curves=21)
    order = np.asarray(task.order(task.batch(0, 400).targets))
    counts = np.zeros((2, 2))
    np.add.at(counts, (order[:, :-1], order[:, 1:]), 1)
    np.testing.assert_allclose(counts / counts.sum(1, keepdims=True), chain, atol=0.03)


def test_noise_has_the_stated_size():
    plain, noisy = Lissajous(), Lissajous(noise_std=0.1)
    apart = np.asarray(noisy.batch(0, 60).targets) - np.asarray(plain.batch(0, 60).targets)
    assert apart.std() == pytest.approx(0.1, rel=0.05)
    score = noisy.score(noisy.batch(0, 60).targets, plain.batch(0, 60))
    assert float(jnp.mean(score["correct"])) > 0.99
    np.testing.assert_allclose(np.mean(score["mse"]), 0.01, rtol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequencies": [(1, 2, 3)]}, "pairs"),
        ({"frequencies": [(1, 0.5)]}, "pairs"),
        ({"frequencies": [(1, 2), (1, 2)]}, "twice"),
        ({"frequencies": [(0, 0)]}, "not both be 0"),
        ({"frequencies": [(1, 6)]}, "a third of the period"),
        ({"transitions": [[1.0]]}, r"\(3, 3\)"),
        ({"transitions": [[0.5, 0, 0], [0, 1, 0], [0, 0, 1]]}, "summing to 1"),
        ({"transitions": [[1.5, -0.5, 0], [0, 1, 0], [0, 0, 1]]}, "`transitions`"),
        ({"period": 0}, "`period`"),
        ({"n_curves": 0}, "`n_curves`"),
        ({"noise_std": -1.0}, "`noise_std`"),
        ({"amplitude": 0.0}, "`amplitude`"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Lissajous(**options)
