"""The labelled front door: labels, chunks, streaming, errors, memory."""

import gc
import json
import sys

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import labels, models, params, tasks
from neurodyn.engine import intervene
from neurodyn.engine.run import execute
from neurodyn.models import spiking
from neurodyn.task import Trial
from tests.neurodyn.flows import LIF, OU, Forced, Leaky, Walk
from tests.rounding import assert_equal_to_rounding
from tests.systems import Filter


@pytest.fixture(scope="module")
def noisy():
    return OU(jnp.array(20.0), jnp.array(0.3))


@pytest.fixture(scope="module")
def decision():
    return tasks.PerceptualDecision(dt=20.0)


@pytest.fixture(scope="module")
def network(decision):
    return models.CTRNN(
        decision.n_inputs,
        10,
        decision.n_outputs,
        noise_std=0.1,
        W=params.Dale([1] * 8 + [-1] * 2),
        areas={"front": 6, "back": 4},
        key=0,
    )


@pytest.fixture(scope="module")
def six(network, decision):
    """A run of six trials of the task."""
    return nd.simulate(network, decision, n_trials=6, key=1)


class Seeds:
    """The least that counts as an ensemble: a sequence of models."""

    def __init__(self, *members):
        self.members = members

    def __iter__(self):
        return iter(self.members)


# --- labels ----------------------------------------------------------------------------------


def test_a_run_of_a_task_is_labelled_throughout(six, decision):
    run = six
    labels.check(run)
    assert run.rate.dims == ("trial", "time", "unit")
    assert run.outputs.dims == ("trial", "time", "output")
    assert (run.sizes["trial"], run.sizes["unit"]) == (6, 10)
    assert run.attrs["source"] == "model"
    assert (run.attrs["model"], run.attrs["task"]) == ("CTRNN", "PerceptualDecision")
    assert run.attrs["align_event"] == decision.align_event
    # Sample k is what holds after input k.
    expected = decision.t0 + (np.arange(decision.n_steps) + 1) * 20.0
    np.testing.assert_array_equal(run.time, expected)
    assert run.time.attrs["units"] == "ms"
    np.testing.assert_array_equal(run.area, ["front"] * 6 + ["back"] * 4)
    np.testing.assert_array_equal(run.ei, [1] * 8 + [-1] * 2)
    np.testing.assert_allclose(run.tau, 100.0, rtol=1e-5)
    assert list(run.output.values) == list(decision.output_names)
    assert set(decision.condition_table()) <= set(run.coords)
    # Epochs are those of the task, in runs on each trial and in averages on each condition.
    drawn = eqx.filter_jit(decision.batch)(jax.random.fold_in(jax.random.key(1), 0), 6)
    means = nd.trials.average(run["rate"].to_dataset(), by=[])
    for name, interval in drawn.epochs.items():
        for edge, times in zip(("start", "stop"), np.asarray(interval).T, strict=True):
            np.testing.assert_allclose(run[f"{name}_{edge}"], times + decision.t0, rtol=1e-6)
            np.testing.assert_allclose(means[f"{name}_{edge}"], times[:1] + decision.t0, rtol=1e-6)
    assert json.loads(run.attrs["labels"]) == {
        name: {str(code): text for code, text in named.items()}
        for name, named in decision.labels().items()
    }


def test_values_and_scores_are_those_of_the_parts(network, six, decision):
    run, key = six, jax.random.key(1)
    trials = eqx.filter_jit(decision.batch)(jax.random.fold_in(key, 0), 6)
    done = nd.integrate(
        network,
        np.swapaxes(trials.inputs, 0, 1),
        dt=20.0,
        key=jax.random.fold_in(key, 1),
        save=nd.Save(("rate",)),
    )
    rate = np.swapaxes(np.asarray(done.variables["rate"]), 0, 1)
    assert_equal_to_rounding(run.rate.values, rate, n_steps=run.sizes["time"])
    score = eqx.filter_jit(decision.score)(np.swapaxes(done.outputs, 0, 1), trials)
    for name, values in {**trials.conditions, **score}.items():
        np.testing.assert_allclose(run[name], values, rtol=1e-6)
        assert run[name].dims == ("trial",)
    assert {"correct", "choice"} <= set(run.coords)


