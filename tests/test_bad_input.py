"""Bad input over the whole public surface: each case gets an error that names the fix.

Files that are no recordings have a table of their own in `tests/neurodyn/io/test_bad_input.py`,
damaged model files in `tests/neurodyn/io/test_files.py`.
"""

import json
import pickle

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import neurodyn as nd
from neurodyn import analysis, datasets, experiments, labels, models, params, tasks
from neurodyn.cli.app import app
from neurodyn.engine import intervene
from neurodyn.io.archive import read_archive, write_archive
from neurodyn.models.pvrnn import error_regression, plan
from tests.neurodyn.flows import LIF, OU, Leaky


def small(**options):
    return models.CTRNN(3, 4, 3, key=0, **options)


def activity(*, source="recording", n=6, units=5, time=8, **changes):
    rate = np.random.default_rng(0).random((n, time, units))
    built = labels.dataset(
        {"rate": (("condition", "time", "unit"), rate, "Hz", "firing rate", "rate")},
        {"time": labels.time_axis(time, 20.0), "side": ("condition", np.arange(n))},
        source=source,
    )
    return built.assign(changes) if changes else built


def walk():
    """A short recording of two channels."""
    return np.cumsum(np.random.default_rng(0).normal(size=(200, 2)), 0)


def holed(x):
    x = x.copy()
    x[3] = np.nan
    return x


def plrnn(**options):
    return models.ALRNN(0, 4, 2, n_relu=1, key=0, **options)


#: Measures of a run against a truth, as functions of the truth.
MEASURES = {
    "state_space_divergence": lambda x: analysis.state_space_divergence(walk(), x),
    "mixture_divergence": lambda x: analysis.mixture_divergence(walk(), x),
    "spectral_distance": lambda x: analysis.spectral_distance(walk(), x, sigma=2.0),
    "valid_prediction_time": lambda x: analysis.valid_prediction_time(walk(), x, dt=1.0),
    "prediction_error": lambda x: analysis.prediction_error(plrnn(), x, n_steps=2),
}


def pvrnn():
    return models.PVRNN(2, (4,), (1,), 2.0, key=0)


def stream():
    time = 10.0 * np.arange(1, 4)
    return xr.DataArray(np.zeros((2, 3, 2)), {"time": time}, ("trial", "time", "output"))


def with_nan():
    ds = activity()
    ds["rate"].values[2, 3, 1] = np.nan
    return ds


def spoilt_model(folder, spoil):
    """A saved model whose header was changed, by someone who knows how to write a checksum."""
    path = folder / "model.nd"
    nd.save(path, small())
    header, arrays = read_archive(path, kind="object")
    header = {k: v for k, v in spoil(header).items() if k not in ("format", "version", "kind")}
    write_archive(path, header, arrays, kind="object", overwrite=True)
    return path


def unknown_class(header):
    return json.loads(json.dumps(header).replace("neurodyn.models.CTRNN", "os.system"))


def pickled(folder):
    path = folder / "model.nd"
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    return path


def truncated(folder):
    path = folder / "model.nd"
    nd.save(path, small())
    path.write_bytes(path.read_bytes()[:-200])
    return path


def in_a_file(folder):
    (folder / "out").write_text("not a folder")
    return folder / "out"


def trial_rates():
    return activity().rename(condition="trial")


