"""Plans of a small trained network."""

import numpy as np
import optax
import pytest

from neurodyn import fit, labels, models, tasks, training
from neurodyn.models.pvrnn import PVRNN, plan

STEPS = 12


@pytest.fixture(scope="module")
def trained():
    """Ways from the origin to one of two places, straight after a common start."""
    ramp = np.clip((np.arange(STEPS) - 2) / (STEPS - 5), 0, 1)[None, :, None]
    ends = np.array([[0.6, 0.3], [-0.6, 0.3]])[:, None, :]
    data = np.repeat(ramp * ends, 4, axis=0)
    data = data + 0.01 * np.random.default_rng(0).normal(size=data.shape)
    task = tasks.Sequences(data)
    model = PVRNN(
        2, (12,), (2,), 3.0, sequences=(task.n_items, task.n_steps), w=0.005, w_first=0.005, key=0
    )
    got = fit(
        model,
        task,
        objective=training.ELBO(),
        sampler="full",
        steps=2500,
        optimizer=optax.adam(5e-3),
        evaluate=False,
        progress=False,
        key=1,
    )
    return got.model


def goal(*ends):
    """Begin at the origin, be at the end in the last two steps."""
    wanted, mask = np.full((len(ends), STEPS, 2), np.nan), np.zeros((len(ends), STEPS, 2))
    wanted[:, 0], mask[:, 0] = 0.0, 1
    wanted[:, -2:], mask[:, -2:] = np.array(ends)[:, None], 1
    return wanted, mask


ENDS = ((0.6, 0.3), (-0.6, 0.3))


@pytest.fixture(scope="module")
def plans(trained):
    return plan(trained, *goal(*ENDS), iterations=300, key=0)


def test_plans_reach_their_goals_on_learned_ways(plans):
    labels.check(plans)
    assert plans.sizes["trial"] == 2
    np.testing.assert_allclose(plans["plan"].isel(time=-1), ENDS, atol=0.1)
    np.testing.assert_allclose(plans["plan"].isel(time=0), 0, atol=0.1)
    # Between, where nothing was asked for, they take the ways that were seen in training.
    ramp = np.clip((np.arange(STEPS) - 2) / (STEPS - 5), 0, 1)
    seen = np.array(ENDS)[:, None] * ramp[None, :, None]
    assert np.abs(plans["plan"] - seen).max() < 0.25
    assert (plans["error"] < 0.005).all()


def test_what_is_masked_is_not_read(trained, plans):
    wanted, mask = goal(*ENDS)
    filled = np.where(mask > 0, wanted, 7.0)
    again = plan(trained, filled, mask, iterations=300, key=0)
    for name in plans.data_vars:
        np.testing.assert_array_equal(plans[name], again[name], err_msg=name)


def test_a_single_output_can_be_asked_for(trained):
    wanted, mask = goal(*ENDS)
    mask[:, -2:, 1] = 0
    got = plan(trained, wanted, mask, iterations=300, key=0)
    np.testing.assert_allclose(got["plan"][:, -1, 0], [0.6, -0.6], atol=0.1)
    asked = (mask * (got["plan"].values - np.nan_to_num(wanted)) ** 2).sum((1, 2)) / mask.sum(
        (1, 2)
    )
    np.testing.assert_allclose(got["error"], asked, rtol=1e-4)


def test_the_weights_stay(trained, plans):
    before = np.array(trained.W.value() if hasattr(trained.W, "value") else trained.W)
    plan(trained, *goal(*ENDS), iterations=300, key=1)
    after = np.array(trained.W.value() if hasattr(trained.W, "value") else trained.W)
    np.testing.assert_array_equal(before, after)
    assert (plans["sigma"] > 0).all()


def test_bad_arguments_are_named(trained):
    wanted, mask = goal(*ENDS)
    with pytest.raises(ValueError, match="nothing is asked"):
        plan(trained, wanted, np.zeros_like(mask), key=0)
    with pytest.raises(ValueError, match="`A`"):
        plan(trained, wanted, mask, A="ones", key=0)
    with pytest.raises(ValueError, match="iterations"):
        plan(trained, wanted, mask, iterations=0, key=0)
    with pytest.raises(ValueError, match="shape"):
        plan(trained, wanted, mask[:, :-1], key=0)
    with pytest.raises(TypeError, match="PVRNN"):
        plan(models.LSTM(2, 3, 2, key=0), wanted, mask, key=0)