def test_repeats_balance_the_design(network, decision):
    run = nd.simulate(network, decision, repeats=3, key=0)
    table = decision.condition_table()
    n = len(next(iter(table.values())))
    assert run.sizes["trial"] == 3 * n
    for name, column in table.items():
        np.testing.assert_array_equal(run[name], np.repeat(labels.exact(column), 3))


def test_arrays_callables_and_nothing_drive_a_run(noisy):
    inputs = np.random.default_rng(0).normal(size=(20, 7, 4)).astype(np.float32)
    run = nd.simulate(noisy, inputs, dt=2.0, key=0)
    labels.check(run)
    assert run.sizes == {"trial": 7, "time": 20, "unit": 4, "output": 2}
    one = nd.simulate(noisy, inputs[:, 0], dt=2.0, key=0)
    assert_equal_to_rounding(one.rate[0], run.rate[0], n_steps=20)
    smooth = nd.simulate(
        Leaky(jnp.array([10.0, 20.0])), lambda t: jnp.sin(t)[None], dt=1.0, n_steps=8, n_trials=2
    )
    assert smooth.sizes["trial"] == 2
    np.testing.assert_allclose(smooth.tau, [10, 20])
    alone = nd.simulate(Forced(), dt=0.5, n_steps=10, solver=diffrax.Tsit5(), save=nd.Save(()))
    assert list(alone.data_vars) == ["outputs"]
    labels.check(alone)
    steps = nd.simulate(Walk(), jnp.ones((5, 2, 1)), dt=1.0)
    np.testing.assert_array_equal(steps.rate[0, :, 0], [1, 2, 3, 4, 5])


def test_trials_know_their_step(network, decision):
    trials = eqx.filter_jit(decision.batch)(jax.random.key(5), 6)
    run = nd.simulate(network, trials, key=0)
    assert run.attrs["dt"] == 20
    np.testing.assert_array_equal(run.time, 20.0 * np.arange(1, decision.n_steps + 1))
    xr.testing.assert_identical(run, nd.simulate(network, trials, dt=20.0, key=0))


def test_maps_need_no_step():
    """Their time is in steps, unless something says how long a step is."""
    run = nd.simulate(Walk(), jnp.ones((5, 2, 1)))
    np.testing.assert_array_equal(run.time, [1, 2, 3, 4, 5])
    assert run.time.attrs["units"] == "1"
    assert nd.simulate(Walk(), jnp.ones((5, 2, 1)), dt=2.0).time.attrs["units"] == "ms"
    np.testing.assert_array_equal(nd.integrate(Walk(), jnp.ones((5, 1))).ts, [1, 2, 3, 4, 5])
    plain = Trial(jnp.ones((2, 5, 1)), jnp.ones((2, 5, 1)), jnp.ones((2, 5, 1)), {}, {})
    assert nd.simulate(Walk(), plain).time.attrs["units"] == "1"
    model = models.PLRNN(0, 3, 2, key=0)
    later = xr.DataArray([0.1, 0.2], {"time": 30.0}, "channel")
    later.time.attrs["units"] = "ms"
    with pytest.raises(ValueError, match="pass `dt="):
        nd.simulate(model.starting_from(later), n_steps=3)


def test_some_units_are_recorded_as_they_are_in_a_whole_run(network, six, decision):
    some = nd.simulate(network, decision, n_trials=6, key=1, save=nd.Save(units=[7, 2]))
    labels.check(some)
    np.testing.assert_array_equal(some.unit, [7, 2])
    # The whole run takes the kernel, which rounds differently: 60 steps of a contracting network.
    np.testing.assert_allclose(some.rate, six.rate.sel(unit=[7, 2]), rtol=0, atol=60 * 2**-23)
    assert list(some.area.values) == ["back", "front"]
    back = nd.simulate(network, decision, n_trials=6, key=1, save=nd.Save(units={"area": "back"}))
    np.testing.assert_array_equal(back.unit, [6, 7, 8, 9])
    np.testing.assert_array_equal(back.outputs, some.outputs)
    mask = nd.simulate(network, decision, n_trials=6, key=1, save=nd.Save(units=np.arange(10) == 7))
    np.testing.assert_array_equal(mask.rate[..., 0], some.rate[..., 0])


