"""Two labelled objects belong together by their labels, whatever was done to either of them."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import analysis, labels, models, plot, tasks
from neurodyn.intervene import Current
from neurodyn.labels import LabelError
from neurodyn.models import pvrnn

RNG = np.random.default_rng(0)


def series(values, dims, dt=10.0, **coords):
    values = np.asarray(values, float)
    time = labels.time_axis(values.shape[dims.index("time")], dt)
    return xr.DataArray(values, {"time": time, **coords}, dims)


def walks(n_trials=3, n=300):
    """Three random walks of two channels, which differ in size."""
    values = RNG.normal(size=(n_trials, n, 2)).cumsum(1) * [1, 3]
    trials = [4, 7, 9][:n_trials]
    return series(values, ("trial", "time", "channel"), trial=trials, channel=["p", "q"])


SWAPPED = {"channel": [1, 0], "trial": [2, 0, 1]}


# --- the function ------------------------------------------------------------------------------


@given(st.permutations(range(3)), st.permutations(range(4)), st.permutations(range(2)))
@settings(max_examples=20, deadline=None)
def test_any_order_is_undone(trials, times, channels):
    a = walks(n=4)
    b = a.isel(trial=list(trials), time=list(times), channel=list(channels))
    first, second = labels.pair(a, b.transpose("channel", "trial", "time"))
    xr.testing.assert_identical(first, a)
    xr.testing.assert_identical(second, a)
    first, second = labels.pair(b, a)
    xr.testing.assert_identical(second, b)


def test_inner_keeps_what_both_have_in_the_order_of_the_first():
    a = walks(n=6)
    first, second = labels.pair(
        a.isel(time=[4, 1, 3]), a.isel(time=[0, 1, 2, 3], trial=[2, 1]), join="inner"
    )
    expected = a.isel(time=[1, 3], trial=[1, 2])
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(second, expected)


def test_times_are_the_same_within_a_tolerance_and_in_one_unit():
    a = walks(n=5)
    near = a.assign_coords(time=a["time"] + 1e-7)
    assert labels.pair(a, near)[1]["time"].equals(a["time"])
    with pytest.raises(LabelError, match="the second object: 'time' is in seconds"):
        labels.pair(a, labels.to_seconds(a))
    with pytest.raises(LabelError, match="time axes differ"):
        labels.pair(a, a.assign_coords(time=a["time"] + 1e-3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.drop_vars("time"), "'time' has labels in the first but not in the second"),
        (lambda b: b.isel(trial=0), "the dims differ"),
        (lambda b: b.rename(channel="unit"), "the dims differ"),
        (lambda b: b.isel(trial=[0, 1]), "only in the first: 9"),
        (lambda b: b.isel(trial=[0, 1, 1]), "not unique"),
        (lambda b: b.isel(time=[0, 1, 2, 3, 3]), "more than once"),
        (lambda b: b.assign_coords(channel=["p", "r"]), "only in the second: r"),
    ],
)
def test_what_does_not_belong_together_is_refused(change, message):
    a = walks(n=5)
    with pytest.raises(LabelError, match=message):
        labels.pair(a, change(a))


def test_without_labels_there_are_positions_and_conditions_identify_trials():
    bare = walks(n=5).drop_vars(["trial", "channel"])
    np.testing.assert_array_equal(labels.pair(bare, bare)[1], bare)
    with pytest.raises(LabelError, match="no labels to match them by"):
        labels.pair(bare, bare.isel(trial=[0, 1]))
    a = bare.assign_coords(side=("trial", ["left", "right", "none"]))
    np.testing.assert_array_equal(labels.pair(a, a.isel(trial=[1, 2, 0]))[1], a)
    # Sides that repeat do not tell trials apart, but in the same order they contradict nothing.
    same = bare.assign_coords(side=("trial", ["left", "right", "left"]))
    np.testing.assert_array_equal(labels.pair(same, same)[1], same)
    with pytest.raises(LabelError, match="not unique"):
        labels.pair(same, same.isel(trial=[1, 0, 2]))


def test_an_array_has_the_order_of_labels_that_count_or_that_increase():
    a = walks(n=5)
    counted = a.assign_coords(trial=[0, 1, 2]).isel(trial=[2, 0, 1])
    paired = labels.pair(counted, labels.like(a.values, counted))[1]
    np.testing.assert_array_equal(paired, counted)
    np.testing.assert_array_equal(labels.like(a.values, a), a)
    with pytest.raises(LabelError, match="not in increasing order"):
        labels.like(a.values, a.isel(trial=[2, 0, 1]))
    with pytest.raises(LabelError, match="not in increasing order"):
        labels.like(a.values, a.isel(time=slice(None, None, -1)))
    with pytest.raises(LabelError, match="has shape"):
        labels.like(a.values[:2], a)


# --- measures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "name"),
    [
        (lambda g, t: analysis.reconstruction(g, t, sigma=2.0), "d_stsp"),
        (lambda g, t: analysis.spectral_distance(g, t, sigma=2.0), "hellinger"),
        (analysis.mixture_divergence, "d_stsp"),
        (lambda g, t: analysis.valid_prediction_time(g, t, dt=10.0), "valid_time"),
    ],
)
def test_measures_of_generated_and_true_do_not_depend_on_order(measure, name):
    truth = walks()
    generated = truth + xr.DataArray(np.linspace(0, 3, 300), {"time": truth["time"]})
    generated = generated + 0.1 * walks()
    expected = measure(generated, truth)[name]
    for g, t in (
        (generated, truth.isel(SWAPPED)),
        (generated.isel(SWAPPED), truth),
        (generated.rename(channel="output"), truth.transpose("channel", "time", "trial")),
    ):
        got = measure(g, t)[name]
        xr.testing.assert_allclose(got.sel({d: expected[d] for d in expected.dims}), expected)


def test_the_same_channels_in_another_order_are_no_error():
    truth = walks(1).isel(trial=0, drop=True)
    swapped = truth.sel(channel=["q", "p"])
    found = analysis.reconstruction(swapped, truth, sigma=2.0)
    assert (found["d_stsp"].item(), found["d_h"].item()) == pytest.approx((0, 0))
    assert analysis.valid_prediction_time(swapped, truth, dt=10.0)["valid_time"].item() == 3000.0
    with pytest.raises(LabelError, match="only in the truth: q"):
        analysis.reconstruction(truth.assign_coords(channel=["p", "r"]), truth)
    with pytest.raises(LabelError, match="has labels in the truth but not in the generated"):
        analysis.state_space_divergence(truth.drop_vars("channel"), truth)


def test_runs_and_truth_of_other_clocks_are_refused():
    truth = walks(1).isel(trial=0, drop=True)
    with pytest.raises(LabelError, match="steps of 20 ms, `truth` of 10 ms"):
        analysis.spectral_distance(
            truth.isel(time=slice(None, None, 2)), truth.isel(time=slice(150)), sigma=2.0
        )
    with pytest.raises(LabelError, match="time axes differ"):
        analysis.valid_prediction_time(
            truth.isel(time=slice(0, 200)), truth.isel(time=slice(100, 300)), dt=10.0
        )


def sequences():
    """Three sinusoids, and one that all have in common."""
    t = np.arange(60)
    own = np.stack([np.sin(t * w) for w in (0.2, 0.5, 0.9)])
    common = np.broadcast_to(np.cos(t * 0.3), own.shape)
    values = np.stack([own, common], -1)
    return values, series(values, ("trial", "time", "output"), 1.0, output=["a", "b"])


def test_forecasts_are_scored_against_their_own_trials_times_and_outputs():
    values, observed = sequences()
    predicted = analysis.ridge_forecast(values, observed, n_horizons=2, n_lags=5)
    one = analysis.forecast_error(predicted, observed)
    assert float(one.max()) == pytest.approx(0.034, abs=1e-3)
    half, turned = slice(None, None, 2), slice(None, None, -1)
    for p, o in (
        (predicted.isel(trial=turned), observed),
        (predicted.isel(output=turned, horizon=turned), observed),
        (predicted, observed.isel(output=turned)),
        (predicted.isel(trial=turned), values),
        (predicted.isel(time=turned), observed),
    ):
        got = analysis.forecast_error(p, o)
        xr.testing.assert_allclose(got.sel(trial=one["trial"], horizon=one["horizon"]), one)
    with pytest.raises(LabelError, match="horizons do not count their steps"):
        analysis.forecast_error(predicted.isel(time=half), observed.isel(time=half))
    with pytest.raises(LabelError, match="time axes differ"):
        analysis.forecast_error(
            predicted.isel(time=slice(0, 40)), observed.isel(time=slice(20, 60))
        )
    again = analysis.ridge_forecast(observed, observed.isel(output=turned), n_horizons=2, n_lags=5)
    xr.testing.assert_allclose(analysis.forecast_error(again, observed), one)


def test_decoders_and_readouts_take_labels_trial_by_trial():
    x = RNG.normal(size=(20, 3, 4))
    activity = series(x, ("trial", "time", "unit"), trial=np.arange(100, 120))
    label = xr.DataArray(x[:, 0, 0] + x[:, 0, 1], {"trial": activity["trial"]})
    order = RNG.permutation(20)
    expected = analysis.decode(activity, label)
    for a, y in ((activity, label.isel(trial=order)), (activity.isel(trial=order), label)):
        got = analysis.decode(a, y)
        assert float(got["r2"]) == pytest.approx(float(expected["r2"]))
        xr.testing.assert_allclose(
            got["prediction"].sel(trial=expected["trial"]), expected["prediction"]
        )
    with pytest.raises(LabelError, match="only in the activity: 100"):
        analysis.decode(activity, label.assign_coords(trial=np.arange(101, 121)))
    states = activity.assign_coords(unit=[3, 5, 7, 8])
    targets = states.isel(unit=[0]).rename(unit="output").assign_coords(output=["z"])
    found = analysis.ridge_readout(states, targets.isel(trial=order), penalty=0.0)
    np.testing.assert_allclose(found["weights"].sel(output="z"), [1, 0, 0, 0], atol=1e-9)
    assert found["unit"].values.tolist() == [3, 5, 7, 8]


def test_ceilings_and_similarity_go_by_the_labels_of_units_and_samples():
    score = xr.DataArray([0.6, 0.3], {"unit": [5, 9]})
    reliability = xr.DataArray([0.81, 0.36], {"unit": [9, 5]})
    np.testing.assert_allclose(analysis.corrected(score, reliability), [1.0, 0.3 / 0.9])
    x = xr.DataArray(RNG.normal(size=(9, 3)), {"sample": range(9)}, ("sample", "unit"))
    assert float(analysis.linear_cka(x, x[::-1])) == pytest.approx(1, abs=1e-6)
    values = xr.DataArray([3.0, 1.0, 2.0], {"unit": [7, 1, 4]})
    low, high = analysis.extreme_units(values, 1)
    assert (low.tolist(), high.tolist()) == ([1], [7])


# --- symbols, plans, windows -------------------------------------------------------------------


def test_counts_follow_the_codes_of_their_regions():
    model = models.ALRNN(0, 3, 2, n_relu=1, key=0)
    walk = RNG.normal(size=(50, 3))
    states = series(walk, ("time", "latent"), 1.0, latent=[0, 1, 2])
    coded = analysis.symbols(model, states)
    by_code = [
        analysis.transitions(c).set_index(region="code", region_to="code_to")["count"]
        for c in (coded, coded.isel(region=[1, 0]))
    ]
    xr.testing.assert_equal(by_code[1].sel(by_code[0].coords), by_code[0])
    assert int(by_code[0].sel(region="1", region_to="0")) == np.sum(
        np.diff((states.values[:, 2] > 0).astype(int)) == -1
    )
    turned = analysis.symbols(model, states.isel(latent=[2, 0, 1]))
    xr.testing.assert_equal(turned["symbol"], coded["symbol"])
    with pytest.raises(LabelError, match="have no entry along 'region'"):
        analysis.transitions(coded.isel(region=[0]))


def test_a_plan_reads_its_mask_by_label():
    wanted, mask = np.zeros((1, 6, 2)), np.zeros((1, 6, 2))
    wanted[0, -1, 0], mask[0, -1, 0] = 0.5, 1
    model = models.PVRNN(2, (5,), (2,), (2.0,), key=0)
    w = series(wanted, ("trial", "time", "output"), 1.0, output=["a", "b"])
    masks = (w.copy(data=mask), w.copy(data=mask)[..., ::-1], w.copy(data=mask)[:, ::-1])
    errors = [pvrnn.plan(model, w, m, iterations=3, key=0)["error"].item() for m in masks]
    assert errors[1] == errors[0] == errors[2]
    with pytest.raises(LabelError, match="labels in the wanted but not in the mask"):
        pvrnn.plan(model, w, masks[0].drop_vars("output"), iterations=3, key=0)


def test_inputs_of_windows_are_those_of_the_same_times():
    data = series(RNG.normal(size=(100, 2)), ("time", "channel"))
    inputs = series(np.arange(100.0)[:, None], ("time", "input"))
    expected = tasks.Windows(data, length=5, inputs=inputs).inputs
    turned = inputs.isel(time=slice(None, None, -1))
    np.testing.assert_array_equal(tasks.Windows(data, length=5, inputs=turned).inputs, expected)
    late = inputs.assign_coords(time=inputs["time"] + 5000.0)
    with pytest.raises(LabelError, match="time axes differ"):
        tasks.Windows(data, length=5, inputs=late)
    with pytest.raises(LabelError, match="has labels in the data but not in the inputs"):
        tasks.Windows(data, length=5, inputs=inputs.drop_vars("time"))


def test_columns_of_sequences_scales_of_channels_and_values_of_symbols_go_by_label():
    data = walks(n=20).rename(channel="output")
    lengths = xr.DataArray([5, 10, 20], {"trial": [9, 4, 7]})
    task = tasks.Sequences(data.fillna(0), lengths, conditions={"size": lengths * 2})
    assert (task.lengths.tolist(), task.conditions["size"].tolist()) == ([10, 20, 5], [20, 40, 10])
    truth, other = (walks(1).isel(trial=0, drop=True) for _ in range(2))
    scale = xr.DataArray([1.0, 100.0], {"channel": ["p", "q"]})
    times = [
        analysis.valid_prediction_time(g, truth, scale=s)["valid_time"].item()
        for g in (other, other[:, ::-1])
        for s in (scale, scale[::-1])
    ]
    assert len(set(times)) == 1
    outputs = series([[0.0, 1.0], [1.0, 0.0]], ("time", "output"), output=[0, 1])
    for wide in (outputs, outputs[:, ::-1]):
        symbols = analysis.symbolise(wide, np.array([[0.0, 1.0], [1.0, 0.0]]))
        assert symbols.values.tolist() == [0, 1]


def test_inputs_and_masks_of_units_are_those_of_the_labels():
    model = models.CTRNN(2, 3, 1, tau=20.0, key=0)
    inputs = series(RNG.normal(size=(4, 2)), ("time", "input"), input=[0, 1])
    expected = nd.integrate(model, inputs.values, dt=10.0).outputs
    turned = inputs.isel(input=[1, 0]).transpose("input", "time")
    np.testing.assert_array_equal(nd.integrate(model, turned, dt=10.0).outputs, expected)
    units = xr.DataArray([1, 0, 0], {"unit": [0, 1, 2]})
    current = Current(units[::-1], xr.DataArray([0.0, 0.0, 2.0], {"unit": [2, 1, 0]}))
    np.testing.assert_array_equal(current.units * current.amplitude, [2, 0, 0])


# --- figures -----------------------------------------------------------------------------------


def drawn(figure):
    return [[line.get_xydata() for line in ax.lines] for ax in figure.axes]


def test_figures_draw_one_channel_beside_the_same():
    truth, other = walks(1).isel(trial=0, drop=True), walks(1).isel(trial=0, drop=True)
    p, q = (analysis.power_spectrum(x, sigma=2.0) for x in (truth, other))
    distance = analysis.spectral_distance(other, truth, sigma=2.0)
    figures = [
        plot.spectra(p, g, distance=d)
        for g, d in ((q, distance), (q[:, ::-1], distance.isel(channel=[1, 0])))
    ]
    assert figures[0].axes[1].get_title() == figures[1].axes[1].get_title()
    for a, b in zip(*map(drawn, figures), strict=True):
        np.testing.assert_array_equal(a, b)


def test_figures_of_symbols_do_not_depend_on_the_order_of_regions_and_times():
    model = models.ALRNN(0, 3, 2, n_relu=1, key=0)
    states = series(RNG.normal(size=(50, 3)), ("time", "latent"), 1.0, latent=[0, 1, 2])
    coded = analysis.symbols(model, states)
    turned = coded.isel(region=[1, 0], time=slice(None, None, -1))
    pair = [plot.attractor(states, c, components=(0, 1)) for c in (coded, turned)]
    for a, b in zip(*map(drawn, pair), strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    graph = analysis.transitions(coded)
    nodes = [
        [
            (p.center, p.radius, p.get_facecolor())
            for p in figure.axes[0].patches
            if hasattr(p, "radius")
        ]
        for figure in (
            plot.symbol_graph(graph, coded),
            plot.symbol_graph(graph.isel(region=[1, 0]), turned),
            plot.geometric_graph(coded, graph),
            plot.geometric_graph(turned, graph.isel(region_to=[1, 0])),
        )
    ]
    assert str(nodes[0]) == str(nodes[1])
    assert str(nodes[2]) == str(nodes[3])
