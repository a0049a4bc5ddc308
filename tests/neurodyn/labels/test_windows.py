"""Windows are half-open everywhere: side by side they count every sample once."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import analysis, io, labels, plot, spikes, trials
from neurodyn.labels import LabelError

ROOT = Path(__file__).parents[3]
WIDTH, N = 10.0, 12
#: Side by side, from the first bin to the last.
WINDOWS = ((0.0, 40.0), (40.0, 80.0), (80.0, 120.0))


def counts(bins):
    """One spike in the middle of each of these bins, and a second unit that always fires."""
    middle = (np.arange(N) + 0.5) * WIDTH
    ds = spikes.from_times([middle[bins], middle], window=(0.0, N * WIDTH))
    ds = spikes.align(ds, [0.0], (0.0, N * WIDTH))
    return ds, spikes.bin(ds, bin_width=WIDTH)


def run_of(bins, source="model"):
    """A run (or a recording) whose unit 0 is 1 in the steps (or samples) of these bins."""
    value = np.zeros((1, N, 2))
    value[0, bins, 0] = value[0, :, 1] = 1.0
    # Samples of a run are labelled by the ends of their steps.
    time = labels.time_axis(N, WIDTH, t0=0.0 if source == "model" else -WIDTH)
    variables = {"rate": (("trial", "time", "unit"), value, "Hz", "rate")}
    return labels.dataset(variables, {"time": time}, source=source)


def _raster(ds, window):
    figure = plot.raster(ds, trial=0, window=window)
    return sum((line.get_ydata() == 0).sum() for line in figure.axes[0].lines)


def _mean_of_unit_0(found):
    return float(found.isel(unit=0).sum())


#: By function: how much of bin k a window counts, more than 0 if it counts it.
COUNTED = {
    "labels.between run": lambda k, w: _mean_of_unit_0(labels.between(run_of([k]), w).rate),
    "labels.between variable of a run": lambda k, w: _mean_of_unit_0(
        labels.between(run_of([k]).rate, w)
    ),
    "labels.between recording": lambda k, w: _mean_of_unit_0(
        labels.between(run_of([k], "recording"), w).rate
    ),
    "analysis.firing_rate": lambda k, w: analysis.firing_rate(counts([k])[0], window=w)[0],
    "analysis.firing_rate counts": lambda k, w: analysis.firing_rate(counts([k])[1], window=w)[0],
    "analysis.firing_rate run": lambda k, w: analysis.firing_rate(run_of([k]), window=w)[0],
    "analysis.population_rate": lambda k, w: (
        analysis.population_rate(counts([k])[0], bin_width=WIDTH, window=w).rate.sum() > 4 * 100 / 2
    ),
    "analysis.population_rate counts": lambda k, w: (
        analysis.population_rate(counts([k])[1], window=w).rate.sum() > 4 * 100 / 2
    ),
    # Unit 1 is constant, and unit 0 where its bin is outside.
    "analysis.synchrony": lambda k, w: (
        analysis.synchrony(counts([k])[0], bin_width=WIDTH, window=w).n_units[0]
    ),
    "analysis.synchrony counts": lambda k, w: (
        analysis.synchrony(counts([k])[1], window=w).n_units[0]
    ),
    "analysis.synchrony run": lambda k, w: (
        analysis.synchrony(run_of([k]), variable="rate", window=w).n_units[0]
    ),
    "analysis.fi_curve": lambda k, w: (
        analysis.fi_curve(counts([k])[0].assign_coords(step=("trial", [0.0], {"units": "pA"})),
                          window=w).rate[0, 0]
    ),
    "analysis.rebin": lambda k, w: _mean_of_unit_0(
        analysis.rebin(run_of([k]).rate, counts([])[1].spike_count, window=w)
    ),
    "spikes.bin": lambda k, w: _mean_of_unit_0(
        spikes.bin(counts([k])[0], bin_width=WIDTH, window=w).spike_count
    ),
    "spikes.bin counts": lambda k, w: _mean_of_unit_0(
        spikes.bin(counts([k])[1], bin_width=2 * WIDTH, window=w).spike_count
    ),
    "spikes.rate": lambda k, w: _mean_of_unit_0(spikes.rate(counts([k])[0], window=w).rate),
    "spikes.rate counts": lambda k, w: _mean_of_unit_0(spikes.rate(counts([k])[1], window=w).rate),
    "spikes.align": lambda k, w: (
        spikes.align(counts([k])[0].drop_vars(["spike_trial"]).drop_dims("trial"), [0.0], w)
        .pipe(spikes.times)[0].size
    ),
    "trials.align": lambda k, w: _mean_of_unit_0(
        trials.align(run_of([k], "recording").isel(trial=0, drop=True), [0.0], w).rate
    ),
    "trials.align run": lambda k, w: _mean_of_unit_0(
        trials.align(run_of([k]).isel(trial=0, drop=True).assign_coords(
            time=labels.time_axis(N, WIDTH, -2 * WIDTH) + 2 * WIDTH), [0.0], w).rate
    ),
    "trials.psth": lambda k, w: _mean_of_unit_0(trials.psth(counts([k])[0], [], window=w).rate),
    "trials.psth counts": lambda k, w: _mean_of_unit_0(
        trials.psth(counts([k])[1], [], window=w).rate
    ),
    "analysis.psth": lambda k, w: _mean_of_unit_0(analysis.psth(counts([k])[0], [], window=w).rate),
    "analysis.psth counts": lambda k, w: _mean_of_unit_0(
        analysis.psth(counts([k])[1], [], window=w).rate
    ),
    "analysis.correlogram": lambda k, w: analysis.correlogram(counts([k])[0], window=w).n_spikes[0],
    "plot.raster": lambda k, w: _raster(counts([k])[0], w),
}  # fmt: skip
#: Functions whose window is tried elsewhere, or is handed on to one of the above.
ELSEWHERE = {
    "analysis.compare": "hands it to rebin",
    "analysis.encode": "hands it to rebin, as compare",
    "analysis.fano_factor": "binned_counts, as population_rate",
    "analysis.count_moments": "binned_counts, as population_rate",
    "analysis.mean_matched_fano": "binned_counts, as population_rate",
    "analysis.count_correlation": "binned_counts, as population_rate",
    "analysis.noise_correlation": "binned_counts, as population_rate",
    "analysis.signal_correlation": "binned_counts, as population_rate",
    "analysis.spike_time_tiling": "trains_of, as correlogram",
    "analysis.van_rossum_distance": "trains_of, as correlogram",
    "analysis.victor_purpura_distance": "trains_of, as correlogram",
    "analysis.tuning_curve": "within, as firing_rate",
    "analysis.jpca": "hands it to labels.between",
    "analysis.optimise": "hands it to labels.between",
    "analysis.score_reference": "hands it to labels.between",
    "analysis.population_spectrum": "hands it to population_rate",
    "io.from_brian2": "says what was observed",
    "io.from_nwb": "hands it to align",
    "io.read": "hands it to align",
    "plot.voltages": "sets the limits of the axis",
    "spikes.dataset": "says what was observed",
    "spikes.from_times": "says what was observed",
}


@pytest.mark.parametrize("name", COUNTED)
def test_windows_side_by_side_count_each_bin_once(name):
    for k in (3, 4, 7):
        counted = [bool(COUNTED[name](k, w) > 0) for w in WINDOWS]
        assert counted == [w[0] <= k * WIDTH < w[1] for w in WINDOWS], k


def test_every_window_is_tried():
    packages = {"analysis": analysis, "spikes": spikes, "trials": trials, "plot": plot, "io": io,
                "labels": labels, "nd": nd}  # fmt: skip
    found = set()
    for package, module in packages.items():
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing) and "window" in inspect.signature(thing).parameters:
                found.add(f"{package}.{name}")
    tried = {name.split()[0] for name in COUNTED} | {"labels.between", "analysis.rebin"}
    assert found == tried | set(ELSEWHERE)


def test_a_run_its_spikes_and_its_bins_have_one_window():
    """A window on edges of steps takes the steps within it."""
    run = run_of([])
    assert labels.between(run, (20, 40)).time.values.tolist() == [30, 40]
    assert labels.between(run, (0, N * WIDTH)).sizes["time"] == N
    recorded = run_of([], "recording")
    assert labels.between(recorded, (20, 40)).time.values.tolist() == [20, 30]
    bins = counts([])[1]
    assert labels.between(bins, (20, 40)).time.values.tolist() == [25, 35]
    # An edge within a bin: its middle decides.
    assert labels.between(bins, (25, 45)).time.values.tolist() == [25, 35]
    assert labels.between(bins, (26, 45.5)).time.values.tolist() == [35, 45]
    with pytest.raises(LabelError, match="start < stop"):
        labels.between(bins, (40, 40))


def test_steps_of_a_run_that_are_cut_into_trials_are_labelled_by_their_ends_still():
    run = run_of([2]).isel(trial=0, drop=True)
    for signal in (run, run.rate):
        cut = trials.align(signal, [10.0], (0.0, 40.0))
        assert cut.time.values.tolist() == [10, 20, 30, 40]
        cut = labels.between(cut if signal is not run else cut.rate, (10.0, 30.0))
        assert cut.isel(unit=0).values.ravel().tolist() == [1, 0]


@pytest.mark.parametrize("window", [(1.0,), (0.0, 10.0, 20.0), (20.0, 10.0)])
def test_what_is_no_window_is_refused(window):
    spiking, bins = counts([3])
    signal = run_of([3], "recording").isel(trial=0, drop=True)
    for call in (
        lambda: labels.between(bins, window),
        lambda: trials.align(signal, [20.0], window),
        lambda: analysis.firing_rate(spiking, window=window),
        lambda: spikes.bin(bins, bin_width=WIDTH, window=window),
    ):
        with pytest.raises(LabelError, match="a window is"):
            call()


def test_rates_are_averaged_and_make_no_histogram():
    with pytest.raises(LabelError, match=r"trials\.average"):
        trials.psth(run_of([2]), [])


def _slices_of_time(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "sel":
            for keyword in node.keywords:
                sliced = isinstance(keyword.value, ast.Call)
                if keyword.arg == "time" and sliced and keyword.value.func.id == "slice":
                    yield node.lineno


@pytest.mark.parametrize("measure", [analysis.firing_rate, analysis.population_rate])
@pytest.mark.parametrize("window", [(80.0, 130.0), (-10.0, 40.0)])
def test_a_window_that_leaves_the_bins_is_refused(measure, window):
    with pytest.raises(LabelError, match="exceeds the observation, 0 to 120 ms"):
        measure(counts([2])[1], window=window)


def test_a_window_that_leaves_a_run_is_refused():
    with pytest.raises(LabelError, match="exceeds the observation"):
        analysis.firing_rate(run_of([2]), window=(80.0, 200.0))


def test_nothing_slices_times_by_itself():
    """`sel(time=slice(a, b))` of xarray takes both ends."""
    assert list(_slices_of_time("x.sel(time=slice(0, 1))"))
    folders = ("neurodyn", "analysis", "models", "tasks")
    paths = [p for f in folders for p in (ROOT / f).rglob("*.py")]
    found = [f"{p}:{line}" for p in paths for line in _slices_of_time(p.read_text())]
    assert not found, "take labels.between, which is half-open"