def test_some_units_keep_their_spikes_and_the_weights_of_their_inputs():
    rule = spiking.plasticity.PairSTDP(w_max=0.3)
    net = spiking.Network(
        {"E": spiking.LIF(40), "I": spiking.LIF(5)},
        synapses={"a": spiking.Exponential(5.0)},
        projections={
            "EI": spiking.Projection("E", "I", "a", W=0.1, connect=spiking.AllToAll(), rule=rule)
        },
        bias=np.linspace(15.0, 30.0, 45),
        noise=1.0,
        key=0,
    )
    whole = nd.simulate(net, dt=0.5, n_steps=400, n_trials=2, key=1)
    some = nd.simulate(net, dt=0.5, n_steps=400, n_trials=2, key=1, save=nd.Save(units=[44, 3]))
    labels.check(some)
    for name in ("v", "W_EI"):
        np.testing.assert_array_equal(some[name], whole[name].sel(unit=[44, 3]))
    assert some.W_EI.dims == ("trial", "time", "presynaptic", "unit")
    assert float(abs(some.W_EI[:, -1] - some.W_EI[:, 0]).max()) > 0
    kept = np.isin(whole.spike_unit, [44, 3])
    assert kept.any()
    for trial in (0, 1):
        for unit in (44, 3):
            times = [
                np.sort(
                    run.spike_time.values[
                        (run.spike_unit.values == unit) & (run.spike_trial.values == trial)
                    ]
                )
                for run in (some, whole)
            ]
            np.testing.assert_array_equal(*times)
    assert set(np.unique(some.spike_unit)) <= {44, 3}


def test_scores_may_be_computed_on_the_host(decision):
    class ByNumPy(tasks.PerceptualDecision):
        def score(self, outputs, trials):
            return {"correct": np.asarray(outputs)[:, -1].argmax(-1) == 1}

    class ByMask(tasks.PerceptualDecision):
        def score(self, outputs, trials):
            last = outputs[:, -1]
            return {"correct": last[last > -jnp.inf].reshape(last.shape).argmax(-1) == 1}

    model = models.CTRNN(decision.n_inputs, 4, decision.n_outputs, key=0)
    for kind in (ByNumPy, ByMask):  # JAX traces neither
        task = kind(dt=20.0)
        run = nd.simulate(model, task, n_trials=3, key=0)
        np.testing.assert_array_equal(run.correct, run.outputs.values[:, -1].argmax(-1) == 1)


def test_thinned_and_windowed_runs_keep_their_times(noisy):
    inputs = np.zeros((20, 7, 4), np.float32)
    whole = nd.simulate(noisy, inputs, dt=2.0, key=0)
    thin = nd.simulate(noisy, inputs, dt=2.0, key=0, save=nd.Save(every=4))
    assert_equal_to_rounding(thin.rate, whole.rate.isel(time=slice(3, None, 4)), n_steps=20)
    part = nd.simulate(noisy, inputs, dt=2.0, key=0, save=nd.Save(window=(10.0, 30.0)))
    assert_equal_to_rounding(part.rate, whole.rate.sel(time=slice(12.0, 30.0)), n_steps=20)


def test_spikes_in_a_window_keep_their_times():
    model = LIF(jnp.array([1.5, 2.0]))
    options = {"n_steps": 1000, "n_trials": 3, "dt": 0.1}
    whole = nd.simulate(model, **options)
    part = nd.simulate(model, save=nd.Save(window=(40.0, 70.0)), **options)
    inside = (whole.spike_time > 40.0) & (whole.spike_time <= 70.0)
    assert int(inside.sum()) > 10
    for name in ("spike_time", "spike_unit", "spike_trial"):
        np.testing.assert_array_equal(part[name], whole[name][inside.values])
    np.testing.assert_allclose(part.time.values[[0, -1]], [40.1, 70.0])


