"""Runs that were trained apart, put side by side; and what is said of bits of several steps."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from neurodyn import experiments, labels
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.timescales import run, scores
from neurodyn.experiments.timescales.analyses import check_analyses, result
from neurodyn.experiments.timescales.joined import treatment_name
from neurodyn.experiments.timescales.networks import Variant, network
from neurodyn.experiments.timescales.scores import accuracy_by_hold, timescales
from neurodyn.experiments.timescales.settings import AnalysisSettings
from neurodyn.experiments.timescales.trained import Trained, labelled, open_runs
from neurodyn.experiments.timescales.training import describe
from neurodyn.io.files import save
from neurodyn.models import LeakyRNN
from neurodyn.params import Clamped, Scaled
from neurodyn.tasks import NParity

#: No network is analysed, but those with bits of several steps.
SMALL = AnalysisSettings(
    n_units=6, n_heads=4, n_last=4, n_test=1, batch_size=8, epoch=2,
    timescales_at=(99,), ablate_at=(), perturb_at=(),
)  # fmt: skip


def swept(folder, settings, reached, *, finished):
    """A folder as training leaves it: run by run how far it got (0: not begun)."""
    folder.mkdir()
    trained = Trained(settings, folder)
    for variant, last in zip(trained.variants, reached, strict=True):
        rows = {}
        for n in range(2, last + 1):
            model = network(settings, variant, key=variant.seed + n)
            seen = {"n_min": float(n), "n_max": float(n), "loss": 0.0}
            seen |= dict.fromkeys(("correct", "correct_largest", "solved"), 1.0)
            rows[n - 1] = seen | describe(model, spectrum=True)
            trained.keep(variant, labelled(rows, variant), n, model)
    if finished:
        tree = result(settings, open_runs(settings, folder), Run(folder))
        save(folder / "result.nc", tree)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("runs")
    long = dataclasses.replace(SMALL, curricula=("single",))
    two = dataclasses.replace(SMALL, n_seeds=2, taus=("trained", "2"))
    held = dataclasses.replace(SMALL, cell="rate", hold=4, curricula=("cumulative",))
    return [
        swept(tmp_path / "long", dataclasses.replace(long, seed=1), [4], finished=False),
        swept(tmp_path / "two", two, [3, 4, 2, 2, 0, 4, 2, 3], finished=True),
        swept(tmp_path / "held", held, [3], finished=False),
        swept(tmp_path / "again", dataclasses.replace(two, n_seeds=1), [2] * 4, finished=False),
    ]


def test_runs_of_several_folders_are_put_side_by_side(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "HOLDS", (3,))
    settings = dataclasses.asdict(SMALL) | {"join": ",".join(map(str, folders[:3]))}
    done = experiments.run("timescales", settings=settings, out=tmp_path / "out", progress=False)
    labels.check(done.tree)
    model = done.tree["model"].to_dataset()
    assert model["treatment"].values.tolist() == ["trained", "2", "rate trained bits of 4"]
    assert model["seed"].values.tolist() == [0, 1]
    assert model["n"].values.tolist() == [2, 3, 4]
    single, cumulative = (model["largest_n"].sel(curriculum=c) for c in ("single", "cumulative"))
    # treatment by seed; 0: there is no such run
    assert single.values.tolist() == [[3, 4], [2, 2], [0, 0]]
    assert cumulative.values.tolist() == [[4, 4], [2, 3], [3, 0]]
    ends = model["ended"].sel(treatment="trained", curriculum="single").values.tolist()
    assert ends == ["unfinished", "unfinished"]
    ends = model["ended"].sel(treatment="trained", curriculum="cumulative").values.tolist()
    assert ends == ["n_last", "n_last"]
    # The numbers are those of the networks in the folders.
    one = network(SMALL, Variant("single", "trained", 1), key=1 + 4)
    tau = model["tau_mean"].sel(curriculum="single", treatment="trained", seed=1)
    np.testing.assert_allclose(tau.sel(n=4), np.asarray(one.tau.raw).mean(), rtol=1e-6)
    missing = model["tau_mean"].sel(treatment="rate trained bits of 4", seed=1)
    assert missing.isnull().all()
    assert "cumulative-rate trained bits of 4-0" in done.tree["model"].children
    assert set(done.figures) == {"training", "time_constants", "largest_n", "hold"}
    titles = [ax.get_title() for ax in done.figures["training"].axes]
    assert titles == ["trained", "fixed at 2", "rate trained bits of 4"]
    assert "mean time constant (bits)" in done.figures["time_constants"].axes[0].get_title()
    assert done.summary["single-head: largest N"] == "4 (3 to 4)"
    assert done.summary["multi-head, tau 2: largest N"] == "2 (2 to 3)"
    # What has been joined can be joined again.
    again = dataclasses.replace(SMALL, join=(str(tmp_path / "out"),))
    xr.testing.assert_equal(run(again, Run())["model"].to_dataset(), model)


def test_what_cannot_be_joined_is_refused(folders, tmp_path):
    def join(*names):
        return run(dataclasses.replace(SMALL, join=tuple(map(str, names))), Run())

    with pytest.raises(ValueError, match=r"both .*two and .*again hold the run .*-0"):
        join(folders[1], folders[3])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty holds no run"):
        join(folders[0], tmp_path / "empty")


def test_names_of_treatments():
    assert treatment_name("3") == "3"
    assert treatment_name("trained", cell="gru") == "GRU"
    assert treatment_name("2", cell="rate", task="n_dms", hold=10) == "rate 2 N-DMS bits of 10"


def test_accuracy_at_each_number_of_steps():
    """A leaky unit without connections: what it answers follows from its equation alone.

    It reads 1 where its trace of the last bits exceeds a half. Held for k steps with a time
    constant of tau bits, a bit moves the trace by a share 1 - (1 - 1/(k tau))^k towards itself.
    """
    tau, holds = 1.6, [1, 40]
    clamped = Clamped(1 / 4, init=np.array([tau]))
    weights = {"W": [[0.0]], "U": [[1.0]], "b": [0.0], "b_in": [0.0], "initial": [0.0]}
    readout = {"W_out": [[0.0, 1.0]], "b_out": [0.0, -0.5]}
    arrays = {name: np.array(x, np.float32) for name, x in (weights | readout).items()}
    model = LeakyRNN(1, 1, 2, tau=Scaled(4, clamped), form="rate", **arrays, key=0)
    task = NParity(1, hold=4)
    found = accuracy_by_hold(model, task, holds, n_batches=1, batch_size=64, key=3)
    assert found.sweep.values.tolist() == holds

    (batch_key,) = jax.random.split(jax.random.key(3), 1)
    drawn_with = jax.random.split(batch_key)[0]
    expected = []
    for hold in holds:
        held = NParity(1, hold=hold)
        trials = held.batch(drawn_with, 64)
        bits = np.asarray(trials.inputs)[:, ::hold, 0][:, : int(trials.length) // hold]
        share = 1 - (1 - 1 / max(hold * tau, 1)) ** hold
        trace = np.zeros(len(bits))
        for bit in bits.T:
            trace += share * (bit - trace)
        expected.append(((trace > 0.5) == (bits[:, -1] > 0.5)).mean())
    np.testing.assert_allclose(found.accuracy, expected)
    assert len(set(expected)) > 1  # the number of steps matters here


@pytest.mark.slow  # compiles a run and the fits
def test_times_are_in_bits_where_these_last_several_steps():
    """Units without connections: their traces of held bits fade by (1 - 1/(k tau))^k in a bit."""
    hold, tau = 4, 3.0
    settings = dataclasses.replace(
        SMALL, cell="rate", hold=hold, curricula=("single",), n_steps=16_000, n_trials=4
    )
    variant = Variant("single", "trained", 0)
    model = network(settings, variant, key=0)
    raw = jnp.full_like(model.tau.of.raw, tau)
    alone = jnp.zeros_like(model.W.of)
    model = eqx.tree_at(lambda m: (m.tau.of.raw, m.W.of), model, (raw, alone))
    found = timescales(settings, variant, model, 2, jax.random.key(0))
    expected = -1 / (hold * np.log(1 - 1 / (hold * tau)))
    # Within a bit the trace is no exponential, which the fit takes for a little more.
    np.testing.assert_allclose(found["units_tau"].median(), expected, rtol=0.25)
    assert found["units_autocorrelation"]["lag"].values[-1] == 30
    assert describe(model, spectrum=False)["tau_mean"] == tau
    # 0.3 bits are 1.2 steps: not at the bound.
    short = eqx.tree_at(lambda m: m.tau.of.raw, model, jnp.full_like(raw, 0.3))
    assert describe(short, spectrum=False)["tau_below"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"n_steps": 100, "hold": 4},
            "'n_steps' must be longer than the fitted lags, 30 bits of 4 steps",
        ),
        ({"retrain_from": 20, "retrain_to": 16}, "ends of a range"),
    ],
)
def test_settings_of_analyses_are_refused_before_training(change, message):
    with pytest.raises(ValueError, match=message):
        check_analyses(dataclasses.replace(SMALL, **change))