#: name -> (what is done in an empty folder, type of the error, what its message says).
BAD = {
    # variational networks and their inference
    "PV-RNN with other layers": (
        lambda _: models.PVRNN(2, (4, 3), (1,), 2.0, key=0),
        ValueError,
        "`n_latents` has 1",
    ),
    "PV-RNN weights without their form": (
        lambda _: models.PVRNN(2, (4,), (1,), 2.0, posterior="A", W_posterior=0.1, key=0),
        ValueError,
        r"posterior='d\+A'",
    ),
    "sequences with other dims": (
        lambda _: tasks.Sequences(
            xr.DataArray(np.zeros((2, 3, 1)), dims=("batch", "time", "output"))
        ),
        ValueError,
        "rename or select",
    ),
    "sequences of uneven steps": (
        lambda _: tasks.Sequences(stream().assign_coords(time=[1.0, 2.0, 4.0])),
        ValueError,
        "resample",
    ),
    "a stream with another step": (
        lambda _: error_regression(pvrnn(), stream(), dt=1.0, key=0),
        ValueError,
        "10 ms apart",
    ),
    "a stream with NaN": (
        lambda _: error_regression(pvrnn(), stream() * np.nan, key=0),
        ValueError,
        "pass a `mask`",
    ),
    "a stream of other outputs": (
        lambda _: error_regression(pvrnn(), np.zeros((2, 3, 5)), key=0),
        ValueError,
        "2 outputs",
    ),
    "a plan with a beta of 1": (
        lambda _: plan(pvrnn(), stream(), np.ones((2, 3, 2)), betas=(0.9, 1.0), key=0),
        ValueError,
        "two numbers",
    ),
    "a plan of no iteration": (
        lambda _: plan(pvrnn(), stream(), np.ones((2, 3, 2)), iterations=0, key=0),
        ValueError,
        "whole number",
    ),
    # models and parametrisations
    "size 0": (
        lambda _: models.CTRNN(3, 0, 1, key=0),
        ValueError,
        "`n_units` must be a whole number >= 1",
    ),
    "no key": (
        lambda _: models.CTRNN(3, 4, 1, key=None),
        ValueError,
        "CTRNN draws random numbers: pass `key=",
    ),
    "key of text": (lambda _: models.CTRNN(3, 4, 1, key="seed"), TypeError, "integer seed"),
    "weights of the wrong shape": (
        lambda _: small(W=np.ones((3, 3))),
        ValueError,
        r"`W` .*`init` has shape \(3, 3\)",
    ),
    "weights with NaN": (lambda _: small(W=np.full((4, 4), np.nan)), ValueError, "`W` .*holds NaN"),
    "unknown activation": (
        lambda _: small(activation="tahn"),
        ValueError,
        "Unknown activation 'tahn': .*tanh",
    ),
    "negative time constant": (lambda _: small(tau=-3.0), ValueError, "`tau` must be above 0 ms"),
    "bounds the wrong way": (lambda _: params.Bounded(5.0, 1.0), ValueError, "low < high"),
    "start outside the bounds": (
        lambda _: small(tau=params.Bounded(20.0, 50.0, init=80.0)),
        ValueError,
        "strictly inside",
    ),
    "mask over a low rank": (
        lambda _: params.Masked(0.5, params.LowRank(2)),
        ValueError,
        "destroys the rank",
    ),
    "signs that are no signs": (
        lambda _: small(W=params.Dale([1, 0, 1, -1])),
        ValueError,
        r"must hold \+1 or -1 for each of the 4",
    ),
    "areas that do not add up": (
        lambda _: small(W=params.Blocks({"V1": 3, "PFC": 3})),
        ValueError,
        "hold 6 units, but the matrix",
    ),
    # tasks
    "step of no length": (
        lambda _: tasks.PerceptualDecision(dt=0.0),
        ValueError,
        "`dt` must be a positive number of ms",
    ),
    "epoch between two steps": (
        lambda _: tasks.PerceptualDecision(dt=20.0, stimulus=810.0),
        ValueError,
        "take 800 or 820 ms",
    ),
    "coherence in percent": (
        lambda _: tasks.PerceptualDecision(coherence=[-51.2, 51.2]),
        ValueError,
        "`coherence` must be at least -1",
    ),
    "condition that the task lacks": (
        lambda _: tasks.PerceptualDecision().batch(0, 4, colour=0.5),
        ValueError,
        "Unknown condition 'colour'; this task takes: coherence",
    ),
    "no bits": (
        lambda _: tasks.FlipFlop(n_bits=0),
        ValueError,
        "`n_bits` must be a whole number >= 1",
    ),
    "chances that do not sum to 1": (
        lambda _: tasks.StateMachine(edges=[("a", 0, "a", 0.5)]),
        ValueError,
        "sum to 1",
    ),
    "machine in two parts": (
        lambda _: tasks.StateMachine(edges=[("a", 0, "a", 1.0), ("b", 1, "b", 1.0)]),
        ValueError,
        "reachable",
    ),
    "symbols that look alike": (
        lambda _: tasks.StateMachine(values=[0.5, 0.5]),
        ValueError,
        "different output",
    ),
    "curve with too few samples": (
        lambda _: tasks.Lissajous(period=6, frequencies=[(1, 3)]),
        ValueError,
        "at most a third of the period",
    ),
    "transitions for other curves": (
        lambda _: tasks.Lissajous(transitions=np.eye(2)),
        ValueError,
        r"`transitions` must be \(3, 3\)",
    ),
    "hand that overshoots": (
        lambda _: tasks.HomeReach(omega=1.5),
        ValueError,
        "`omega` must be at most 1",
    ),
    "moving longer than a phase": (
        lambda _: tasks.HomeReach(phase=4, moving=5),
        ValueError,
        "4 steps of a phase",
    ),
    "probability of a reach in percent": (
        lambda _: tasks.HomeReach(p_left=[10, 90]),
        ValueError,
        "`p_left` must be at most 1",
    ),
    "words of outputs": (
        lambda _: analysis.word_frequencies(xr.DataArray([0.1, 0.9], dims="time"), 1),
        labels.LabelError,
        "symbolise",
    ),
    "words longer than the sequence": (
        lambda _: analysis.word_frequencies(xr.DataArray([0, 1], dims="time"), 3),
        ValueError,
        "between 1 and the 2",
    ),
    "words over other symbols": (
        lambda _: analysis.word_divergence(
            analysis.true_words(tasks.StateMachine(), 2),
            analysis.word_frequencies(xr.DataArray([0, 1, 2], dims="time"), 2),
        ),
        ValueError,
        "n_symbols",
    ),
    # integration and simulation
    "tau below dt": (
        lambda _: nd.integrate(small(tau=5.0), jnp.zeros((4, 3)), dt=10.0),
        ValueError,
        "`tau` must not be below the step dt=10 ms",
    ),
    "inputs of the wrong size": (
        lambda _: nd.integrate(small(), jnp.zeros((4, 2)), dt=1.0),
        ValueError,
        "with 3 inputs and at most one batch axis",
    ),
    "model of another size than the task": (
        lambda _: nd.simulate(models.CTRNN(2, 4, 1, key=0), tasks.PerceptualDecision(), key=0),
        ValueError,
        "n_inputs=task.n_inputs",
    ),
    "inputs with NaN": (
        lambda _: nd.simulate(small(), np.full((5, 2, 3), np.nan, np.float32), dt=1.0),
        ValueError,
        "The inputs hold NaN",
    ),
    "unknown variable": (
        lambda _: nd.simulate(small(), np.zeros((5, 3)), dt=1.0, variables=["voltage"]),
        ValueError,
        r"no variables \['voltage'\]; it has \['rate'\]",
    ),
    "noise without a key": (
        lambda _: nd.simulate(small(noise_std=0.1), np.zeros((5, 3)), dt=1.0),
        ValueError,
        "CTRNN has noise: pass `key=",
    ),
    "array without a step": (
        lambda _: nd.simulate(small(), np.zeros((5, 3))),
        ValueError,
        r"pass `dt=` \[ms\]",
    ),
    "run that explodes": (
        lambda _: nd.simulate(
            small(activation="identity", W=50.0 * np.eye(4)), np.ones((400, 3)), dt=20.0
        ),
        nd.SimulationError,
        "NaN or infinite values in trial 0 at t = .*shorter dt",
    ),
    "spikes without room": (
        lambda _: nd.solve(LIF(jnp.array([1.5, 2.0])), None, [10.0]),
        ValueError,
        "needs `max_events=",
    ),
    "more spikes than room": (
        lambda _: nd.solve(LIF(jnp.array([1.5, 2.0])), None, [200.0], max_events=3),
        nd.SolveError,
        "More than max_events=3 spikes.*Raise max_events",
    ),
    "times that go back": (
        lambda _: nd.solve(Leaky(jnp.ones(1)), lambda t: jnp.zeros(1), [5.0, 3.0]),
        ValueError,
        "`ts` must be increasing times",
    ),
    "units that are neither numbers, names nor a mask": (
        lambda _: intervene.Lesion([0.0, 5.0, 2.0]),
        ValueError,
        "`units` must be unit numbers",
    ),
    "lesion of what has no weights": (
        lambda _: nd.integrate(
            OU(jnp.array(9.0), jnp.array(0.1)),
            jnp.zeros((4, 4)),
            dt=1.0,
            key=0,
            interventions=[intervene.Lesion([1, 0, 0, 0])],
        ),
        TypeError,
        "OU has no `cut` method",
    ),
    "area that is not there": (
        lambda _: intervene.select_units(small(), area="V1"),
        ValueError,
        "No unit coordinate 'area'",
    ),
    # training
    "no steps": (
        lambda _: nd.fit(small(), tasks.PerceptualDecision(), steps=0, key=0),
        ValueError,
        "`steps` is a whole number of steps, at least 1",
    ),
    "model that does not fit the task": (
        lambda _: nd.fit(models.CTRNN(2, 4, 1, key=0), tasks.PerceptualDecision(), steps=1, key=0),
        ValueError,
        "has n_inputs=2, but PerceptualDecision has n_inputs=3",
    ),
    "unknown sampler": (
        lambda _: nd.fit(small(), tasks.PerceptualDecision(), steps=1, key=0, sampler="sequential"),
        ValueError,
        "`sampler` is 'random', 'shuffle' or 'full'",
    ),
    "trained tau below dt": (
        lambda _: nd.fit(small(tau=5.0), tasks.PerceptualDecision(dt=20.0), steps=1, key=0),
        ValueError,
        "`tau` must not be below the step dt=20 ms",
    ),
    # labels and measures
    "plural dim": (
        lambda _: labels.check(activity().rename(unit="units")),
        labels.LabelError,
        "did you mean 'unit'",
    ),
    "no units": (
        lambda _: labels.check(activity(extra=("unit", np.zeros(5)))),
        labels.LabelError,
        "'extra' has no units",
    ),
    "dims in another order": (
        lambda _: labels.check(activity().transpose("unit", "time", "condition")),
        labels.LabelError,
        r"\.transpose\('condition', 'time', 'unit'\)",
    ),
    "other conditions": (
        lambda _: analysis.compare(
            activity(source="model"), activity().assign_coords(side=("condition", np.arange(6) + 3))
        ),
        labels.LabelError,
        r"along 'condition' \(by side\) differ",
    ),
    "other times": (
        lambda _: analysis.compare(
            activity(source="model"), activity().assign_coords(time=np.arange(8.0) + 1e4)
        ),
        labels.LabelError,
        "no bin to compare in: the run covers 0 to 160 ms",
    ),
    "recording with NaN": (
        lambda _: analysis.compare(activity(source="model"), with_nan()),
        labels.LabelError,
        "of the recording are NaN or infinite",
    ),
    "unknown measure": (
        lambda _: analysis.compare(activity(source="model"), activity(), ["rsa"]),
        ValueError,
        r"unknown measures \['rsa'\]: compare knows cka",
    ),
    "average by what is not there": (
        lambda _: nd.trials.average(trial_rates(), by="coherence"),
        labels.LabelError,
        r"no trial coordinate \['coherence'\]",
    ),
    "bins that do not fit": (
        lambda _: nd.spikes.bin(nd.spikes.from_times([[1.0]], window=(0, 100)), bin_width=30.0),
        ValueError,
        "end the window at 90 ms",
    ),
    # measures of reconstruction
    **{
        f"{what} in the truth of {name}": (
            lambda _, act=act, spoil=spoil: act(spoil(walk())),
            ValueError,
            message,
        )
        for what, spoil, message in (
            ("NaN", lambda x: holed(x), "NaN or infinite"),
            ("a constant channel", lambda x: x * [1.0, 0.0], r"constant in channels \[1\]"),
            ("wrong dims", lambda x: x[:, 0], r"\(time, channel\)"),
        )
        for name, act in MEASURES.items()
    },
    "a run of other channels": (
        lambda _: analysis.reconstruction(walk()[:, :1], walk()),
        ValueError,
        "1 channels and `truth` 2",
    ),
    "a recording too short for its spectrum": (
        lambda _: analysis.spectral_distance(walk()[:40], walk()[:40]),
        ValueError,
        "too few to smooth by 20",
    ),
    "a recording too short to predict": (
        lambda _: analysis.prediction_error(models.reference.Henon(), walk()[:10], n_steps=20),
        ValueError,
        "too few to predict 20 steps",
    ),
    "symbols of a trajectory with NaN": (
        lambda _: analysis.symbols(plrnn(), holed(np.zeros((9, 4)))),
        ValueError,
        "has diverged",
    ),
    "symbols of the wrong latents": (
        lambda _: analysis.symbols(plrnn(), np.zeros((9, 3))),
        labels.LabelError,
        "with 4 latents, got shape",
    ),
    "symbols of a model of many subjects": (
        lambda _: analysis.symbols(plrnn(h=params.Indexed(3, by="subject")), np.zeros((9, 4))),
        ValueError,
        r"rows\(model, subject=0\)",
    ),
    "cycles of a model of many subjects": (
        lambda _: analysis.cycles(plrnn(h=params.Indexed(3, by="subject")), 1),
        ValueError,
        r"rows\(model, subject=0\)",
    ),
    "predictions without the inputs": (
        lambda _: analysis.prediction_error(models.ALRNN(3, 4, 2, n_relu=1, key=0), walk()),
        ValueError,
        "ALRNN has 3 inputs, which `truth` does not hold",
    ),
    # files
    "unknown class in a model file": (
        lambda folder: nd.load(spoilt_model(folder, unknown_class)),
        ValueError,
        r"unknown class 'os\.system'",
    ),
    "pickle called a model": (
        lambda folder: nd.load(pickled(folder)),
        ValueError,
        "is a Python pickle",
    ),
    "truncated model": (
        lambda folder: nd.load(truncated(folder)),
        ValueError,
        "is damaged or truncated",
    ),
    "missing file": (
        lambda folder: nd.load(folder / "none.nd"),
        FileNotFoundError,
        "There is no file .*none\\.nd",
    ),
    "existing file": (
        lambda folder: [nd.save(folder / "a.nd", small()) for _ in range(2)],
        FileExistsError,
        "pass overwrite=True",
    ),
    "folder that is not there": (
        lambda folder: nd.save(folder / "no" / "a.nd", small()),
        FileNotFoundError,
        "The folder .* does not exist",
    ),
    "recording that is none": (
        lambda folder: nd.io.read(in_a_file(folder)),
        nd.io.FileFormatError,
        "out' could not be opened",
    ),
    "data in no known format": (
        lambda folder: nd.save(folder / "a.csv", activity()),
        ValueError,
        r"call the file 'a\.nc' or 'a\.zarr'",
    ),
    "unknown dataset": (
        lambda _: datasets.load("mante2014"),
        ValueError,
        "did you mean 'mante2013'",
    ),
    # experiments
    "unknown experiment": (
        lambda _: experiments.run("decision"),
        ValueError,
        "no experiment 'decision'; there are perceptual_decision",
    ),
    "unknown preset": (
        lambda _: experiments.run("perceptual_decision", "slow"),
        ValueError,
        "no preset 'slow'; it has quick",
    ),
    "unknown setting": (
        lambda _: experiments.run("perceptual_decision", settings={"step": 3}),
        ValueError,
        "Did you mean 'steps'",
    ),
    "setting of the wrong type": (
        lambda _: experiments.run("perceptual_decision", settings={"steps": "many"}),
        ValueError,
        "'steps'.*'many'",
    ),
    "results into a file": (
        lambda folder: experiments.run("perceptual_decision", out=in_a_file(folder)),
        FileExistsError,
        "name a folder",
    ),
}