def test_trials_shorter_than_their_buffer_are_scored(monkeypatch):
    task = Filter(n_steps=20)
    draw = Filter.batch

    def shorter(self, key, n, **conditions):
        trials = draw(self, key, n, **conditions)
        counts = (jnp.arange(20)[None, :, None] < 12).astype(jnp.float32)
        return Trial(
            trials.inputs,
            trials.targets,
            trials.mask * counts,
            trials.conditions,
            {},
            jnp.array(12),
        )

    monkeypatch.setattr(Filter, "batch", shorter)
    model = models.CTRNN(1, 5, 1, key=0)
    run = nd.simulate(model, task, n_trials=4, key=0)
    assert run.sizes["time"] == 12
    key = jax.random.fold_in(jax.random.key(0), 0)
    trials = eqx.filter_jit(lambda key: task.batch(key, 4))(key)
    error = np.square(run.outputs.values - np.asarray(trials.targets)[:, :12]).mean((1, 2))
    np.testing.assert_allclose(run.mse, error, rtol=1e-5)


def test_one_variable_by_its_name(network, decision):
    run = nd.simulate(network, decision, n_trials=6, key=1, save="rate")
    assert run.rate.dims == ("trial", "time", "unit")
    end = nd.simulate(network, decision, n_trials=6, key=1, save=nd.Save((), outputs="last"))
    # Programs that keep all states and only the last one round differently, in each of 60 steps.
    np.testing.assert_allclose(end.outputs, run.outputs[:, -1], rtol=0, atol=60 * 2**-23)
    assert "correct" in run.coords
    assert "correct" not in end.coords


def test_a_task_scored_at_its_end_reads_out_once():
    task = tasks.NParity(dt=10.0)
    model = models.CTRNN(task.n_inputs, 8, task.n_outputs, key=0)
    run = nd.simulate(model, task, n_trials=7, key=0, chunk=3)
    labels.check(run)
    assert run.outputs.dims == ("trial", "output")
    assert "correct" in run.coords
    whole = nd.simulate(model, task, n_trials=7, key=0)
    assert_equal_to_rounding(run, whole, n_steps=task.n_steps)


def test_an_ensemble_gives_a_seed_dim(decision):
    def make(key):
        tau = params.Bounded(20.0, 500.0, init=60.0 + 40 * key)
        return models.CTRNN(decision.n_inputs, 5, decision.n_outputs, tau=tau, key=key)

    members = [make(0), make(1)]
    run = nd.simulate(Seeds(*members), decision, n_trials=5, key=3)
    labels.check(run)
    assert run.rate.dims == ("seed", "trial", "time", "unit")
    assert run.tau.dims == ("seed", "unit")
    assert run.correct.dims == ("seed", "trial")
    assert run.coherence.dims == ("trial",)
    for i, member in enumerate(members):
        alone = nd.simulate(member, decision, n_trials=5, key=3)
        np.testing.assert_array_equal(run.rate.isel(seed=i), alone.rate)
        np.testing.assert_array_equal(run.correct.isel(seed=i), alone.correct)
        np.testing.assert_array_equal(run.tau.isel(seed=i), alone.tau)


def test_spiking_runs_give_ragged_spikes():
    model = LIF(jnp.array([1.5, 2.0]))
    run = nd.simulate(model, jnp.zeros((1000, 5, 1)), dt=0.1, save=("v",), chunk=2)
    labels.check(run)
    assert run.spike_time.dims == ("spike",)
    dense = nd.integrate(model, n_steps=1000, n_trials=5, dt=0.1, save=nd.Save(spikes="dense"))
    steps, trials, units = np.nonzero(np.asarray(dense.spikes))
    found = sorted(zip(run.spike_trial.values, run.spike_unit.values, run.spike_time.values))
    expected = sorted(zip(trials, units, 0.1 * (steps + 1)))
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=1e-9)
    # They are what the spike tools take.
    counts = nd.spikes.bin(run.drop_vars(["v", "outputs"]), bin_width=50.0, window=(0.0, 100.0))
    assert int(counts.spike_count.sum()) == int((run.spike_time < 100.0 - 1e-6).sum())


def test_interventions_act_in_every_chunk(noisy):
    clamp = intervene.Clamp([1, 0, 0, 0], 0.5, 10.0, 40.0)
    inputs = jnp.zeros((30, 4, 4))
    run = nd.simulate(noisy, inputs, dt=2.0, key=0, interventions=[clamp], chunk=3, chunk_steps=7)
    inside = run.rate.sel(unit=0, time=slice(12.0, 40.0))
    assert np.all(inside == 0.5)
    assert not np.any(run.rate.sel(unit=0, time=slice(42.0, None)) == 0.5)


