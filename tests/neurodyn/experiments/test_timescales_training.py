"""Training of the emergent timescales, on networks small enough for a test."""

import dataclasses

import jax
import numpy as np
import pytest

from neurodyn.experiments.experiment import Run
from neurodyn.experiments.timescales.continuous import accuracy_by_hold
from neurodyn.experiments.timescales.networks import (
    Variant,
    at_hold,
    network,
    sizes,
    task_of,
    variants,
)
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.trained import load_network, table
from neurodyn.experiments.timescales.training import train
from neurodyn.integrate import integrate
from neurodyn.params import resolve

#: Accuracy is above chance from the start often enough, so that stages pass in a few steps.
TINY = Settings(
    task="n_dms",
    n_units=8,
    n_heads=4,
    batch_size=8,
    epoch=2,
    epochs=40,
    n_test=1,
    threshold=0.3,
    n_last=3,
)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()


def test_a_sweep_is_kept_and_goes_on(tmp_path):
    trained = train(TINY, Run(tmp_path, False, False))
    ds = table(trained)
    assert ds.sizes == {"curriculum": 2, "treatment": 1, "seed": 1, "n": 2}
    assert (ds.largest_n == 3).all()
    assert (np.diff(ds.epochs.values, axis=-1) > 0).all()
    single, cumulative = trained.variants
    assert trained.solved(single) == trained.solved(cumulative) == [2, 3]
    network_2 = load_network(tmp_path, "cumulative", 2)
    raw = np.asarray(network_2.tau.raw)
    expected = ds.tau_mean.sel(curriculum="cumulative", n=2).item()
    np.testing.assert_allclose(raw.mean(dtype=np.float64), expected, rtol=1e-7)
    W = np.asarray(resolve(network_2).W, np.float64)
    radius = ds.spectral_radius.sel(curriculum="cumulative", n=2).item()
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(W)).max(), radius, rtol=1e-5)
    assert (np.diag(W) == 0).all()

    again = train(TINY, Run(tmp_path, True, False))
    assert table(again).identical(ds)
    further = train(dataclasses.replace(TINY, n_last=4), Run(tmp_path, True, False))
    assert further.solved(single) == [2, 3, 4]
    assert (table(further).epochs.sel(n=[2, 3]) == ds.epochs).all()
    with pytest.raises(ValueError, match="has not solved N=7; it has solved"):
        further.network(single, 7)

    # A run in memory is the same run.
    alone = train(dataclasses.replace(TINY, curricula="single"), Run(None, False, False))
    in_memory = alone.network(single, 3)
    assert (np.asarray(in_memory.U) == np.asarray(load_network(tmp_path, "single", 3).U)).all()


def test_the_published_settings():
    settings = Settings(n_last=101)
    assert sizes(settings) == (256, 600)
    assert sizes(Settings(cell="lstm")) == (64, 300)
    single, cumulative = variants(settings)
    assert task_of(settings, single).n_outputs == 2
    assert task_of(settings, cumulative).n_outputs == 200
    model = network(dataclasses.replace(settings, n_units=400), cumulative, key=0)
    raw = np.asarray(model.tau.raw)
    assert 1.0 <= raw.min() < 1.02 < 1.98 < raw.max() < 2.0
    bounds = {"U": 1.0, "b_in": 1.0, "b": 0.05, "W_out": 0.05, "b_out": 0.05}
    for name, bound in bounds.items():
        values = np.abs(np.asarray(getattr(model, name)))
        assert 0.9 * bound < values.max() <= bound, name
    W = np.asarray(resolve(model).W)
    assert np.abs(W).max() <= 0.05
    # The circular law for uniform entries on (-k, k): k sqrt(n / 3).
    assert abs(np.abs(np.linalg.eigvals(W)).max() - 3**-0.5) < 0.05
    assert model.tau.trained == ("raw",)
    fixed = network(settings, Variant("single", "3", 0), key=0)
    assert (np.asarray(resolve(fixed).tau) == 3).all()
    assert fixed.tau.trained == ()
    lstm = task_of(Settings(cell="lstm"), single).batch(0, 8)
    assert set(np.unique(lstm.inputs[:, : int(lstm.length)])) == {-1.0, 1.0}


def test_bits_that_last_several_steps():
    settings = dataclasses.replace(TINY, cell="rate", hold=4, n_units=6)
    single = variants(settings)[0]
    model, task = network(settings, single, key=0), task_of(settings, single)
    tau = np.asarray(resolve(model).tau)
    np.testing.assert_allclose(tau, np.maximum(4 * np.asarray(model.tau.inner.raw), 1))
    assert task.n_steps == 4 * task.n_bits
    other = at_hold(model, 8)
    np.testing.assert_allclose(np.asarray(resolve(other).tau), 2 * tau)
    found = accuracy_by_hold(model, task, [1, 4], n_batches=2, batch_size=8, key=0)
    assert found.accuracy.dims == ("sweep",)
    assert ((found.accuracy > 0.2) & (found.accuracy < 0.8)).all()
    assert found.sweep.values.tolist() == [1, 4]
    with pytest.raises(ValueError, match="train the network with hold > 1"):
        at_hold(network(TINY, single, key=0), 2)


@pytest.mark.slow
def test_workers_make_the_same_networks(tmp_path):
    """Slow: each process imports and compiles for itself."""
    apart, here = tmp_path / "apart", tmp_path / "here"
    apart.mkdir()
    here.mkdir()
    two = train(dataclasses.replace(TINY, workers=2), Run(apart, False, False))
    one = train(TINY, Run(here, False, False))
    assert [two.solved(v) for v in two.variants] == [one.solved(v) for v in one.variants]
    for variant in one.variants:
        ours, theirs = one.network(variant, 2), two.network(variant, 2)
        np.testing.assert_allclose(ours.U, theirs.U, rtol=1e-4, atol=1e-6)
    other = dataclasses.replace(TINY, workers=2, n_units=9, n_last=4)
    with pytest.raises(RuntimeError, match=r"trained-0 failed:[\s\S]*CheckpointError"):
        train(other, Run(apart, True, False))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gated_cells_train(cell):
    settings = dataclasses.replace(TINY, cell=cell, curricula="cumulative", n_last=2, n_units=4)
    trained = train(settings, Run(None, False, False))
    ds = table(trained)
    assert ds.largest_n.item() == 2
    assert np.isnan(ds.tau_mean).all()


def test_a_step_at_other_holds_approaches_one_flow():
    """Held inputs and scaled time constants are one differential equation with other steps."""
    settings = dataclasses.replace(TINY, cell="rate", hold=10, n_units=6)
    model = network(settings, variants(settings)[0], key=1)

    def after_a_bit(hold):
        x = np.ones((hold, 1), np.float32)
        return np.asarray(integrate(at_hold(model, hold), x, dt=1.0, key=0).final_state.x)

    coarse, fine, finer = (after_a_bit(hold) for hold in (10, 100, 200))
    assert np.abs(fine - finer).max() < 0.2 * np.abs(coarse - finer).max()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "parity"}, "Setting 'task' takes n_parity, n_dms, got 'parity'"),
        ({"curricula": "double"}, "Setting 'curricula' takes single"),
        ({"taus": "0.5"}, "at least 1, got '0.5'"),
        ({"cell": "lstm", "taus": "2"}, "a lstm has no time constants"),
        ({"curricula": "sliding"}, "must lie between 11 and n_heads"),
        ({"n_last": 102}, "n_heads [+] 1 = 101"),
        ({"hold": 0}, "Setting 'hold'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        variants(dataclasses.replace(Settings(), **change))
