"""The clock of labelled data: unit, step, direction and gaps, wherever times are read."""

import re

import diffrax
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import analysis, labels, models, plot, spikes, tasks, trials
from neurodyn.labels import LabelError, clock

N, DT = 240, 10.0


def series(n=N, dt=DT, t0=0.0, hertz=5.0):
    """A sine of 5 Hz and its cosine."""
    time = labels.time_axis(n, dt, t0)
    waves = np.stack([f(2 * np.pi * hertz * time / 1e3) for f in (np.sin, np.cos)], 1)
    return labels.dataset(
        {"x": (("time", "channel"), waves, "1", "series")}, {"time": time}, source="recording"
    )["x"]


def timedelta(x):
    return x.assign_coords(time=(x.time.values * 1e6).astype("timedelta64[ns]"))


FAULTS = {
    "seconds": (nd.to_seconds, "'time' is in seconds.*to_milliseconds"),
    "timedelta64": (timedelta, r"'time' is timedelta64\[ns\].*to_milliseconds"),
    "dates": (
        lambda x: x.assign_coords(time=pd.date_range("2020", periods=x.sizes["time"])),
        "dates",
    ),
    "microseconds": (
        lambda x: x.assign_coords(time=("time", x.time.values * 1e3, {"units": "us"})),
        "'time' has units 'us'",
    ),
    "reversed": (lambda x: x.isel(time=slice(None, None, -1)), r"backwards.*sortby\('time'\)"),
    "out of order": (lambda x: x.isel(time=np.r_[1, 0, 2 : x.sizes["time"]]), r"sortby\('time'\)"),
    "repeated": (
        lambda x: x.isel(time=np.r_[0, 0 : x.sizes["time"]]),
        r"more than once.*drop_duplicates\('time'\)",
    ),
    "NaN": (
        lambda x: x.assign_coords(time=("time", np.r_[np.nan, x.time.values[1:]], {"units": "ms"})),
        "NaN or infinite",
    ),
}
GAPS = {
    "gap": (
        lambda x: x.isel(time=np.r_[0:100, 150 : x.sizes["time"]]),
        r"'time' is uneven, with 1 gap, the first from 1000 to 1510 ms \(steps are 10\): cut at",
    ),
    "uneven": (lambda x: x.isel(time=np.arange(15) ** 2), "uneven, with steps from 10 to 270 ms"),
}


class TestClock:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(2, 500), st.floats(1e-3, 1e4), st.sampled_from([-1e5, 0.0, 3.7, 1e9, 1.6e12])
    )
    def test_reads_every_even_axis(self, n, dt, t0):
        if dt < 0.1 and abs(t0) > 1e6:
            return  # finer than what float64 tells apart so far from 0
        x = xr.DataArray(np.zeros(n), coords={"time": labels.time_axis(n, dt, t0)})
        found = clock(x)
        # Labels are rounded to some parts in 1e16 of their own size.
        np.testing.assert_allclose(found.step, dt, rtol=1e-6, atol=1e-15 * abs(t0))
        assert found.unit == "ms"
        np.testing.assert_array_equal(found.time, x.time.values)

    @pytest.mark.parametrize("name", FAULTS | GAPS)
    def test_faults_are_named_with_the_fix(self, name):
        change, match = (FAULTS | GAPS)[name]
        with pytest.raises(LabelError, match=match):
            clock(change(series()))

    def test_uneven_times_where_only_their_order_counts(self):
        found = clock(GAPS["gap"][0](series()), even=False)
        assert np.isnan(found.step)
        assert found.time[100] == 1510

    def test_one_sample_and_no_labels(self):
        one, bare = series().isel(time=[3]), series().drop_vars("time")
        with pytest.raises(LabelError, match="1 sample on 'time', which has no step"):
            clock(one)
        assert clock(one, dt=5.0)[1:] == (5.0, "ms")
        with pytest.raises(LabelError, match="without labels"):
            clock(bare)
        assert clock(bare, dt=5.0)[1:] == (5.0, "ms")
        assert clock(bare, default=1.0)[1:] == (1.0, "1")
        with pytest.raises(LabelError, match="has no dim 'time'"):
            clock(one.isel(time=0))

    def test_a_given_step_must_agree(self):
        assert clock(series(), dt=10.0).step == 10
        with pytest.raises(LabelError, match=r"dt=1, but the labels of 'time'.* are 10 ms apart"):
            clock(series(), dt=1.0)

    def test_steps_and_lags(self):
        steps = xr.DataArray(np.zeros(3), coords={"lag": ("lag", [0, 2, 4], {"units": "1"})})
        assert clock(steps, dim="lag")[1:] == (2.0, "1")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.floats(0.01, 1e4), st.floats(-1e6, 1e6))
