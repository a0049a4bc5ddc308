"""Training of the emergent timescales, on networks small enough for a test."""

import dataclasses
import shutil
import threading

import numpy as np
import pytest
import xarray as xr

from neurodyn.engine.integrate import integrate
from neurodyn.experiments.running.experiment import Run, configure
from neurodyn.experiments.timescales import EXPERIMENT, scores, workers
from neurodyn.experiments.timescales.networks import (
    Variant,
    at_hold,
    network,
    raw_tau,
    sizes,
    task_of,
    variants,
)
from neurodyn.experiments.timescales.scores import accuracy_by_hold
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.trained import Trained, load_network, open_runs, table
from neurodyn.experiments.timescales.training import train
from neurodyn.io.files import load, save
from neurodyn.models import LeakyRNN
from neurodyn.params import Clamped, Scaled, with_values
from neurodyn.tasks import NParity
from neurodyn.training import CheckpointError

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


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep to N = 3, in files."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, train(TINY, Run(folder, False, False))


@pytest.fixture
def copied(swept, tmp_path):
    """A copy of its folder, to go on with."""
    return shutil.copytree(swept[0], tmp_path / "copy")


@pytest.fixture(scope="module")
def in_memory():
    """One of its runs, in memory and taken further."""
    return train(
        dataclasses.replace(TINY, curricula=("single",), n_last=4), Run(None, False, False)
    )


def test_a_sweep_is_kept(swept):
    folder, trained = swept
    ds = table(trained)
    assert ds.sizes == {"curriculum": 2, "treatment": 1, "seed": 1, "n": 2}
    assert (ds.largest_n == 3).all()
    assert (np.diff(ds.epochs.values, axis=-1) > 0).all()
    single, cumulative = trained.variants
    assert trained.solved(single) == trained.solved(cumulative) == [2, 3]
    network_2 = load_network(folder, "cumulative", 2)
    raw = np.asarray(network_2.tau.raw)
    expected = ds.tau_mean.sel(curriculum="cumulative", n=2).item()
    np.testing.assert_allclose(raw.mean(dtype=np.float64), expected, rtol=1e-7)
    W = np.asarray(with_values(network_2).W, np.float64)
    radius = ds.spectral_radius.sel(curriculum="cumulative", n=2).item()
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(W)).max(), radius, rtol=1e-5)
    assert (np.diag(W) == 0).all()
    again = train(TINY, Run(folder, True, False))
    assert table(again).identical(ds)


def test_a_run_goes_on_as_if_it_had_not_stopped(copied, swept, in_memory):
    further = dataclasses.replace(TINY, curricula=("single",), n_last=4)
    resumed = train(further, Run(copied, True, False))
    single = resumed.variants[0]
    assert resumed.solved(single) == in_memory.solved(single) == [2, 3, 4]
    xr.testing.assert_equal(resumed.epochs(single), in_memory.epochs(single))
    for n in (3, 4):
        ours, theirs = resumed.network(single, n), in_memory.network(single, n)
        assert (np.asarray(ours.U) == np.asarray(theirs.U)).all()
    with pytest.raises(ValueError, match="has not solved N=7; it has solved"):
        resumed.network(single, 7)


def test_how_runs_ended(swept):
    folder, trained = swept
    assert (table(trained)["ended"] == "n_last").all()
    for more, how in [({}, "unfinished"), ({"epochs": 2}, "epochs")]:
        further = Trained(dataclasses.replace(TINY, n_last=4, **more), folder)
        for variant in further.variants:
            further.recall(variant)
        assert (table(further)["ended"] == how).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "n_parity"}, "task is 'n_dms' there, 'n_parity' here"),
        ({"n_units": 9, "cell": "rate"}, "cell is 'leaky' there, 'rate' here; n_units is 8"),
        ({"threshold": 0.5}, "threshold is 0.3 there, 0.5 here"),
        ({"epoch": 3}, "epoch is 2 there, 3 here"),
        ({"n_heads": 5}, "cumulative-trained-0.nc' is of other settings: n_heads is 4 there"),
    ],
)
def test_networks_of_other_settings_are_not_handed_out(swept, change, message):
    run, other = Run(swept[0], True, False), dataclasses.replace(TINY, **change)
    with pytest.raises(CheckpointError, match=message):
        train(other, run)
    with pytest.raises(CheckpointError, match=message):
        open_runs(configure(EXPERIMENT, "quick", dataclasses.asdict(other)), run.folder)
    # A network of one head does not depend on how many there might be.
    if "n_heads" in change:
        alone = dataclasses.replace(other, curricula=("single",))
        assert train(alone, run).solved(Variant("single", "trained", 0)) == [2, 3]


def test_a_record_that_does_not_say_is_believed_as_far_as_its_networks_fit(copied):
    for path in copied.glob("*.nc"):
        epochs = load(path)
        del epochs.attrs["training"]
        save(path, epochs, overwrite=True)
    run = Run(copied, True, False)
    assert table(train(TINY, run)).largest_n.values.ravel().tolist() == [3, 3]
    for change in ({"n_units": 9}, {"cell": "rate"}, {"n_heads": 5}, {"hold": 2}):
        (name,) = change
        with pytest.raises(CheckpointError, match=f"settings: {name} is"):
            train(dataclasses.replace(TINY, **change), run)


