"""Labelled objects of every kind, small and quickly made, with labels that are no positions.

`seeds` are what a scientist starts from. What public functions make of them joins them, see
`examples`: an autocorrelation is there to be fitted, a comparison to be drawn.
"""

import functools
import warnings

import numpy as np
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels, models, spikes, tasks, trials
from neurodyn.models import spiking
from neurodyn.models.pvrnn import error_regression
from neurodyn.models.pvrnn.inference.settings import ErrorRegression

__all__ = [
    "POSITIONS",
    "alrnn",
    "alrnn2",
    "ctrnn",
    "labelled",
    "oscillator",
    "position_of",
    "pvrnn",
    "seeds",
    "spike_table",
]

#: Whether spikes refer to units and trials by position, as files of the first convention do.
POSITIONS = labels.CONVENTION == "neurodyn-1"

UNITS = np.array([7, 3, 11, 5])
TRIALS = 100 + np.array([4, 0, 9, 2, 7, 1, 11, 3, 8, 5, 10, 6])
WINDOW = (0.0, 400.0)


def spike_table(time, unit, trial=None, *, coords, **options):
    """`spikes.dataset` from the labels of units and trials, whichever it takes."""

    def reference(name, of):
        table = coords[name][1] if isinstance(coords[name], tuple) else coords[name]
        place = {label: i for i, label in enumerate(np.asarray(table).tolist())}
        return np.array([place[x] for x in np.asarray(of).tolist()], int) if POSITIONS else of

    trial = None if trial is None else reference("trial", trial)
    return spikes.dataset(time, reference("unit", unit), trial, coords=coords, **options)


def labelled(values, dims, *, dt=10.0, name="x", units="1", kind=None, **coords):
    """An array with labels, times in ms."""
    time = {"time": labels.time_axis(values.shape[dims.index("time")], dt)}
    variable = (dims, values, units, "series", *([kind] if kind else []))
    return labels.dataset({name: variable}, time | coords, source="recording")[name]


def _trains(rng, units, rate):
    """Spike times of units in a window, more of some than of others."""
    n = rng.poisson(rate * (1 + np.arange(len(units))))
    time = rng.uniform(WINDOW[0], WINDOW[1], n.sum())
    return time, np.repeat(units, n)


def position_of(spikes):
    """A position over the times of spikes, in their trials if they have any."""
    start, stop = spikes.attrs["window"]
    time = labels.time_axis(int((stop - start) / 10.0), 10.0, start) - 5.0
    dims = tuple(d for d in ("trial", "time") if d == "time" or d in spikes.dims)
    rng = np.random.default_rng(4)
    size = [time.size if d == "time" else spikes.sizes[d] for d in dims]
    walk = np.cumsum(rng.normal(size=size), -1)
    coords = {"trial": spikes["trial"].values} if "trial" in dims else {}
    return xr.DataArray(walk, {"time": time, **coords}, dims, "position")