def test_the_table_is_large_enough():
    assert len(BAD) >= 40
    # Words such as "out" or "30" are in any message.
    assert not [name for name, (*_, message) in BAD.items() if len(message) < 8]


@pytest.mark.parametrize("name", BAD)
def test_is_refused_with_the_fix(name, tmp_path):
    act, error, message = BAD[name]
    with pytest.raises(error, match=message):
        act(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert not {n for n in left if "partial" in n or n.startswith(".")}


#: Command line -> what standard error says; the exit code is not 0 and nothing is left behind.
COMMANDS = {
    "unknown experiment": (["run", "decision", "--out", "OUT"], "no experiment 'decision'"),
    "unknown preset": (
        ["run", "perceptual_decision", "--preset", "slow", "--out", "OUT"],
        "no preset 'slow'",
    ),
    "unknown setting": (
        ["run", "perceptual_decision", "--set", "step=3", "--out", "OUT"],
        "no setting 'step'",
    ),
    "missing recording": (["demo", "--recording", "none.nwb", "--out", "OUT"], "none.nwb"),
    "recording without choices": (["demo", "--recording", "RATES", "--out", "OUT"], "choice"),
    "results into a file": (["run", "perceptual_decision", "--out", "FILE"], "name a folder"),
    "no such file": (["info", "none.nd"], "none.nd"),
    "pickle": (["info", "PICKLE"], "is a Python pickle"),
    "compare with nothing": (["compare", "RATES", "none.nc"], "none.nc"),
    "unknown dataset": (["data", "mante2014"], "mante2013"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_fails_cleanly(name, tmp_path):
    arguments, message = COMMANDS[name]
    (tmp_path / "given").mkdir()
    nd.save(tmp_path / "given" / "rates.nc", activity())
    places = {
        "OUT": tmp_path / "out",
        "FILE": in_a_file(tmp_path / "given"),
        "RATES": tmp_path / "given" / "rates.nc",
        "PICKLE": pickled(tmp_path / "given"),
    }
    result = CliRunner().invoke(app, [str(places.get(a, a)) for a in arguments])
    assert result.exit_code not in (0, None)
    assert message in " ".join(result.stderr.split())  # wherever lines are broken
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_nwb_without_obs_intervals_is_read(tmp_path):
    """The positive control: other readers fail on the units of most NWB files."""
    path = nd.io.to_nwb(
        nd.spikes.from_times([[1.0, 5.0], [2.0]], window=(0, 10)), tmp_path / "a.nwb"
    )
    import h5py

    with h5py.File(path, "r+") as file:
        for name in [n for n in file["units"] if n.startswith("obs_intervals")]:
            del file["units"][name]
        columns = [c for c in file["units"].attrs["colnames"] if c != "obs_intervals"]
        file["units"].attrs["colnames"] = columns
    read = nd.io.read(path)
    assert isinstance(read, xr.Dataset)
    np.testing.assert_allclose(read["spike_time"].values, [1.0, 5.0, 2.0])