def test_a_new_run_leaves_nothing_of_the_old(copied):
    trained = Trained(TINY, copied)
    single, cumulative = trained.variants
    trained.forget(single)
    left = {path.name for path in copied.rglob("*.*")}
    kept = {f"{cumulative.name}{end}" for end in (".nc", ".ckpt", "-n2.nd", "-n3.nd")}
    assert left == kept


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
    W = np.asarray(with_values(model).W)
    assert np.abs(W).max() <= 0.05
    # The circular law for uniform entries on (-k, k): k sqrt(n / 3).
    assert abs(np.abs(np.linalg.eigvals(W)).max() - 3**-0.5) < 0.05
    assert model.tau.trained == ("raw",)
    fixed = network(settings, Variant("single", "3", 0), key=0)
    assert (np.asarray(with_values(fixed).tau) == 3).all()
    assert (raw_tau(fixed) == 3).all()
    assert fixed.tau.trained == ()
    lstm = task_of(Settings(cell="lstm"), single).batch(0, 8)
    assert set(np.unique(lstm.inputs[:, : int(lstm.length)])) == {-1.0, 1.0}


def test_bits_that_last_several_steps():
    settings = dataclasses.replace(TINY, cell="rate", hold=4, n_units=6)
    single = variants(settings)[0]
    model, task = network(settings, single, key=0), task_of(settings, single)
    tau = np.asarray(with_values(model).tau)
    np.testing.assert_allclose(tau, np.maximum(4 * np.asarray(model.tau.of.raw), 1))
    assert task.n_steps == 4 * task.n_bits
    other = at_hold(model, 8)
    np.testing.assert_allclose(np.asarray(with_values(other).tau), 2 * tau)
    with pytest.raises(ValueError, match="train the network with hold > 1"):
        at_hold(network(TINY, single, key=0), 2)
    fixed = network(settings, Variant("single", "3", 0), key=0)
    assert (raw_tau(fixed) == 3).all()
    for held, steps in [(fixed, 12), (at_hold(fixed, 8), 24)]:
        assert (np.asarray(with_values(held).tau) == steps).all()


def test_accuracy_by_hold():
    """A unit that follows its input knows the last bit at any hold, one that is slow never does."""

    def follower(tau):
        clamped = Clamped(1 / 4, init=np.array([tau]))
        weights = {"W": [[0.0]], "U": [[1.0]], "b": [0.0], "b_in": [0.0], "initial": [0.0]}
        readout = {"W_out": [[0.0, 1.0]], "b_out": [0.0, -0.5]}
        arrays = {name: np.array(x, np.float32) for name, x in (weights | readout).items()}
        return LeakyRNN(1, 1, 2, tau=Scaled(4, clamped), form="rate", **arrays, key=0)

    options = {"n_batches": 2, "batch_size": 32, "key": 0}
    task, holds = NParity(1, hold=4), [1, 4, 40]
    fast = accuracy_by_hold(follower(0.1), task, holds, **options)
    assert fast.accuracy.dims == ("sweep",)
    assert fast.sweep.values.tolist() == holds
    assert (fast.accuracy == 1).all()
    # 30 bits, of which there are at most 5: always below one half, whatever the bits.
    slow = accuracy_by_hold(follower(30.0), task, holds, **options).accuracy.values
    assert (slow == slow[0]).all()
    assert 0.3 < slow[0] < 0.7


def test_generalisation_reads_the_head_of_the_largest_n(monkeypatch):
    monkeypatch.setattr(scores, "HOLDS", (2,))
    settings = dataclasses.replace(TINY, cell="rate", hold=4, n_units=6)
    cumulative = variants(settings)[1]
    model = network(settings, cumulative, key=0)
    found = scores.by_hold(settings, cumulative, model, 2, 5)
    whole = task_of(settings, cumulative)
    expected = accuracy_by_hold(model, whole, [2], n_batches=settings.n_test, key=5)
    assert whole.ns.tolist() == [2, 0, 0, 0]
    assert found["trained_hold"] == 4
    xr.testing.assert_equal(found.drop_vars("trained_hold"), expected)


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
    for name in ("single-trained-0.ckpt", "cumulative-trained-0.ckpt"):
        (apart / name).write_bytes(b"broken")
    further = dataclasses.replace(TINY, workers=2, n_last=4)
    with pytest.raises(RuntimeError, match=r"trained-0 failed:[\s\S]*CheckpointError"):
        train(further, Run(apart, True, False))


def test_workers_need_a_folder():
    with pytest.raises(ValueError, match="name a folder"):
        train(dataclasses.replace(TINY, workers=2), Run(None, False, False))


def test_a_failure_stops_the_other_workers():
    told, stopped = threading.Event(), []

    def train_one(variant):
        if variant.seed == 1:
            raise RuntimeError("it fails")
        told.wait(30)
        stopped.append(variant.seed)

    three = [Variant("single", "trained", seed) for seed in range(3)]
    with pytest.raises(RuntimeError, match="it fails"):
        workers._all(train_one, three, 2, lambda note: None, told.set)
    assert 0 in stopped
    assert 1 not in stopped


@pytest.mark.parametrize("cell", ["lstm", pytest.param("gru", marks=pytest.mark.slow)])
def test_gated_cells_train(cell):
    settings = dataclasses.replace(TINY, cell=cell, curricula=("cumulative",), n_last=2, n_units=4)
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
        ({"task": "parity"}, "Setting 'task' takes 'n_parity' or 'n_dms'.*got 'parity'"),
        ({"curricula": ("double",)}, "Setting 'curricula' takes .*not 'double'"),
        ({"taus": ("0.5",)}, "at least 1, got '0.5'"),
        ({"cell": "lstm", "taus": ("2",)}, "a lstm has no time constants"),
        ({"curricula": ("sliding",)}, "must lie between 11 and n_heads"),
        ({"n_last": 102}, "n_heads [+] 1 = 101"),
        ({"hold": 0}, "Setting 'hold'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        variants(configure(EXPERIMENT, "quick", change))