def test_seconds_and_back(n, dt, t0):
    x = labels.dataset(
        {"n": (("time",), np.arange(n), "count", "spike count"), "tau": ((), 7.3, "ms", "tau")},
        {"time": labels.time_axis(n, dt, t0)},
        source="recording",
        attrs={"bin_width": dt, "window": [t0, t0 + n * dt], "n": 5},
    )
    back = nd.to_milliseconds(nd.to_seconds(x))
    xr.testing.assert_allclose(back, x, rtol=1e-15, atol=1e-12)
    assert back.time.attrs == x.time.attrs
    assert set(back.attrs) == set(x.attrs)
    np.testing.assert_allclose(back.attrs["window"], x.attrs["window"], rtol=1e-15, atol=1e-12)
    np.testing.assert_allclose(back.attrs["bin_width"], dt, rtol=1e-15)
    # Twice is once, attrs too.
    xr.testing.assert_identical(nd.to_seconds(nd.to_seconds(x)), nd.to_seconds(x))
    xr.testing.assert_identical(nd.to_milliseconds(x), x)


def test_timedeltas_become_milliseconds():
    found = nd.to_milliseconds(timedelta(series()))
    np.testing.assert_array_equal(found.time, series().time)
    assert found.time.attrs["units"] == "ms"


class TestBins:
    counts = staticmethod(
        lambda: spikes.bin(
            spikes.from_times([np.arange(5.0, 400, 20)], window=(0, 400)), bin_width=10
        )
    )

    def test_the_labels_decide(self):
        counts = self.counts()
        assert labels.bin_width(counts) == 10
        joined = counts.coarsen(time=2).sum()
        with pytest.raises(LabelError, match="bin_width is 10 ms in attrs, but bins are 20"):
            labels.bin_width(joined)
        assert labels.bin_width(joined.assign_attrs(bin_width=20.0)) == 20
        bare = joined.copy()
        del bare.attrs["bin_width"]
        assert labels.bin_width(bare) == 20
        # Bins that were left out do not make the others wider.
        assert labels.bin_width(counts.isel(time=np.r_[0:5, 20:30])) == 10

    @pytest.mark.parametrize(
        "measure",
        [
            lambda c: spikes.rate(c)["rate"].mean(),
            lambda c: analysis.firing_rate(c),
            lambda c: analysis.population_rate(c)["rate"].mean(),
            lambda c: analysis.fano_factor(c),
        ],
    )
    def test_rates_of_coarsened_counts(self, measure):
        joined = self.counts().coarsen(time=2).sum()
        with pytest.raises(LabelError, match="bin_width is 10 ms"):
            measure(joined)
        fixed = measure(joined.assign_attrs(bin_width=20.0)).item()
        assert fixed == (0 if "fano" in measure.__code__.co_names[-1] else 50)  # one in 20 ms


#: Functions that read the times of a series ``(time, channel)``.
READERS = {
    "Windows": lambda x: tasks.Windows(x, 20).dt,
    "main_frequency": lambda x: analysis.main_frequency(x[:, 0]),
    "power_spectrum": lambda x: analysis.power_spectrum(x, sigma=0.0)[:, 0].idxmax("frequency"),
    "spectral_distance": lambda x: analysis.spectral_distance(x, x, sigma=1.0)["d_h"],
    "valid_prediction_time": lambda x: analysis.valid_prediction_time(x, x)["valid_time"],
    "autocorrelation": lambda x: analysis.autocorrelation(_trials(x), across="all"),
    "timescale": lambda x: analysis.timescale(_trials(x), across="all"),
    "intrinsic_timescale": lambda x: analysis.intrinsic_timescale(_trials(x), n_draws=2),
    "smooth": lambda x: trials.smooth(x, 20.0),
    "rebin": lambda x: analysis.rebin(x, series(20, 100.0, -50.0)),
    "Sequences": lambda x: tasks.Sequences(_sequences(x)).dt,
    "ridge_forecast": lambda x: analysis.ridge_forecast(
        _sequences(x), _sequences(x), n_horizons=2, n_lags=3
    ),
    "aligned_correlation": lambda x: analysis.aligned_correlation(x[:, 0], x[:, 0], longest=50.0)[
        "shift"
    ],
    "simulate": lambda x: nd.simulate(
        models.CTRNN(2, 3, 1, key=0), x.rename(channel="input").astype("f"), dt=DT, progress=False
    ),
    "word_frequencies": lambda x: analysis.word_frequencies((x[:, 0] > 0).astype(int), 2),
    "detect_spikes": lambda x: analysis.detect_spikes(
        x[:, 0].assign_attrs(units="mV").to_dataset(name="v")
    ),
    "state_space_divergence": lambda x: analysis.state_space_divergence(x, x),
    "to_neo": lambda x: nd.io.to_neo(x.to_dataset().assign_attrs(source="recording")),
}
#: These take times that are uneven, because they use no more than their order (or write each).
ORDER_ALONE = {"to_neo", "state_space_divergence"}
UNEVEN = READERS.keys() - ORDER_ALONE


