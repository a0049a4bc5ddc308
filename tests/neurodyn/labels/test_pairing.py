"""Two labelled objects belong together by their labels, whatever was done to either of them."""

import jax
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import analysis, labels, models, plot, tasks, training
from neurodyn.engine.intervene import Current
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


# --- what labels say ----------------------------------------------------------------------------


def column(values, labels_, dim="trial", **coords):
    return xr.DataArray(values, {dim: labels_, **{n: (dim, v) for n, v in coords.items()}}, [dim])


def test_labels_are_compared_exactly_and_with_float32_as_float32():
    one, other = 1000001.0, 1000003.0
    with pytest.raises(LabelError, match="only in the first: 1000001"):
        labels.pair(column([1], [one]), column([2], [other]))
    assert labels.pair(column([1, 2], [one, other]), column([2, 1], [1000003, 1000001]))[1][0] == 1
    coarse = column([1, 2], np.array([0.1, 0.3], "f4"))
    assert labels.pair(coarse, column([2, 1], [0.3, 0.1]))[1].values.tolist() == [1, 2]
    near = column([1, 2], [16777216.0, 16777216.5])
    with pytest.raises(LabelError, match="rounded to the float32 of the other"):
        labels.pair(near, column([1], np.array([16777216.0], "f4")), join="inner")


@pytest.mark.parametrize(("dim", "units"), [("time", "ms"), ("lag", "ms"), ("frequency", "Hz")])
def test_clocks_in_other_units_are_no_twins(dim, units):
    a = column([1.0, 2.0], [1.0, 2.0], dim)
    steps = a.assign_coords({dim: (dim, [1.0, 2.0], {"units": "1"})})
    with pytest.raises(LabelError, match=f"first is in '{units}', that of the second in '1'"):
        labels.pair(a, steps)
    xr.testing.assert_identical(labels.pair(steps, steps[::-1])[1], steps)


def test_times_in_float32_are_those_in_float64():
    times = 1e5 + np.arange(1, 2001) * 0.1
    exact, coarse = column(np.arange(2000), times, "time"), times.astype("f4")
    rounded = column(np.arange(2000), coarse, "time")
    np.testing.assert_array_equal(labels.pair(exact, rounded[::-1])[1], exact)


def test_trials_that_were_numbered_anew_contradict_their_conditions():
    a = column([1, 2], [0, 1], coherence=[0.1, 0.5], rt=[300.0, 400.0])
    with pytest.raises(LabelError, match=r"'coherence' of the first .* in another order"):
        labels.pair(a, column([2, 1], [0, 1], coherence=[0.5, 0.1]))
    outcome = column([1, 2], [0, 1], coherence=[0.1, 0.5], rt=[400.0, 300.0])
    np.testing.assert_array_equal(labels.pair(a, outcome[::-1])[1], outcome)


def test_names_that_say_numbers_count():
    for names in (["1", "0"], ["input 1", "input 0"], ["output 1", "output 0"]):
        found = labels.in_positions(column([10, 11], names, "input"), "input")
        assert found.values.tolist() == [11, 10]
    assert labels.in_positions(column([1, 2], ["q", "p"], "input"), "input").values.tolist() == [
        1,
        2,
    ]
    seen = labels.read_sequences(
        series(np.zeros((1, 3, 2)), ("trial", "time", "output"), output=[1, 0])
    )
    assert seen.coords["output"].tolist() == [1, 0]


@pytest.mark.parametrize("bare", [np.zeros(2), None, xr.DataTree()])
def test_what_has_no_labels_is_refused_at_the_door(bare):
    a = column([1], [0])
    for call in (
        lambda: labels.pair(a, bare),
        lambda: labels.match(bare, a, "trial"),
        lambda: labels.clock(bare),
    ):
        # Types are checked at run time in tests, before the message of the library's own.
        wanted = f"Dataset or DataArray, got {type(bare).__name__}|Type-check error"
        with pytest.raises(TypeError, match=wanted):
            call()


def test_arrays_beside_labelled_data_are_in_the_order_of_its_labels():
    x = RNG.normal(size=(12, 3))
    order = RNG.permutation(12)
    labelled = xr.DataArray(x, {"trial": np.arange(12)}, ("trial", "unit"))
    y = x @ RNG.normal(size=(3, 2))
    expected = float(analysis.decode(labelled, y[:, 0])["r2"])
    assert float(analysis.decode(labelled[order], y[:, 0])["r2"]) == pytest.approx(expected)
    cka = float(analysis.linear_cka(x, y))
    assert float(analysis.linear_cka(labelled[order], y)) == pytest.approx(cka, rel=1e-5)
    got = analysis.ridge_readout(labelled[order], y, penalty=0.0)["weights"]
    np.testing.assert_allclose(got, analysis.ridge_readout(x, y, penalty=0.0)["weights"], atol=1e-9)
    turned = labelled.assign_coords(trial=np.arange(12) + 5)[order]
    for call in (analysis.linear_cka, analysis.ridge_readout):
        with pytest.raises(LabelError, match="not in increasing order"):
            call(turned, y)
    with pytest.raises(LabelError, match="not in increasing order"):
        analysis.decode(turned, y[:, 0])