# --- chunks and streaming --------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(3, 7), (7, 20), (20, 3), (1, 20), (6, 1)])
def test_chunks_change_no_draw(noisy, sizes):
    inputs = np.random.default_rng(5).normal(size=(20, 7, 4)).astype(np.float32)
    whole = nd.simulate(noisy, inputs, dt=2.0, key=0)
    cut = nd.simulate(noisy, inputs, dt=2.0, key=0, chunk=sizes[0], chunk_steps=sizes[1])
    assert_equal_to_rounding(cut, whole, n_steps=20)
    again = nd.simulate(noisy, inputs, dt=2.0, key=0, chunk=sizes[0], chunk_steps=sizes[1])
    xr.testing.assert_identical(cut, again)  # the same call gives the same bits


@pytest.mark.parametrize("fused", [True, False])
def test_chunks_change_no_draw_of_networks(decision, fused):
    activation = "tanh" if fused else "elu"
    network = models.CTRNN(
        decision.n_inputs, 9, decision.n_outputs, noise_std=0.2, activation=activation, key=0
    )
    whole = nd.simulate(network, decision, n_trials=7, key=0)
    for sizes in ({"chunk": 3}, {"chunk_steps": 17}):  # the last chunk has one trial
        cut = nd.simulate(network, decision, n_trials=7, key=0, **sizes)
        assert_equal_to_rounding(cut, whole, n_steps=whole.sizes["time"])


def test_chunks_change_nothing_for_spikes():
    model = LIF(jnp.array([1.5, 2.0]))
    whole = nd.simulate(model, jnp.zeros((500, 4, 1)), dt=0.1)
    cut = nd.simulate(model, jnp.zeros((500, 4, 1)), dt=0.1, chunk_steps=60)
    np.testing.assert_allclose(cut.v, whole.v, rtol=0, atol=500 * np.finfo(np.float32).eps)
    assert cut.sizes == whole.sizes
    for ds in (cut, whole):
        order = np.lexsort([ds.spike_time, ds.spike_unit, ds.spike_trial])
        ds["sorted"] = ("spike", ds.spike_time.values[order])
    np.testing.assert_array_equal(cut["sorted"], whole["sorted"])


@pytest.mark.parametrize("sizes", [{"chunk": 3}, {"chunk_steps": 7}, {}])
def test_streams_to_zarr(noisy, tmp_path, sizes):
    pytest.importorskip("zarr")
    inputs = np.random.default_rng(5).normal(size=(20, 7, 4)).astype(np.float32)
    whole = nd.simulate(noisy, inputs, dt=2.0, key=0)
    stored = nd.simulate(noisy, inputs, dt=2.0, key=0, to=tmp_path / "run.zarr", **sizes)
    assert_equal_to_rounding(stored.load(), whole, n_steps=20)
    labels.check(stored)
    assert [p.name for p in tmp_path.iterdir()] == ["run.zarr"]


def test_a_streamed_task_keeps_conditions_and_scores(network, decision, tmp_path):
    pytest.importorskip("zarr")
    options = {"n_trials": 7, "key": 0, "chunk": 3}
    whole = nd.simulate(network, decision, **options)
    stored = nd.simulate(network, decision, to=tmp_path / "run.zarr", **options)
    assert_equal_to_rounding(stored.load(), whole, n_steps=whole.sizes["time"])


def test_an_interrupted_stream_never_has_its_final_name(network, decision, tmp_path, monkeypatch):
    pytest.importorskip("zarr")
    driver, calls = sys.modules["neurodyn.simulation.runner"], []
    real = driver.prepared

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(driver, "prepared", interrupted)
    options = {"n_trials": 9, "key": 0, "chunk": 3, "to": tmp_path / "run.zarr"}
    with pytest.raises(KeyboardInterrupt):
        nd.simulate(network, decision, **options)
    assert [p.name for p in tmp_path.iterdir()] == ["run.partial.zarr"]
    partial = xr.open_zarr(tmp_path / "run.partial.zarr", consolidated=False, chunks=None)
    assert partial.sizes["trial"] == 6
    monkeypatch.undo()
    with pytest.raises(FileExistsError, match=r"run.partial.zarr exists.*remove it first"):
        nd.simulate(network, decision, **options)


