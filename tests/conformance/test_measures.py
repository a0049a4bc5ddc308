"""Tests that every measure in `neurodyn.analysis.MEASURES` must pass."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import analysis, citation, labels
from neurodyn.analysis import MEASURES

pytestmark = pytest.mark.thorough

EVERY = pytest.mark.parametrize("name", MEASURES)
PAIRWISE = [name for name, measure in MEASURES.items() if measure.pairwise is not None]
N_CONDITIONS, N_TIMES, N_UNITS = 8, 10, 6


def population(seed: int, *, source: str = "recording", n_units: int = N_UNITS):
    """Condition means with structure in conditions and time."""
    rng = np.random.default_rng(seed)
    latent = np.cumsum(rng.standard_normal((N_CONDITIONS, N_TIMES, 3)), axis=1)
    rate = latent @ rng.standard_normal((3, n_units))
    rate = rate + 0.1 * rng.standard_normal(rate.shape)
    return labels.dataset(
        {"rate": (("condition", "time", "unit"), rate, "Hz", "firing rate", "rate")},
        {
            "time": labels.time_axis(N_TIMES, 20.0),
            "direction": ("condition", np.arange(N_CONDITIONS)),
        },
        source=source,
    )


RECORDING = population(0)
MORE = population(0, source="model", n_units=9)
RUNS = {
    "itself": RECORDING.assign_attrs(source="model"),
    "other": population(1, source="model"),
    "more units": MORE,
    "silent": 0 * RECORDING.assign_attrs(source="model"),
    "shuffled": MORE.isel(unit=[3, 8, 1, 0, 2, 7, 6, 5, 4]),
}


def compared(run, names):
    return analysis.compare(RUNS[run], RECORDING, names, by="direction", n_null=0, key=0)


@functools.cache
def of_the_library(run):
    """All measures in one call, because each call reads and pairs its data first."""
    return compared(run, PAIRWISE)


def score(run, name):
    found = of_the_library(run) if name in PAIRWISE else compared(run, [name])
    return float(found["score"].sel(metric=name))


@EVERY
def test_is_described_and_can_be_cited(name):
    measure = MEASURES[name]
    assert measure.title
    assert measure.range[0] < measure.range[1]
    assert callable(measure.function)
    assert measure.function.__doc__
    assert (measure.pairwise is None) == (measure.higher_is_better is None)
    assert all(key in citation(measure) for key in measure.reference)


@pytest.mark.parametrize("name", PAIRWISE)
def test_a_population_is_closest_to_itself(name):
    measure = MEASURES[name]
    itself, other = (score(run, name) for run in ("itself", "other"))
    low, high = measure.range
    assert low - 1e-4 <= other <= high + 1e-4
    best = high if measure.higher_is_better else low
    assert itself == pytest.approx(1.0 if np.isinf(best) else best, abs=0.02)
    assert (itself > other) == measure.higher_is_better


@pytest.mark.parametrize("name", PAIRWISE)
def test_units_may_differ_in_number_and_order(name):
    assert score("shuffled", name) == pytest.approx(score("more units", name), abs=1e-4)


@pytest.mark.parametrize("name", PAIRWISE)
def test_nothing_is_like_a_population_that_does_not_vary(name):
    assert np.isnan(score("silent", name))


@pytest.mark.parametrize("name", ["all"])
def test_result_is_labelled_and_the_same_for_the_same_key(name):
    names = PAIRWISE if name == "all" else [name]
    first, second = compared("other", names), compared("other", names)
    labels.check(first)
    assert first.identical(second)


@pytest.mark.parametrize("name", PAIRWISE)
def test_core_is_jitted_batched_and_differentiable(name):
    measure = MEASURES[name]
    x, y = (jnp.asarray(population(seed)["rate"].values, jnp.float32) for seed in (0, 1))
    held_out = jnp.eye(N_CONDITIONS, dtype=bool)
    folds = analysis.CrossValidation(held_out, jnp.array([0.1, 1.0, 10.0]))

    def value(y):
        side = measure.pairwise.prepare(x, folds)
        return measure.pairwise.score(side, y).mean()

    batch = np.stack([y, 2 * y, y[::-1]])
    with_gradient = jax.jit(jax.value_and_grad(value))
    each, gradients = zip(*map(with_gradient, batch), strict=True)
    np.testing.assert_allclose(jax.jit(jax.vmap(value))(batch), each, rtol=2e-3, atol=1e-4)
    assert np.isfinite(gradients).all()
