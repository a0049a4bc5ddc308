"""Bad input over the whole public surface: each case gets an error that names the fix.

Tables of their own: files that are no recordings (`tests/neurodyn/io/test_bad_input.py`), damaged
model files (`tests/neurodyn/io/test_files.py`), commands (`tests/neurodyn/cli/test_cli.py`) and
settings of experiments (`tests/conformance/test_experiments.py`).
"""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels, models, params, tasks
from neurodyn.engine import intervene
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


def trial_rates():
    return activity().rename(condition="trial")


#: Name -> a call, the type of its error, and a pattern of the message.
BAD = {
    # variational networks and their inference
    "PV-RNN with other layers": (
        lambda: models.PVRNN(2, (4, 3), (1,), 2.0, key=0),
        ValueError,
        "`n_latents` has 1",
    ),
    "PV-RNN weights without their form": (
        lambda: models.PVRNN(2, (4,), (1,), 2.0, posterior="A", W_posterior=0.1, key=0),
        ValueError,
        r"posterior='d\+A'",
    ),
    "sequences with other dims": (
        lambda: tasks.Sequences(
            xr.DataArray(np.zeros((2, 3, 1)), dims=("batch", "time", "output"))
        ),
        ValueError,
        "rename or select",
    ),
    "sequences of uneven steps": (
        lambda: tasks.Sequences(stream().assign_coords(time=[1.0, 2.0, 4.0])),
        ValueError,
        "resample",
    ),
    "a stream with another step": (
        lambda: error_regression(pvrnn(), stream(), dt=1.0, key=0),
        ValueError,
        "10 ms apart",
    ),
    "a stream with NaN": (
        lambda: error_regression(pvrnn(), stream() * np.nan, key=0),
        ValueError,
        "pass a `mask`",
    ),
    "a stream of other outputs": (
        lambda: error_regression(pvrnn(), np.zeros((2, 3, 5)), key=0),
        ValueError,
        "2 outputs",
    ),
    "a plan with a beta of 1": (
        lambda: plan(pvrnn(), stream(), np.ones((2, 3, 2)), betas=(0.9, 1.0), key=0),
        ValueError,
        "two numbers",
    ),
    "a plan of no iteration": (
        lambda: plan(pvrnn(), stream(), np.ones((2, 3, 2)), iterations=0, key=0),
        ValueError,
        "whole number",
    ),
    # models and parametrisations
    "size 0": (
        lambda: models.CTRNN(3, 0, 1, key=0),
        ValueError,
        "`n_units` must be a whole number >= 1",
    ),
    "no key": (
        lambda: models.CTRNN(3, 4, 1, key=None),
        ValueError,
        "CTRNN draws random numbers: pass `key=",
    ),
    "key of text": (lambda: models.CTRNN(3, 4, 1, key="seed"), TypeError, "integer seed"),
    "weights of the wrong shape": (
        lambda: small(W=np.ones((3, 3))),
        ValueError,
        r"`W` .*`init` has shape \(3, 3\)",
    ),
    "weights with NaN": (lambda: small(W=np.full((4, 4), np.nan)), ValueError, "`W` .*holds NaN"),
    "unknown activation": (
        lambda: small(activation="tahn"),
        ValueError,
        "Unknown activation 'tahn': .*tanh",
    ),
    "negative time constant": (lambda: small(tau=-3.0), ValueError, "`tau` must be above 0 ms"),
    "bounds the wrong way": (lambda: params.Bounded(5.0, 1.0), ValueError, "low < high"),
    "start outside the bounds": (
        lambda: small(tau=params.Bounded(20.0, 50.0, init=80.0)),
        ValueError,
        "strictly inside",
    ),
    "mask over a low rank": (
        lambda: params.Masked(0.5, params.LowRank(2)),
        ValueError,
        "destroys the rank",
    ),
    "signs that are no signs": (
        lambda: small(W=params.Dale([1, 0, 1, -1])),
        ValueError,
        r"must hold \+1 or -1 for each of the 4",
    ),
    "areas that do not add up": (
        lambda: small(W=params.Blocks({"V1": 3, "PFC": 3})),
        ValueError,
        "hold 6 units, but the matrix",
    ),
    # tasks
    "step of no length": (
        lambda: tasks.PerceptualDecision(dt=0.0),
        ValueError,
        "`dt` must be a positive number of ms",
    ),
    "epoch between two steps": (
        lambda: tasks.PerceptualDecision(dt=20.0, stimulus=810.0),
        ValueError,
        "take 800 or 820 ms",
    ),
    "coherence in percent": (
        lambda: tasks.PerceptualDecision(coherence=[-51.2, 51.2]),
        ValueError,
        "`coherence` must be at least -1",
    ),
    "condition that the task lacks": (
        lambda: tasks.PerceptualDecision().batch(0, 4, colour=0.5),
        ValueError,
        "Unknown condition 'colour'; this task takes: coherence",
    ),
    "no bits": (
        lambda: tasks.FlipFlop(n_bits=0),
        ValueError,
        "`n_bits` must be a whole number >= 1",
    ),
    "chances that do not sum to 1": (
        lambda: tasks.StateMachine(edges=[("a", 0, "a", 0.5)]),
        ValueError,
        "sum to 1",
    ),
    "machine in two parts": (
        lambda: tasks.StateMachine(edges=[("a", 0, "a", 1.0), ("b", 1, "b", 1.0)]),
        ValueError,
        "reachable",
    ),
    "symbols that look alike": (
        lambda: tasks.StateMachine(values=[0.5, 0.5]),
        ValueError,
        "different output",
    ),
    "curve with too few samples": (
        lambda: tasks.Lissajous(period=6, frequencies=[(1, 3)]),
        ValueError,
        "at most a third of the period",
    ),
    "transitions for other curves": (
        lambda: tasks.Lissajous(transitions=np.eye(2)),
        ValueError,
        r"`transitions` must be \(3, 3\)",
    ),
    "hand that overshoots": (
        lambda: tasks.HomeReach(omega=1.5),
        ValueError,
        "`omega` must be at most 1",
    ),
    "moving longer than a phase": (
        lambda: tasks.HomeReach(phase=4, moving=5),
        ValueError,
        "4 steps of a phase",
    ),
    "probability of a reach in percent": (
        lambda: tasks.HomeReach(p_left=[10, 90]),
        ValueError,
        "`p_left` must be at most 1",
    ),
    "words of outputs": (
        lambda: analysis.word_frequencies(xr.DataArray([0.1, 0.9], dims="time"), 1),
        labels.LabelError,
        "symbolise",
    ),
    "words longer than the sequence": (
        lambda: analysis.word_frequencies(xr.DataArray([0, 1], dims="time"), 3),
        ValueError,
        "between 1 and the 2",
    ),
    "words over other symbols": (
        lambda: analysis.word_divergence(
            analysis.true_words(tasks.StateMachine(), 2),
            analysis.word_frequencies(xr.DataArray([0, 1, 2], dims="time"), 2),
        ),
        ValueError,
        "n_symbols",
    ),
    # integration and simulation
    "tau below dt": (
        lambda: nd.integrate(small(tau=5.0), jnp.zeros((4, 3)), dt=10.0),
        ValueError,
        "`tau` must not be below the step dt=10 ms",
    ),
    "inputs of the wrong size": (
        lambda: nd.integrate(small(), jnp.zeros((4, 2)), dt=1.0),
        ValueError,
        "with 3 inputs and at most one batch axis",
    ),
    "model of another size than the task": (
        lambda: nd.simulate(models.CTRNN(2, 4, 1, key=0), tasks.PerceptualDecision(), key=0),
        ValueError,
        "n_inputs=task.n_inputs",
    ),
    "inputs with NaN": (
        lambda: nd.simulate(small(), np.full((5, 2, 3), np.nan, np.float32), dt=1.0),
        ValueError,
        "The inputs hold NaN",
    ),
    "unknown variable": (
        lambda: nd.simulate(small(), np.zeros((5, 3)), dt=1.0, save=["voltage"]),
        ValueError,
        r"no variables \['voltage'\]; it has \['rate'\]",
    ),
    "noise without a key": (
        lambda: nd.simulate(small(noise_std=0.1), np.zeros((5, 3)), dt=1.0),
        ValueError,
        "CTRNN has noise: pass `key=",
    ),
    "array without a step": (
        lambda: nd.simulate(small(), np.zeros((5, 3))),
        ValueError,
        r"pass `dt=` \[ms\]",
    ),
    "run that explodes": (
        lambda: nd.simulate(
            small(activation="identity", W=50.0 * np.eye(4)), np.ones((400, 3)), dt=20.0
        ),
        nd.SimulationError,
        "NaN or infinite values in trial 0 at t = .*shorter dt",
    ),
    "spikes without room": (
        lambda: nd.solve(LIF(jnp.array([1.5, 2.0])), None, [10.0]),
        ValueError,
        "needs `max_events=",
    ),
    "more spikes than room": (
        lambda: nd.solve(LIF(jnp.array([1.5, 2.0])), None, [200.0], max_events=3),
        nd.SolveError,
        "More than max_events=3 spikes.*Raise max_events",
    ),
    "times that go back": (
        lambda: nd.solve(Leaky(jnp.ones(1)), lambda t: jnp.zeros(1), [5.0, 3.0]),
        ValueError,
        "`ts` must be increasing times",
    ),
    "units that are neither numbers, names nor a mask": (
        lambda: intervene.Lesion([0.0, 5.0, 2.0]),
        ValueError,
        "`units` must be unit numbers",
    ),
    "lesion of what has no weights": (
        lambda: nd.integrate(
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
        lambda: intervene.select_units(small(), area="V1"),
        ValueError,
        "No unit coordinate 'area'",
    ),
    # training
    "no steps": (
        lambda: nd.fit(small(), tasks.PerceptualDecision(), steps=0, key=0),
        ValueError,
        "`steps` is a whole number of steps, at least 1",
    ),
    "model that does not fit the task": (
        lambda: nd.fit(models.CTRNN(2, 4, 1, key=0), tasks.PerceptualDecision(), steps=1, key=0),
        ValueError,
        "has n_inputs=2, but PerceptualDecision has n_inputs=3",
    ),
    "unknown sampler": (
        lambda: nd.fit(small(), tasks.PerceptualDecision(), steps=1, key=0, sampler="sequential"),
        ValueError,
        "`sampler` is 'random', 'shuffle' or 'full'",
    ),
    "trained tau below dt": (
        lambda: nd.fit(small(tau=5.0), tasks.PerceptualDecision(dt=20.0), steps=1, key=0),
        ValueError,
        "`tau` must not be below the step dt=20 ms",
    ),
    # labels and measures
    "plural dim": (
        lambda: labels.check(activity().rename(unit="units")),
        labels.LabelError,
        "did you mean 'unit'",
    ),
    "no units": (
        lambda: labels.check(activity(extra=("unit", np.zeros(5)))),
        labels.LabelError,
        "'extra' has no units",
    ),
    "dims in another order": (
        lambda: labels.check(activity().transpose("unit", "time", "condition")),
        labels.LabelError,
        r"\.transpose\('condition', 'time', 'unit'\)",
    ),
    "other conditions": (
        lambda: analysis.compare(
            activity(source="model"), activity().assign_coords(side=("condition", np.arange(6) + 3))
        ),
        labels.LabelError,
        r"along 'condition' \(by side\) differ",
    ),
    "other times": (
        lambda: analysis.compare(
            activity(source="model"), activity().assign_coords(time=np.arange(8.0) + 1e4)
        ),
        labels.LabelError,
        "no bin to compare in: the run covers 0 to 160 ms",
    ),
    "recording with NaN": (
        lambda: analysis.compare(activity(source="model"), with_nan()),
        labels.LabelError,
        "of the recording are NaN or infinite",
    ),
    "unknown measure": (
        lambda: analysis.compare(activity(source="model"), activity(), ["rsx"]),
        ValueError,
        r"unknown measure 'rsx': compare knows cka",
    ),
    "average by what is not there": (
        lambda: nd.trials.average(trial_rates(), by="coherence"),
        labels.LabelError,
        r"no trial coordinate \['coherence'\]",
    ),
    "bins that do not fit": (
        lambda: nd.spikes.bin(nd.spikes.from_times([[1.0]], window=(0, 100)), bin_width=30.0),
        ValueError,
        "end the window at 90 ms",
    ),
    # measures of reconstruction
    **{
        f"{what} in the truth of {name}": (
            lambda act=act, spoil=spoil: act(spoil(walk())),
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
        lambda: analysis.reconstruction(walk()[:, :1], walk()),
        ValueError,
        "1 channels and `truth` 2",
    ),
    "a recording too short for its spectrum": (
        lambda: analysis.spectral_distance(walk()[:40], walk()[:40]),
        ValueError,
        "too few to smooth by 20",
    ),
    "a recording too short to predict": (
        lambda: analysis.prediction_error(models.reference.Henon(), walk()[:10], n_steps=20),
        ValueError,
        "too few to predict 20 steps",
    ),
    "symbols of a trajectory with NaN": (
        lambda: analysis.symbols(plrnn(), holed(np.zeros((9, 4)))),
        ValueError,
        "has diverged",
    ),
    "symbols of the wrong latents": (
        lambda: analysis.symbols(plrnn(), np.zeros((9, 3))),
        labels.LabelError,
        "with 4 latents, got shape",
    ),
    "symbols of a model of many subjects": (
        lambda: analysis.symbols(plrnn(h=params.Indexed(3, by="subject")), np.zeros((9, 4))),
        ValueError,
        r"rows\(model, subject=0\)",
    ),
    "cycles of a model of many subjects": (
        lambda: analysis.cycles(plrnn(h=params.Indexed(3, by="subject")), 1),
        ValueError,
        r"rows\(model, subject=0\)",
    ),
    "predictions without the inputs": (
        lambda: analysis.prediction_error(models.ALRNN(3, 4, 2, n_relu=1, key=0), walk()),
        ValueError,
        "ALRNN has 3 inputs, which `truth` does not hold",
    ),
}


def test_the_table_is_large_enough():
    assert len(BAD) >= 40
    # Words such as "out" or "30" are in any message.
    assert not [name for name, (*_, message) in BAD.items() if len(message) < 8]


@pytest.mark.parametrize("name", BAD)
def test_is_refused_with_the_fix(name):
    act, error, message = BAD[name]
    with pytest.raises(error, match=message):
        act()


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