# --- what goes wrong -------------------------------------------------------------------------


def test_a_run_that_explodes_says_where():
    # Unit 1 grows by e^0.5 a step and passes the largest float32 (e^88.7) in step 178.
    model = Leaky(jnp.array([-2.0]))
    inputs = jnp.zeros((300, 4, 1)).at[:, 2].set(1.0)
    message = r"trial 2 at t = (\d+) ms, first in unit 0 \(1 of"
    with pytest.raises(nd.SimulationError, match=message) as e:
        nd.simulate(model, inputs, dt=1.0)
    growth = np.log(np.finfo(np.float32).max) / np.log(1.5)
    assert abs(float(str(e.value).split("t = ")[1].split(" ms")[0]) - growth) < 4
    with pytest.raises(nd.SimulationError, match="trial 2 by the end of the run"):
        nd.simulate(model, inputs, dt=1.0, save=nd.Save((), outputs=None))


def test_it_also_says_so_in_a_later_chunk():
    model = Leaky(jnp.array([-2.0]))
    inputs = jnp.zeros((300, 4, 1)).at[:, 3].set(1.0)
    with pytest.raises(nd.SimulationError, match=r"trial 3 at t = 2\d\d ms"):
        nd.simulate(model, inputs, dt=1.0, chunk=2, chunk_steps=150)