def test_interventions_are_on_the_units_that_labels_name():
    mask, amplitude = column([1, 0], [0, 1], "unit"), column([2.0, 3.0], ["a", "b"], "unit")
    with pytest.raises(LabelError, match=r"for units \[1, 2\], but a model counts its units"):
        Current(mask.assign_coords(unit=[1, 2]), 1.0)
    with pytest.raises(LabelError, match="only in the units: c"):
        Current(mask.assign_coords(unit=["a", "c"]), amplitude)
    named = Current(mask.assign_coords(unit=["a", "b"]), amplitude[::-1])
    np.testing.assert_array_equal(named.amplitude, [2, 3])


# --- models, which know their outputs by number ---------------------------------------------------


def linear():
    """A map whose readout is its state, and a run of it."""
    rotation = np.array([[0.9, 0.3], [-0.1, 0.8]])
    diagonal = np.diag(rotation)
    model = models.ALRNN(
        0, 2, 2, n_relu=0, A=diagonal, W=rotation.T - np.diag(diagonal), key=0
    ).starting_from(np.array([1.0, 0.5]))
    run = nd.simulate(model, n_steps=60, dt=10.0, progress=False)["outputs"].isel(trial=0)
    return model, run


def test_errors_and_starts_of_a_model_do_not_depend_on_the_order_of_outputs():
    model, run = linear()
    turned = run.isel(output=[1, 0])
    error = analysis.prediction_error(model, turned, n_steps=3)["prediction_error"]
    np.testing.assert_allclose(error, 0, atol=1e-10)
    on = nd.simulate(model.starting_from(turned.isel(time=9)), n_steps=50, dt=10.0, progress=False)
    np.testing.assert_allclose(on["outputs"].isel(trial=0), run[10:], atol=1e-6)


def test_predictions_follow_their_outputs_and_trials():
    observed = series(
        RNG.normal(size=(2, 8, 2)), ("trial", "time", "output"), output=[0, 1], trial=[4, 7]
    )
    method = pvrnn.ErrorRegression(window=3, iterations=2)
    network = models.PVRNN(2, (5,), (2,), (2.0,), key=0)
    vrnn = models.VRNN(2, 4, 1, key=0)
    mask = observed.copy(data=np.ones((2, 8, 2)))
    for predict in (
        lambda o: analysis.forecast(vrnn, o, n_horizons=2, key=3)["prediction"],
        lambda o: pvrnn.error_regression(network, o, method, key=0)["prediction"],
        lambda o: pvrnn.plan(network, o, mask, iterations=2, A="normal", key=0)["plan"],
    ):
        expected, got = predict(observed), predict(observed.isel(output=[1, 0], trial=[1, 0]))
        xr.testing.assert_allclose(labels.pair(expected, got)[1], expected)


def test_streams_that_arrive_are_taken_by_label():
    online = pvrnn.OnlineRegression(models.PVRNN(2, (5,), (2,), (2.0,), key=0), n_streams=2, key=0)
    x = xr.DataArray(
        RNG.normal(size=(2, 2)), {"stream": [0, 1], "output": ["0", "1"]}, ("stream", "output")
    )
    weights = x.copy(data=[[1.0, 0.0], [1.0, 1.0]])
    expected = online.step(online.init(), x.values, weights.values)[1]["reconstruction"]
    got = online.step(online.init(), x[::-1, ::-1].T, weights)[1]["reconstruction"]
    np.testing.assert_array_equal(got, expected)


def test_free_runs_compare_outputs_by_name_and_steps_with_those_of_the_task():
    model, run = linear()
    run = run.assign_coords(output=["x", "y"])
    task = tasks.Windows(run, length=5)

    def apart(data, generated):
        return abs(data[1:] - generated[:-1]).max()

    def score(data):
        evaluate = training.FreeRun(apart, data, name="the run")
        return float(evaluate(model, task, key=jax.random.key(0))["apart"])

    for data in (run, run.isel(output=[1, 0]), run.isel(output=[1, 0]).T):
        assert score(data) == pytest.approx(0, abs=1e-5)
    with pytest.raises(LabelError, match="steps of 20, the task of 10"):
        score(run[::2])
    with pytest.raises(LabelError, match=r"the outputs \['x', 'z'\], the task \['x', 'y'\]"):
        score(run.assign_coords(output=["x", "z"]))