def _trials(x):
    return (
        xr.concat([x, -x, 2 * x], "trial").rename(channel="unit").transpose("trial", "time", "unit")
    )


def _sequences(x):
    return x.expand_dims("trial").rename(channel="output")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_clock_are_refused_everywhere(name, fault):
    change, match = FAULTS[fault]
    with pytest.raises(LabelError, match=match):
        READERS[name](change(series()))


@pytest.mark.parametrize("name", sorted(UNEVEN))
@pytest.mark.parametrize("fault", GAPS)
def test_gaps_are_refused_where_neighbours_count(name, fault):
    change, match = GAPS[fault]
    with pytest.raises(LabelError, match=match):
        READERS[name](change(series()))


@pytest.mark.parametrize("measure", [analysis.fit_exponential, analysis.fit_exponentials])
def test_lags_are_read_as_a_clock(measure):
    lag = np.arange(0.0, 300.0, 10.0)
    acf = xr.DataArray(
        np.exp(-lag / 70.0)[:, None], {"lag": ("lag", lag, {"units": "ms"})}, ("lag", "unit")
    )
    assert measure(acf)["tau"].item() == pytest.approx(70.0, rel=1e-3)
    steps = acf.assign_coords(lag=("lag", lag / 10, {"units": "1"}))
    assert measure(steps)["tau"].attrs["units"] == "1"
    with pytest.raises(LabelError, match="'lag' is in seconds"):
        measure(nd.to_seconds(acf))
    with pytest.raises(LabelError, match=r"sortby\('lag'\)"):
        measure(acf.isel(lag=slice(None, None, -1)))


def test_lag_0_is_told_by_its_label():
    """A refractory dip at 10 ms is skipped from lag 0 on, and from 10 ms on."""
    lag = np.arange(0.0, 300.0, 10.0)
    values = np.where(lag == 10, 0.1, np.exp(-lag / 70.0))
    acf = xr.DataArray(values[:, None], {"lag": ("lag", lag, {"units": "ms"})}, ("lag", "unit"))
    for part in (acf, acf.isel(lag=slice(1, None))):
        assert analysis.fit_exponential(part)["tau"].item() == pytest.approx(70.0, rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 50.0), st.sampled_from([0.0, -700.0, 1e5]))
def test_results_scale_with_the_clock(dt, t0):
    """The same samples on a clock that is so many times slower have so much lower frequencies."""
    x, factor = series(), dt / DT
    slow = x.assign_coords(time=("time", labels.time_axis(N, dt, t0), {"units": "ms"}))
    assert READERS["Windows"](slow) == pytest.approx(dt, rel=1e-9)
    for name in ("main_frequency", "power_spectrum"):
        found = float(READERS[name](slow))
        assert found == pytest.approx(5 / factor, rel=1e-3), name
    one, other = (READERS["autocorrelation"](a) for a in (x, slow))
    np.testing.assert_allclose(other.lag, one.lag * factor, rtol=1e-9)
    np.testing.assert_array_equal(other, one)
    found = float(READERS["valid_prediction_time"](slow))
    assert found == pytest.approx(N * dt, rel=1e-9)


@pytest.mark.parametrize(("dt", "t0"), [(1 / 30, 1234567.8), (1 / 30, 0.1), (10.0, 0.0)])
def test_the_advice_at_a_gap_keeps_every_sample(dt, t0):
    """Text of the message, typed as it stands."""
    whole = series(300, dt, t0)
    cut = whole.isel(time=np.r_[0:100, 150:300])
    with pytest.raises(LabelError, match="cut at the gap") as refused:
        clock(cut)
    advice = re.findall(r"\.sel\(time=slice\((.+?), (.+?)\)\)", str(refused.value))
    before, after = (
        cut.sel(time=slice(*(None if edge == "None" else float(edge) for edge in edges)))
        for edges in advice
    )
    xr.testing.assert_identical(before, whole[:100])
    xr.testing.assert_identical(after, whole[150:])