BAD = {
    "not a model": (lambda: nd.simulate("model", dt=1.0), TypeError, "ensemble of systems"),
    "no dt": (lambda: nd.simulate(Forced(), n_steps=5), ValueError, "pass `dt="),
    "another step than the trials'": (
        lambda: nd.simulate(
            models.CTRNN(3, 4, 3, key=0), tasks.PerceptualDecision(dt=20.0).batch(0, 2), dt=10.0
        ),
        ValueError,
        "drawn with dt=20.*leave out `dt`",
    ),
    "no dt of a flow": (
        lambda: nd.integrate(Leaky(jnp.ones(2)), jnp.zeros((5, 1))),
        ValueError,
        "say how long a step is",
    ),
    **{
        f"units {units}": (
            lambda units=units: nd.simulate(
                Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, save=nd.Save(units=units)
            ),
            ValueError,
            match,
        )
        for units, match in (
            ((2,), "There is no unit 2: this Leaky has 2 units"),
            ((-1,), "counts from 0, got -1"),
            ((3, 3), "names 3 twice"),
            ((), "must be unit numbers such as"),
            ((0.5,), "must be unit numbers such as"),
            ((False, False), "chooses no unit"),
        )
    },
    "no steps": (lambda: nd.simulate(Forced(), dt=1.0), ValueError, "pass `n_steps="),
    "task and model": (
        lambda: nd.simulate(models.CTRNN(9, 4, 2, key=0), tasks.PerceptualDecision(), key=0),
        ValueError,
        "n_inputs=task.n_inputs",
    ),
    "no key": (
        lambda: nd.simulate(models.CTRNN(2, 4, 2, key=0), tasks.PerceptualDecision()),
        ValueError,
        "pass `key=",
    ),
    "shape": (
        lambda: nd.simulate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 2)), dt=0.1),
        ValueError,
        "with 1 inputs",
    ),
    "NaN": (
        lambda: nd.simulate(Leaky(jnp.ones(2)), jnp.full((5, 3, 1), jnp.nan), dt=0.1),
        ValueError,
        "interpolate or mask",
    ),
    "trials and repeats": (
        lambda: nd.simulate(
            models.CTRNN(2, 4, 2, key=0), tasks.PerceptualDecision(), n_trials=3, repeats=2, key=0
        ),
        ValueError,
        "not both",
    ),
    "no trials": (
        lambda: nd.simulate(
            models.CTRNN(2, 4, 2, key=0), tasks.PerceptualDecision(), n_trials=0, key=0
        ),
        ValueError,
        "`n_trials` must be a whole number >= 1",
    ),
    "no trials of nothing": (
        lambda: nd.simulate(Forced(), n_steps=5, n_trials=0, dt=1.0),
        ValueError,
        "`n_trials` must be a whole number >= 1",
    ),
    "another step than the task's": (
        lambda: nd.simulate(
            models.CTRNN(2, 4, 2, key=0), tasks.PerceptualDecision(dt=20.0), dt=5.0, key=0
        ),
        ValueError,
        "make the task with dt=5",
    ),
    "another number of trials than the arrays": (
        lambda: nd.simulate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, n_trials=7),
        ValueError,
        "contradicts",
    ),
    "another number of steps than the trials": (
        lambda: nd.simulate(
            models.CTRNN(2, 4, 2, key=0), tasks.PerceptualDecision(), n_steps=5, key=0
        ),
        ValueError,
        "leave out `n_steps`",
    ),
    "spikes": (
        lambda: nd.simulate(LIF(jnp.ones(2)), n_steps=5, dt=0.1, save=nd.Save(spikes="dense")),
        ValueError,
        "spikes by their times",
    ),
    "every": (
        lambda: nd.simulate(
            Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, save=nd.Save(every=6)
        ),
        ValueError,
        "nothing would be recorded",
    ),
    "spikes of an ensemble": (
        lambda: nd.simulate([LIF(jnp.array([1.5, 2.0]))] * 2, n_steps=5, dt=0.1),
        ValueError,
        "spike differently often",
    ),
    "indexed parameter without items": (
        lambda: nd.simulate(
            models.CTRNN(1, 3, 1, b=params.Indexed(4), key=0), jnp.zeros((5, 2, 1)), dt=1.0
        ),
        ValueError,
        "a task over stored items",
    ),
    "repeats of arrays": (
        lambda: nd.simulate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, repeats=2),
        ValueError,
        "needs a task",
    ),
    "chunk": (
        lambda: nd.simulate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, chunk=0),
        ValueError,
        "at least 1",
    ),
    "variable": (
        lambda: nd.simulate(Leaky(jnp.ones(2)), jnp.zeros((5, 3, 1)), dt=0.1, save=("voltage",)),
        ValueError,
        r"it has \['rate'\]",
    ),
    "tau": (
        lambda: nd.simulate(models.CTRNN(1, 3, 1, tau=5.0, key=0), jnp.zeros((4, 1)), dt=10.0),
        ValueError,
        "tau",
    ),
    "streamed ensemble": (
        lambda: nd.simulate(
            [Leaky(jnp.ones(2))] * 2, jnp.zeros((5, 3, 1)), dt=0.1, to="nowhere.zarr"
        ),
        ValueError,
        "one model at a time",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_fix(case):
    call, error, match = BAD[case]
    with pytest.raises(error, match=match):
        call()


# --- traces and memory -----------------------------------------------------------------------


def resident():
    """Resident memory of this process [bytes]."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_fifty_runs_compile_once_and_leave_no_memory_behind(decision):
    model = models.CTRNN(decision.n_inputs, 32, decision.n_outputs, noise_std=0.1, key=0)
    before, base = None, None
    for i in range(50):
        changed = jax.tree.map(
            lambda a, i=i: a * (1 + i / 1000) if eqx.is_inexact_array(a) else a, model
        )
        task = eqx.tree_at(lambda t: t.coherence, decision, decision.coherence * (1 - i / 100))
        nd.simulate(changed, task, n_trials=64, key=i, chunk=16)
        traces = execute._cached._cache_size()
        if i == 0:
            before = traces
        assert traces == before
        if i == 9:
            gc.collect()
            base = resident()
    gc.collect()
    assert resident() - base < max(0.02 * base, 8 * 2**20)


# --- last, because all programs are dropped ------------------------------------------------------


@pytest.mark.parametrize("kernels", ["xla", "auto"])
def test_chunks_of_a_step_change_no_draw_of_noisy_networks(kernels, monkeypatch):
    monkeypatch.setenv("NEURODYN_KERNELS", kernels)
    jax.clear_caches()  # the variable is read when a program is compiled
    model = models.CTRNN(2, 70, 3, noise_std=0.1, key=0)
    assert model.can_fuse
    inputs = jax.random.normal(jax.random.key(5), (7, 3, 2))
    whole = nd.simulate(model, inputs, dt=10.0, key=0)
    cut = nd.simulate(model, inputs, dt=10.0, key=0, chunk_steps=1)
    assert_equal_to_rounding(cut, whole, n_steps=7)
