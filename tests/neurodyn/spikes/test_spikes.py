"""Spike trains: building, cutting, binning, rates."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurodyn import labels, spikes
from neurodyn.labels import LabelError


def poisson(rng, n_units=4, duration=1e4, rate=20.0):
    return [
        np.sort(rng.uniform(0, duration, rng.poisson(rate * duration / 1e3)))
        for _ in range(n_units)
    ]


@pytest.fixture
def recording(rng):
    return spikes.from_times(
        poisson(rng), window=(0, 1e4), coords={"area": ("unit", ["a", "b", "b", "c"])}
    )


@pytest.fixture
def rng():
    return np.random.default_rng(1)


class TestBuild:
    @pytest.mark.parametrize("trials", [True, False])
    def test_is_sorted_whatever_the_order_of_the_arrays(self, rng, trials):
        """Sorted spikes, and those in order of time, take shorter ways than others."""
        time, unit = rng.integers(0, 40, 300) / 2.0, rng.integers(0, 3, 300)
        trial = rng.integers(0, 4, 300) if trials else None
        keys = [time, unit, *([trial] if trials else [])]
        whole = np.lexsort(keys)
        tables = {"unit": ["a", "b", "c"], "trial": [7, 5, 6, 8]}
        for order in (whole, np.argsort(time, kind="stable"), np.arange(300), whole[::-1]):
            ds = spikes.dataset(
                time[order],
                np.array(tables["unit"])[unit[order]],
                np.array(tables["trial"])[trial[order]] if trials else None,
                coords=tables,
                source="recording",
            )
            np.testing.assert_array_equal(ds["spike_time"], time[whole])
            np.testing.assert_array_equal(ds["spike_unit"], np.array(tables["unit"])[unit[whole]])

    def test_is_sorted_by_trial_unit_and_time(self, rng):
        time, unit, trial = rng.uniform(0, 9, 50), rng.integers(0, 3, 50), rng.integers(0, 4, 50)
        ds = spikes.dataset(
            time, unit, trial, coords={"unit": range(3), "trial": range(4)}, source="model"
        )
        expected = sorted(zip(trial, unit, time, strict=True))
        rows = (ds.spike_trial.values, ds.spike_unit.values, ds.spike_time.values)
        assert list(zip(*rows, strict=True)) == expected
        labels.check(ds)

    def test_times_gives_back_what_from_times_took(self, rng):
        given = [*poisson(rng), np.array([])]
        for ours, theirs in zip(spikes.times(spikes.from_times(given)), given, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    @pytest.mark.parametrize(
        ("call", "match"),
        [
            (lambda: spikes.from_times([]), "times is empty"),
            (lambda: spikes.from_times([[[1.0]]]), r"entry 0 has shape \(1, 1\)"),
            (lambda: spikes.from_times([[np.nan]]), "finite float64"),
            (lambda: spikes.from_times([[5000.0]], window=(0, 10)), "both in ms"),
            (lambda: spikes.from_times([[5.0]], window=(10, 0)), "start < stop"),
            (
                lambda: spikes.dataset([1.0], [0, 1], coords={"unit": [0, 1]}, source="model"),
                "one length",
            ),
            (lambda: spikes.dataset([1.0], [0], coords={}, source="model"), "must give 'unit'"),
            (
                lambda: spikes.dataset([1.0], [0], [0], coords={"unit": [0]}, source="model"),
                "must give 'trial'",
            ),
            (
                lambda: spikes.dataset([1.0], [3], coords={"unit": [0]}, source="model"),
                r"spike_unit names \[3\], which 'unit' does not have: its labels are \[0\]",
            ),
            (
                lambda: spikes.dataset([1.0], [0.5], coords={"unit": [0]}, source="model"),
                "holds float64 such as .*0.5.*, the labels of .unit. are int64",
            ),
        ],
    )
    def test_refuses(self, call, match):
        with pytest.raises(LabelError, match=match):
            call()


class TestBin:
    @given(
        st.lists(
            hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats(-5.0, 104.999)),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from([0.1, 0.5, 1.0, 2.5, 10.0, 100.0]),
    )
    @settings(deadline=None)
    def test_equals_numpy_and_loses_no_spike(self, times, bin_width):
        ds = spikes.from_times(times, window=(-5, 105))
        counts = spikes.bin(ds, bin_width=bin_width, window=(0, 100)).spike_count
        edges = np.arange(counts.sizes["time"] + 1) * bin_width
        for unit, own in enumerate(times):
            inside = own[(own >= 0) & (own < edges[-1])]  # np.histogram closes the last bin
            expected = np.histogram(inside, edges)[0]
            np.testing.assert_array_equal(counts.values[:, unit], expected)
        assert counts.values.sum() == sum(((t >= 0) & (t < edges[-1])).sum() for t in times)

    def test_trials_against_a_plain_loop(self, recording):
        cut = spikes.align(recording, [1000.0, 3000.5, 7000.0], (-500, 1500))
        counts = spikes.bin(cut, bin_width=50.0)
        assert counts.spike_count.dims == ("trial", "time", "unit")
        edges = np.arange(-500, 1501, 50)
        for k, event in enumerate([1000.0, 3000.5, 7000.0]):
            for u, own in enumerate(spikes.times(recording)):
                expected = np.histogram(own - event, edges)[0]
                np.testing.assert_array_equal(counts.spike_count.values[k, :, u], expected)
        np.testing.assert_array_equal(counts.time, edges[:-1] + 25)
        assert counts.attrs["bin_width"] == 50.0
        assert counts.area.values.tolist() == ["a", "b", "b", "c"]
        labels.check(counts)

    def test_bins_are_half_open(self):
        ds = spikes.from_times([[0.0, 10.0, 20.0]], window=(0, 20))
        assert spikes.bin(ds, bin_width=10.0).spike_count.values.ravel().tolist() == [1, 1]

    def test_edges_that_are_no_binary_numbers(self):
        times = np.arange(1, 1000) * 0.1
        ds = spikes.from_times([times], window=(0, 100))
        counts = spikes.bin(ds, bin_width=0.1).spike_count.values.ravel()
        assert counts.tolist() == [0] + [1] * 999

    def test_no_spikes_at_all(self):
        ds = spikes.from_times([[], []], window=(0, 100))
        assert spikes.bin(ds, bin_width=10.0).spike_count.values.tolist() == [[0, 0]] * 10

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            (
                {"bin_width": 30.0},
                r"do not divide the window 0 to 100 ms .* end the window at 90 ms",
            ),
            ({"bin_width": 300.0}, "use narrower bins"),
            ({"bin_width": 0.0}, "positive"),
            ({"bin_width": 10.0, "window": (0, 200)}, "exceeds the observation"),
            ({"bin_width": 10.0, "window": (50, 0)}, "start < stop"),
        ],
    )
    def test_refuses(self, options, match):
        ds = spikes.from_times([[5.0]], window=(0, 100))
        with pytest.raises(LabelError, match=match):
            spikes.bin(ds, **options)

    def test_needs_to_know_what_was_observed(self):
        with pytest.raises(LabelError, match="pass window="):
            spikes.bin(spikes.from_times([[5.0]]), bin_width=1.0)

    def test_needs_spikes(self, recording):
        counts = spikes.rate(recording, bin_width=10.0)
        with pytest.raises(LabelError, match="needs a spike Dataset"):
            spikes.bin(counts, bin_width=10.0)


class TestAlign:
    def test_carries_the_trial_table(self, recording):
        ds = recording.assign_coords(
            go_time=("trial", [2000.0, 4000.0], {"units": "ms"}), side=("trial", ["l", "r"])
        )
        cut = spikes.align(ds, "go_time", (-100, 100))
        assert cut.attrs["align_event"] == "go_time"
        assert cut.side.values.tolist() == ["l", "r"]
        assert cut.event_time.values.tolist() == [2000.0, 4000.0]
        labels.check(cut)

    def test_takes_events_from_another_table(self, recording):
        events = xr.DataArray(
            [2000.0], dims="trial", coords={"trial": [7], "side": ("trial", ["l"])}, name="go"
        )
        cut = spikes.align(recording, events, (-100, 100))
        assert cut.trial.values.tolist() == [7]
        assert cut.side.values.tolist() == ["l"]

    def test_overlapping_windows_share_spikes(self):
        ds = spikes.from_times([[50.0]], window=(0, 100))
        cut = spikes.align(ds, [40.0, 45.0], (-20, 20))
        assert cut.spike_time.values.tolist() == [10.0, 5.0]

    @given(
        hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(0, 1e4)),
        hnp.arrays(np.float64, st.integers(1, 6), elements=st.floats(500, 9000)),
    )
    @settings(deadline=None)
    def test_equals_a_plain_loop(self, times, events):
        ds = spikes.from_times([times[::2], times[1::2]], window=(0, 1e4))
        cut = spikes.align(ds, events, (-500, 1000))
        expected = [
            (k, u, t - event)
            for k, event in enumerate(events)
            for u, own in enumerate(spikes.times(ds))
            for t in own
            if -500 <= t - event < 1000
        ]
        rows = (cut.spike_trial.values, cut.spike_unit.values, cut.spike_time.values)
        assert list(zip(*rows, strict=True)) == sorted(expected)

    def test_trials_outside_the_recording(self, recording):
        events = [100.0, 5000.0, np.nan, 2e4]
        with pytest.raises(LabelError, match=r"3 of 4 trials .* 0 \(event at 100 ms\), 2 .* 3 "):
            spikes.align(recording, events, (-500, 500))
        cut = spikes.align(recording, events, (-500, 500), invalid="drop")
        assert cut.trial.values.tolist() == [1]
        with pytest.raises(LabelError, match="no trial is left"):
            spikes.align(recording, [np.nan], (-500, 500), invalid="drop")

    def test_truncated_trials_are_padded_when_binned(self, recording):
        cut = spikes.align(recording, [5000.0, 9700.0], (-500, 500))
        assert cut.valid_until.values.tolist() == [500.0, 300.0]
        counts = spikes.bin(cut, bin_width=50.0)
        assert counts.n_valid.values.tolist() == [20, 16]
        assert np.isnan(counts.spike_count.values[1, 16:]).all()
        assert not np.isnan(counts.spike_count.values[1, :16]).any()
        assert not np.isnan(counts.spike_count.values[0]).any()
        labels.check(counts)

    def test_until_ends_trials_and_hides_later_spikes(self):
        ds = spikes.from_times([[10.0, 30.0, 60.0]], window=(0, 100))
        cut = spikes.align(ds, [0.0, 50.0], (0, 40), until=[25.0, 90.0])
        assert cut.spike_time.values.tolist() == [10.0, 10.0]
        assert spikes.bin(cut, bin_width=10.0).n_valid.values.tolist() == [2, 4]

    def test_gaps_in_the_recording(self):
        ds = spikes.from_times(
            [[10.0, 90.0]], window=(0, 100), attrs={"obs_intervals": [0, 40, 60, 100]}
        )
        with pytest.raises(LabelError, match="1 of 3 trials"):
            spikes.align(ds, [5.0, 50.0, 70.0], (0, 20))
        cut = spikes.align(ds, [5.0, 30.0, 70.0], (0, 20))
        assert cut.valid_until.values.tolist() == [20.0, 10.0, 20.0]
        counts = spikes.bin(ds, bin_width=20.0)
        np.testing.assert_array_equal(counts.spike_count.values.ravel(), [1, 0, np.nan, 0, 1])
        labels.check(counts)
        assert spikes.bin(ds, bin_width=10.0, window=(60, 100)).spike_count.values.sum() == 1

    def test_units_lost_on_the_way_are_nan_not_zero(self):
        ds = spikes.from_times([[10.0, 90.0], [10.0]], window=(0, 100)).assign_coords(
            observed_start=("unit", [0.0, 0.0]), observed_stop=("unit", [100.0, 50.0])
        )
        cut = spikes.align(ds, [0.0, 60.0], (0, 40))
        whole = spikes.bin(ds, bin_width=25.0).spike_count.values
        np.testing.assert_array_equal(whole, [[1, 1], [0, 0], [0, np.nan], [1, np.nan]])
        assert spikes.bin(ds, bin_width=10.0, window=(0, 50)).spike_count.values.sum() == 2
        counts = spikes.bin(cut, bin_width=40.0).spike_count.values[:, 0]
        np.testing.assert_array_equal(counts, [[1, 1], [1, np.nan]])
        labels.check(spikes.bin(cut, bin_width=40.0))

    @pytest.mark.parametrize(
        ("events", "match"),
        [
            ("go", r"no trial column 'go'. The trial table has \['side'\]"),
            (xr.DataArray([1.0], dims="trials"), "must lie on dim 'trial'"),
            (xr.DataArray([1.0], dims="trial", attrs={"units": "s"}), "is in 's'; times are in ms"),
            ([], "one time"),
        ],
    )
    def test_refuses(self, recording, events, match):
        ds = recording.assign_coords(side=("trial", ["l", "r"]))
        with pytest.raises(LabelError, match=match):
            spikes.align(ds, events, (-100, 100))

    def test_refuses_trials_twice(self, recording):
        cut = spikes.align(recording, [5000.0], (-100, 100))
        with pytest.raises(LabelError, match="already"):
            spikes.align(cut, [0.0], (-10, 10))


class TestRate:
    def test_recovers_the_rate_of_a_poisson_train(self, rng):
        ds = spikes.from_times(poisson(rng, 3, 2e5, 30.0), window=(0, 2e5))
        rates = spikes.rate(ds, 50.0, bin_width=10.0)
        assert rates.rate.attrs["units"] == "Hz"
        # 6000 spikes: standard error 0.4 Hz
        np.testing.assert_allclose(rates.rate.mean("time"), 30.0, atol=2.0)
        labels.check(rates)

    def test_smoothing_keeps_spikes_that_are_far_from_edges(self):
        ds = spikes.from_times([[500.0]], window=(0, 1000))
        rates = spikes.rate(ds, 30.0, bin_width=5.0)["rate"].values
        assert rates.sum() * 5.0 / 1e3 == pytest.approx(1.0, rel=1e-5)

    def test_of_counts_takes_their_bins(self, recording):
        counts = spikes.bin(recording, bin_width=20.0)
        rates = spikes.rate(counts)
        np.testing.assert_allclose(rates["rate"], counts.spike_count * 50.0)
        # Without the attribute the labels tell the width.
        np.testing.assert_allclose(spikes.rate(counts.drop_attrs())["rate"], rates["rate"])
        with pytest.raises(LabelError, match="bin_width"):
            spikes.rate(counts.isel(time=[0]).drop_attrs())