def test_the_advice_for_seconds_brings_attributes_along():
    counts = nd.to_seconds(series().assign_attrs(bin_width=DT))
    with pytest.raises(LabelError, match=r"in ms: neurodyn.to_milliseconds\(obj\)\.") as refused:
        clock(counts)
    assert "assign_coords" not in str(refused.value)
    assert labels.bin_width(nd.to_milliseconds(counts)) == pytest.approx(DT)


def test_steps_of_maps_stay_steps():
    x = series().assign_coords(time=("time", np.arange(1.0, N + 1), {"units": "1"}))
    power = analysis.power_spectrum(x, sigma=0.0)[:, 0]
    assert power.frequency.attrs["units"] == "1"
    assert float(power.idxmax("frequency")) == pytest.approx(0.05)  # 5 Hz at 10 ms
    assert analysis.autocorrelation(_trials(x), across="all").lag.attrs["units"] == "1"
    assert analysis.valid_prediction_time(x, x)["valid_time"].attrs["units"] == "1"
    with pytest.raises(LabelError, match="count steps"):
        analysis.main_frequency(x[:, 0])


def test_the_first_hour():
    """What was typed by someone new, each right or refused with the fix."""
    x = series(4000, hertz=3.0)
    lorenz = models.reference.Lorenz63(time_unit=1000.0)
    run = nd.integrate(lorenz, dt=DT, solver=diffrax.Tsit5(), n_steps=600, key=0)
    truth = xr.DataArray(
        np.asarray(run.outputs),
        dims=("time", "channel"),
        coords={"time": labels.time_axis(600, DT)},
    )
    error = analysis.prediction_error(lorenz, truth, n_steps=20, solver=diffrax.Tsit5())
    assert error["prediction_error"].max() < 1e-6
    with pytest.raises(LabelError, match="dt=1, but the labels"):
        analysis.prediction_error(lorenz, truth, n_steps=20, dt=1.0)
    with pytest.raises(LabelError, match="cut at the gap and pass the pieces as a list"):
        tasks.Windows(x.isel(time=np.r_[0:300, 600:1000]), 50)
    pieces = [x.isel(time=slice(0, 300)), x.isel(time=slice(600, 1000))]
    assert tasks.Windows(pieces, 50).n_subjects == 2
    frame = pd.DataFrame({"t": np.arange(100) * 0.01, "x": x[:100, 0], "y": x[:100, 1]})
    with pytest.raises(LabelError, match=r"DataFrame with the columns \['t', 'x', 'y'\]"):
        tasks.Windows(frame, 50)
    with pytest.raises(ValueError, match=r"If time comes last, pass np.swapaxes\(data, -1, -2\)"):
        tasks.Windows(x.values.T, 50)
    assert tasks.Windows(np.swapaxes(x.values.T, -1, -2), 50).n_outputs == 2


def test_figures_say_the_unit_of_their_clock():
    ds = xr.Dataset({"rate": _trials(series()).assign_attrs(units="Hz", long_name="rate")})
    for change, text in ((lambda d: d, "time (ms)"), (nd.to_seconds, "time (s)")):
        figure = plot.traces(change(ds), variable="rate", trial=0, units=2)
        assert figure.axes[0].get_xlabel() == text
    with pytest.raises(LabelError, match="to_milliseconds"):
        plot.traces(timedelta(ds), variable="rate", trial=0, units=2)


def test_labelled_inputs_are_read_by_their_dims():
    model = models.CTRNN(2, 3, 1, key=0)
    values = np.random.default_rng(0).normal(size=(4, 20, 2)).astype("f")
    inputs = xr.DataArray(values, {"time": labels.time_axis(20, DT)}, ("trial", "time", "input"))
    known = nd.integrate(model, np.swapaxes(values, 0, 1), dt=DT).outputs
    for dims in (("trial", "time", "input"), ("input", "time", "trial")):
        found = nd.integrate(model, inputs.transpose(*dims), dt=DT).outputs
        np.testing.assert_array_equal(found, known)
    with pytest.raises(LabelError, match="dt=5, but the labels of 'time' in the inputs are 10 ms"):
        nd.integrate(model, inputs, dt=5.0)