def _conditions(n):
    coherence = np.array([-0.5, -0.1, 0.1, 0.5])[np.arange(n) % 4]
    return {
        "coherence": ("trial", coherence),
        "choice": ("trial", (np.arange(n) // 2 + np.arange(n)) % 2),
        "correct": ("trial", np.arange(n) % 3 > 0),
    }


def _recording(seed=0):
    rng = np.random.default_rng(seed)
    time, unit, trial = [], [], []
    for k, label in enumerate(TRIALS):
        t, u = _trains(rng, UNITS, 3 + k % 4)
        time, unit, trial = [*time, *t], [*unit, *u], [*trial, *np.full(len(t), label)]
    coords = {
        "unit": UNITS,
        "trial": TRIALS,
        "population": ("unit", ["b", "a", "b", "a"]),
        "ei": ("unit", [1, -1, 1, -1]),
        "start_time": ("trial", 1e3 * (1 + np.arange(len(TRIALS)))),
        **_conditions(len(TRIALS)),
    }
    return spike_table(
        time, unit, trial, coords=coords, source="recording", window=WINDOW
    ).assign_attrs(align_event="cue")


def _cut_short(recording):
    """Some trials end early."""
    until = np.where(np.arange(len(TRIALS)) % 3 == 1, 250.0, WINDOW[1])
    inside = (recording["spike_time"] < until[_place(recording, "trial")]).values
    ds = recording.isel(spike=inside)
    return ds.assign_coords(valid_until=("trial", until, {"units": "ms", "long_name": "end"}))


def _place(ds, dim):
    """Position of each spike's unit or trial."""
    of = ds[f"spike_{dim}"].values
    if POSITIONS:
        return of
    place = {label: i for i, label in enumerate(ds[dim].values.tolist())}
    return np.array([place[x] for x in of.tolist()], int)


def _continuous():
    rng = np.random.default_rng(1)
    time, unit = [], []
    for k, label in enumerate(UNITS):
        t = np.sort(rng.uniform(0, 4000.0, 60 + 40 * k))
        time, unit = [*time, *t], [*unit, *np.full(len(t), label)]
    coords = {"unit": UNITS, "population": ("unit", ["b", "a", "b", "a"])}
    return spike_table(time, unit, coords=coords, source="recording", window=(0.0, 4000.0))


def _behaviour(*, seeds: tuple[int, ...] = ()) -> xr.Dataset:
    """Choices, reaction times and directions of 96 trials; of a run where there are seeds."""
    rng = np.random.default_rng(7)
    n = 96
    x = np.array([-0.5, -0.1, 0.1, 0.5])[rng.integers(0, 4, n)]
    size = (len(seeds), n) if seeds else (n,)
    dims = ("seed", "trial") if seeds else ("trial",)
    right = x + rng.normal(0, 0.3, size) > 0
    truth = 45.0 * rng.integers(0, 8, n)
    about = {"deg": {"units": "deg"}, "ms": {"units": "ms"}}
    coords = {
        "trial": 100 + rng.permutation(n),
        "coherence": ("trial", x),
        "choice": (dims, right.astype(int)),
        "correct": (dims, (right == (x > 0)).astype(int)),
        "rt": (dims, 300.0 + 100 * rng.random(size) - 100 * np.abs(x), about["ms"]),
        "target": ("trial", truth, about["deg"]),
        "direction": (dims, (truth + rng.normal(5, 20, size)) % 360, about["deg"]),
    }
    if seeds:
        return xr.Dataset(coords=coords | {"seed": list(seeds)}, attrs={"source": "model"})
    coords["session"] = ("trial", np.array(["b", "c", "a"])[rng.integers(0, 3, n)])
    return xr.Dataset(coords=coords, attrs={"source": "recording"})


def _linearised() -> xr.Dataset:
    """Linear dynamics at four states, with labels out of order."""
    model = models.CTRNN(2, 4, 2, tau=10.0, key=0)
    states = xr.DataArray(
        np.random.default_rng(0).normal(size=(4, 4)),
        {"condition": [2, 0, 3, 1]},
        ("condition", "unit"),
    )
    return relabelled(
        analysis.linearise(model, states), unit=UNITS, presynaptic=UNITS
    ).assign_coords(
        coherence=("condition", [-0.5, 0.5, 0.25, -0.25], {"units": "1", "long_name": "coherence"})
    )


def _dissimilarities(rng: np.random.Generator) -> xr.DataArray:
    """Dissimilarities of five conditions for each of four subjects."""
    condition = [4, 0, 3, 1, 2]
    x = rng.normal(size=(4, 5, 1)) + np.arange(5.0)[:, None]
    return xr.DataArray(
        np.abs(x - x.swapaxes(1, 2)),
        {"subject": [3, 1, 0, 2], "condition": condition, "condition_2": condition},
        ("subject", "condition", "condition_2"),
        "dissimilarity",
        {"units": "1", "long_name": "dissimilarity"},
    )


def _sweeps():
    """Potentials of a cell under steps of current, in trials named by their sweep."""
    time = labels.time_axis(400, 0.5)
    step = np.array([60.0, 20.0, 40.0])
    cycle = np.array([11.0, 29.0, 17.0])
    phase = (time[None, :] % cycle[:, None]) / cycle[:, None]
    v = np.where(phase < 0.06, 20.0, -65.0 + 15 * phase)[..., None] + np.array([0.0, 2.0])
    return labels.dataset(
        {"v": (("trial", "time", "unit"), v, "mV", "potential", "voltage")},
        {
            "time": time,
            "trial": [12, 10, 11],
            "unit": [7, 3],
            "step": ("trial", step, "pA", "injected current"),
        },
        source="recording",
    )


@functools.cache
def ctrnn():
    return models.CTRNN(3, 4, 3, noise_std=0.05, key=0)


@functools.cache
def alrnn():
    return models.ALRNN(0, 3, 3, n_relu=2, key=0)


@functools.cache
def oscillator():
    return models.reference.VanDerPol()


@functools.cache
def alrnn2():
    """One that reads what it predicts."""
    return models.GRU(2, 4, 2, key=0)


@functools.cache
def pvrnn():
    return models.PVRNN(2, (5, 3), (2, 1), (2.0, 6.0), key=1)


@functools.cache
def spiking_network():
    return spiking.Network(
        {"E": spiking.LIF(3), "I": spiking.LIF(2)}, bias=np.linspace(18, 30, 5), noise=1.0, key=0
    )


def relabelled(run, **names):
    """A run with labels that are no positions."""
    return run.assign_coords(
        {d: (d, values[: run.sizes[d]], run[d].attrs if d in run.coords else {})
         for d, values in names.items() if d in run.dims}
    )  # fmt: skip


def relabelled_spikes(run):
    """A run of a spiking network, its units and trials named anew, its spikes with them."""
    unit, trial = np.array([7, 3, 11, 5, 8]), np.array([102, 100, 101])
    found = relabelled(run, unit=unit, trial=trial)
    if POSITIONS:
        return found
    return found.assign_coords(
        spike_unit=("spike", unit[run["spike_unit"].values], run["spike_unit"].attrs),
        spike_trial=("spike", trial[run["spike_trial"].values], run["spike_trial"].attrs),
    )


@functools.cache
def seeds() -> dict[str, xr.Dataset | xr.DataArray]:
    """Labelled objects that a scientist starts from."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _seeds()


def _seeds():
    rng = np.random.default_rng(2)
    recording = _recording()
    counts = spikes.bin(recording, bin_width=20.0)
    rates = spikes.rate(recording, bin_width=20.0)
    t = 10.0 * np.arange(1, 1001)
    waves = np.stack([np.sin(t * w) for w in (0.019, 0.031, 0.047)], 1) * [1, 2, 4]
    sequences = np.sin(np.arange(40)[None, :, None] * rng.uniform(0.2, 0.9, (5, 1, 2)))
    sequences = sequences * [1, 0.5] + 0.05 * rng.normal(size=sequences.shape)
    series = labelled(waves + 0.1 * rng.normal(size=waves.shape), ("time", "channel"),
                      channel=["q", "p", "r"])  # fmt: skip
    task = tasks.PerceptualDecision(dt=20.0)
    run = nd.simulate(ctrnn(), task, n_trials=8, key=1, progress=False)
    observed = labelled(
        0.7 * sequences, ("trial", "time", "output"), dt=1.0, trial=[4, 0, 3, 1, 2],
        output=["b", "a"],
    )  # fmt: skip
    symbols = xr.DataArray(
        rng.integers(0, 3, (4, 60)), {"trial": [3, 1, 0, 2], "time": np.arange(1.0, 61.0)},
        ("trial", "time"),
    )  # fmt: skip
    net = nd.simulate(
        spiking_network(), dt=0.5, n_steps=400, n_trials=3, save=("v",), key=1, progress=False
    )
    latents = nd.simulate(
        models.PVRNN(2, (5, 3), (2, 1), (2.0, 6.0), sequences=(5, 40), A="normal", key=0),
        tasks.Sequences(np.asarray(observed), dt=1.0).validation(), dt=1.0, key=0, progress=False,
    )  # fmt: skip
    history = xr.Dataset(
        {
            "loss": (("seed", "step"), rng.random((3, 4))),
            "validation_correct": (("seed", "evaluation"), rng.random((3, 2))),
        },
        {"seed": [2, 0, 1], "step": np.arange(1, 5), "evaluation": [2, 4]},
    )
    levels = xr.Dataset(
        {"score": (("sweep", "seed"), rng.random((3, 4)), {"units": "1", "long_name": "score"})},
        {"sweep": [2, 0, 1], "seed": [3, 1, 0, 2], "n_relu": ("sweep", [4, 1, 2])},
    )
    return {
        "recording": recording,
        "cut_short": _cut_short(recording),
        "continuous": _continuous(),
        "counts": counts,
        "short_counts": spikes.bin(_cut_short(recording), bin_width=20.0),
        "rates": rates,
        "rate": rates["rate"],
        "means": trials.average(rates, ["coherence"]),
        "series": series,
        "signal": series.isel(channel=0, drop=True),
        "sequences": observed,
        "run": relabelled(run, unit=UNITS, trial=TRIALS),
        "rate_of_run": relabelled(run, unit=UNITS, trial=TRIALS)["rate"],
        "outputs": relabelled(run, trial=TRIALS)["outputs"],
        "spiking_run": relabelled_spikes(net),
        "latents": relabelled(latents, trial=np.array([4, 0, 3, 1, 2])),
        "sweeps": _sweeps(),
        "behaviour": _behaviour(),
        "behaviour_of_run": _behaviour(seeds=(3, 1)),
        "symbols": symbols,
        "history": history,
        "levels": levels,
        "level": levels["score"],
        "task_trials": relabelled(task.trials(0, 5), trial=TRIALS),
        "regression": error_regression(
            pvrnn(), observed, ErrorRegression(window=3, iterations=2), n_horizons=2, n_samples=2,
            key=0,
        ),
        "bifurcation": xr.Dataset(
            {"point": (("sweep", "trial", "sample"), rng.random((3, 2, 5)), {"long_name": "x"})},
            {"sweep": [2, 0, 1], "trial": [4, 3], "value": ("sweep", [3.5, 3.2, 3.4])},
            {"parameter": "r"},
        ),
        "decoded_each": xr.Dataset(
            {"r2": ("time", rng.random(5)), "null": (("draw", "time"), 0.3 * rng.random((8, 5))),
             "p_value_corrected": ("time", [0.5, 0.01, 0.02, 0.01, 0.3])},
            {"draw": np.arange(8), "time": ("time", np.arange(10.0, 60.0, 10.0), {"units": "ms"})},
            {"statistic": "r2"},
        ),
        "decoded_cross": xr.Dataset(
            {"r2": (("train_time", "time"), rng.random((5, 5)))},
            {n: (n, np.arange(10.0, 60.0, 10.0), {"units": "ms"}) for n in ("train_time", "time")},
            {"statistic": "r2"},
        ),
        "posterior": xr.Dataset(
            {"posterior": (("time", "place"), rng.dirichlet(np.ones(4), 5)),
             "true": (("time", "feature"), rng.random((5, 1)))},
            {"time": ("time", np.arange(10.0, 60.0, 10.0), {"units": "ms"}),
             "place": ("place", [0.1, 0.4, 0.6, 0.9], {"units": "1", "long_name": "place"}),
             "feature": ["place"]},
        ),
        "encoded": xr.Dataset(
            {"r": ("unit", rng.random(4)), "reliability": ("unit", rng.random(4)),
             "kept": ("unit", [1, 1, 0, 1])}, {"unit": UNITS},
        ),
        "lyapunov": xr.Dataset(
            {"running": (("trial", "time", "exponent"), rng.random((3, 6, 2)), {"units": "1"})},
            {"trial": [4, 2, 3], "time": ("time", np.arange(1.0, 7.0), {"units": "1"})},
        ),
        "matrix": xr.DataArray(
            rng.normal(size=(4, 4)), {"presynaptic": UNITS, "unit": UNITS}, ("presynaptic", "unit"),
            "W", {"units": "1", "long_name": "weight"},
        ),
        "rdms": _dissimilarities(rng),
        "errors": xr.Dataset(
            {n: (("horizon", "seed"), rng.random((3, 4))) for n in ("network", "chance")},
            {"horizon": [1, 2, 3], "seed": [3, 1, 0, 2]},
        ),
        "over_steps": xr.Dataset(
            {n: ("step", x + rng.random(4), {"units": "1", "long_name": n})
             for n, x in (("low", 0), ("mean", 1), ("high", 2))},
            {"step": ("step", [1, 2, 3, 4], {"units": "1", "long_name": "step"})},
        ),
        "prior_sweep": xr.DataArray(
            rng.random((3, 4)), {"meta_prior": [0.1, 0.001, 0.01], "seed": [3, 1, 0, 2]},
            ("meta_prior", "seed"),
        ),
        "angles": xr.Dataset(
            {
                "angle": (("sweep", "seed", "component"), 80 * rng.random((3, 4, 2))),
                "shuffled": (("sweep", "seed", "draw", "component"), rng.random((3, 4, 5, 2))),
                "chance": ("component", [60.0, 80.0]),
                "chance_low": ("component", [50.0, 70.0]),
            },
            {"sweep": [2, 0, 1], "seed": [3, 1, 0, 2], "probability": (
                "sweep", [0.9, 0.1, 0.5], {"units": "1", "long_name": "probability"})},
        ),
        "blocks": xr.Dataset(
            {
                "outputs": (("seed", "sweep", "time", "output"), rng.random((4, 3, 5, 2))),
                "expected": (("seed", "sweep", "time", "output"), np.ones((4, 3, 5, 2))),
            },
            {"time": labels.time_axis(5, 10.0), "seed": [3, 1, 0, 2], "sweep": [2, 0, 1],
             "output": ["a", "b"], "n_relu": ("sweep", [0.4, 0.1, 0.2])},
        ),
        "components": analysis.pca(trials.average(rates, ["coherence"])["rate"], 2),
        "projected": analysis.pca(rates, 2)["scores"].isel(trial=0),
        "fixed_points": analysis.fixed_points(alrnn(), virtual=True),
        "linearised": _linearised(),
        "fixed_points_found": analysis.fixed_points(ctrnn(), n_starts=16),
        "branches": analysis.continuation(
            ctrnn(), "W", np.zeros((1, 4)), (0.5, 1.5), np.zeros(3), n_points=10
        ),
        "limit_cycle": analysis.limit_cycle(oscillator(), [2.0, 0.0], duration=50.0, n=8),
        "flow_field": analysis.flow_field(
            ctrnn(), plane=(0, 2), limits=((-1.0, 1.0), (-1.0, 1.0)), n=4
        ),
        "true_words": analysis.true_words(tasks.StateMachine(), 3),
    }  # fmt: skip
