"""NWB: what we write comes back bit by bit, what others write is labelled."""

import datetime

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurodyn import labels, spikes
from neurodyn.io import from_nwb, read, to_nwb
from neurodyn.labels import LabelError


def identical(a, b):
    xr.testing.assert_identical(a, b)
    assert list(a.data_vars) == list(b.data_vars)
    assert list(a.coords) == list(b.coords)
    for name in a.variables:
        assert a[name].dtype == b[name].dtype, name
        np.testing.assert_array_equal(a[name].values, b[name].values)


def nwbfile():
    from pynwb import NWBFile

    return NWBFile(
        session_description="test",
        identifier="test",
        session_start_time=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    )


def written(file, path):
    from pynwb import NWBHDF5IO

    with NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


class TestRoundTrip:
    def test_continuous(self, recording, tmp_path):
        path = to_nwb(recording, tmp_path / "a.nwb")
        identical(recording, from_nwb(path))
        identical(recording, read(path))

    def test_in_trials(self, in_trials, tmp_path):
        assert "valid_until" in in_trials.coords
        identical(in_trials, from_nwb(to_nwb(in_trials, tmp_path / "a.nwb")))

    def test_overlapping_trials(self, recording, tmp_path):
        ds = spikes.align(recording, [2000.0, 2100.0], (-1000, 1000))
        identical(ds, from_nwb(to_nwb(ds, tmp_path / "a.nwb")))

    def test_a_model_whose_trials_have_no_clock(self, rng, tmp_path):
        ds = spikes.dataset(
            rng.uniform(0, 500, 30), rng.integers(0, 4, 30), rng.integers(0, 5, 30),
            coords={"unit": range(4), "trial": range(5), "gain": ("trial", rng.normal(size=5))},
            source="model", window=(0, 500),
        )  # fmt: skip
        identical(ds, from_nwb(to_nwb(ds, tmp_path / "a.nwb")))

    def test_text_labels_and_units_that_were_lost(self, tmp_path):
        ds = spikes.from_times(
            [[1.0], []],
            window=(0, 10),
            coords={
                "unit": ["a", "b"],
                "observed_start": ("unit", [0.0, 2.0], "ms"),
                "observed_stop": ("unit", [10.0, 9.0], "ms"),
            },
            attrs={"obs_intervals": [0.0, 4.0, 6.0, 10.0]},
        ).assign_coords(session="monday")
        identical(ds, from_nwb(to_nwb(ds, tmp_path / "a.nwb")))
        cut = spikes.align(ds, [0.0, 6.0], (0, 3))
        assert "observed" in cut
        identical(cut, from_nwb(to_nwb(cut, tmp_path / "b.nwb")))

    @given(
        hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e7, 1e7)),
        hnp.arrays(np.float64, 2, elements=st.floats(0, 1e7)),
    )
    @settings(
        deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_any_times_bit_by_bit(self, tmp_path, times, starts):
        ds = spikes.from_times(
            [times[::2], times[1::2]], coords={"on_time": ("trial", starts, "ms")}
        )
        ds = ds.assign_coords(
            start_time=("trial", starts, {"units": "ms"}),
            stop_time=("trial", starts + 1, {"units": "ms"}),
        )
        identical(ds, from_nwb(to_nwb(ds, tmp_path / "a.nwb", overwrite=True)))

    def test_other_readers_see_seconds(self, in_trials, recording, tmp_path):
        from pynwb import NWBHDF5IO

        with NWBHDF5IO(str(to_nwb(recording, tmp_path / "a.nwb")), "r") as io:
            file = io.read()
            for u, own in enumerate(spikes.times(recording)):
                np.testing.assert_allclose(file.units["spike_times"][u], own / 1e3, rtol=1e-15)
            assert list(file.units["area"][:]) == ["PFC", "", "FEF"]
            np.testing.assert_allclose(file.trials["go_time"][:], recording.go_time / 1e3)
            np.testing.assert_allclose(file.units["obs_intervals"][2], [[0, 10]])
        with NWBHDF5IO(str(to_nwb(in_trials, tmp_path / "b.nwb")), "r") as io:
            file = io.read()
            first = in_trials.isel(spike=(in_trials.spike_trial == 1) & (in_trials.spike_unit == 0))
            absolute = (first.spike_time + float(in_trials.go_time[1])) / 1e3
            stored = file.units["spike_times"][0]
            assert np.isin(np.round(absolute, 9), np.round(stored, 9)).all()
            assert (np.diff(stored) >= 0).all()

    def test_neo_reads_it(self, recording, tmp_path):
        import neo

        path = to_nwb(recording, tmp_path / "a.nwb")
        with np.testing.suppress_warnings() as quiet:
            quiet.filter(UserWarning)
            io = neo.io.NWBIO(str(path), mode="r")
            (block,) = io.read_all_blocks()
        trains = block.segments[0].spiketrains
        assert sorted(len(train) for train in trains) == [0, 25, 40]

    def test_session_facts(self, recording, tmp_path):
        from pynwb import NWBHDF5IO

        start = datetime.datetime(2021, 5, 6, 7, 8, 9)
        path = to_nwb(
            recording, tmp_path / "a.nwb", session_description="d", identifier="i",
            session_start_time=start,
        )  # fmt: skip
        with NWBHDF5IO(str(path), "r") as io:
            file = io.read()
            assert (file.session_description, file.identifier) == ("d", "i")
            assert file.session_start_time == start.replace(tzinfo=datetime.UTC)


class TestWriteRefuses:
    def test_existing_files(self, recording, tmp_path):
        path = to_nwb(recording, tmp_path / "a.nwb")
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match="overwrite=True"):
            to_nwb(recording, path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["a.nwb"]

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda ds: steps(ds), "times of 'r' count steps"),
            (lambda ds: ds.assign(w=(("time",), np.ones(2), A)), "'w' has a dim 'time'"),
            (lambda ds: ds.assign(w=(("latent",), np.ones(2), A)), r"no place in an NWB file"),
            (lambda ds: ds.drop_vars(["start_time"]), "NWB needs 'start_time' of every trial"),
            (lambda ds: ds.assign_attrs(x=None), "cannot be saved"),
        ],
    )
    def test_bad_datasets(self, recording, tmp_path, change, match):
        with pytest.raises(LabelError, match=match):
            to_nwb(change(recording), tmp_path / "a.nwb")
        assert not list(tmp_path.iterdir())


A = {"units": "1", "long_name": "x"}


def steps(_):
    return labels.dataset(
        {"r": (("time",), np.ones(2), "Hz", "rate")}, {"time": ("time", [0.0, 1.0], "1", "step")},
        source="model",
    )  # fmt: skip


class TestForeign:
    def test_units_alone_without_obs_intervals(self, tmp_path):
        file = nwbfile()
        for own in ([0.1, 0.2], [0.3]):
            file.add_unit(spike_times=own)
        ds = from_nwb(written(file, tmp_path / "a.nwb"))
        assert isinstance(ds, xr.Dataset)
        np.testing.assert_allclose(ds.spike_time, [100.0, 200.0, 300.0])
        assert ds.spike_unit.values.tolist() == [0, 0, 1]
        np.testing.assert_allclose(ds.attrs["window"], [0.0, 300.0])
        assert ds.attrs["identifier"] == "test"
        labels.check(ds)
        xr.testing.assert_identical(from_nwb(file), ds)

    def test_obs_intervals_with_a_shared_gap_and_a_lost_unit(self, tmp_path):
        file = nwbfile()
        file.add_unit(spike_times=[0.1], obs_intervals=[[0.0, 1.0], [2.0, 3.0]])
        file.add_unit(spike_times=[0.2], obs_intervals=[[0.0, 1.0]])
        ds = from_nwb(written(file, tmp_path / "a.nwb"))
        assert ds.attrs["window"] == [0.0, 3000.0]
        assert ds.attrs["obs_intervals"] == [0.0, 1000.0, 2000.0, 3000.0]
        assert ds.observed_stop.values.tolist() == [3000.0, 1000.0]
        counts = spikes.bin(spikes.align(ds, [0.0, 2000.0], (0, 1000)), bin_width=1000.0)
        np.testing.assert_array_equal(counts.spike_count.values[:, 0], [[1, 1], [0, np.nan]])

    def test_electrodes_tell_the_area(self, tmp_path):
        file = nwbfile()
        device = file.create_device(name="probe")
        group = file.create_electrode_group("g", description="g", location="V1", device=device)
        for place in ("V1", "V1", "V4"):
            file.add_electrode(group=group, location=place)
        file.add_unit(spike_times=[0.1], electrodes=[0, 1])
        file.add_unit(spike_times=[0.2], electrodes=[1, 2])
        ds = from_nwb(written(file, tmp_path / "a.nwb"))
        assert ds.area.values.tolist() == ["V1", "V1+V4"]

        file = nwbfile()
        device = file.create_device(name="probe")
        group = file.create_electrode_group("g", description="g", location="LIP", device=device)
        file.add_unit(spike_times=[0.1], electrode_group=group)
        assert from_nwb(written(file, tmp_path / "b.nwb")).area.values.tolist() == ["LIP"]

    def test_unit_columns(self, tmp_path):
        file = nwbfile()
        file.add_unit_column("brain_area", "where")
        file.add_unit_column("quality", "how good")
        file.add_unit_column("template", "waveform", index=True)
        file.add_unit(spike_times=[0.1], brain_area="M1", quality=0.5, template=[1.0, 2.0])
        file.add_unit(spike_times=[], brain_area="PMd", quality=0.7, template=[1.0])
        ds = from_nwb(written(file, tmp_path / "a.nwb"))
        assert ds.area.values.tolist() == ["M1", "PMd"]
        assert ds.quality.attrs["long_name"] == "how good"
        np.testing.assert_array_equal(ds.template, [[1.0, 2.0], [1.0, np.nan]])
        assert ds.n_template.values.tolist() == [2, 1]

    def trials(self, file):
        file.add_trial_column("go_time", "go cue")
        file.add_trial_column("side", "choice")
        for k in range(3):
            go = np.nan if k == 1 else k + 0.5
            file.add_trial(start_time=float(k), stop_time=k + 0.9, go_time=go, side="lrl"[k])
        file.add_unit(spike_times=[0.4, 0.6, 2.45])
        return file

    def test_one_trial_table_joins_the_spikes(self, tmp_path):
        path = written(self.trials(nwbfile()), tmp_path / "a.nwb")
        ds = read(path)
        assert isinstance(ds, xr.Dataset)
        assert ds.side.values.tolist() == ["l", "r", "l"]
        np.testing.assert_allclose(ds.go_time, [500.0, np.nan, 2500.0])
        assert ds.go_time.attrs == {"units": "ms", "long_name": "go cue"}
        with pytest.raises(LabelError, match=r"1 of 3 trials have no event"):
            read(path, align_event="go_time", window=(-200, 200))
        cut = read(path, align_event="go_time", window=(-200, 200), invalid="drop")
        assert cut.trial.values.tolist() == [0, 2]
        np.testing.assert_allclose(cut.spike_time, [-100.0, 100.0, -50.0])
        assert cut.attrs["align_event"] == "go_time"

    def test_several_tables_make_a_tree(self, tmp_path):
        from pynwb.epoch import TimeIntervals

        file = self.trials(nwbfile())
        other = TimeIntervals(name="stimuli", description="s")
        other.add_row(start_time=0.5, stop_time=0.7)
        file.add_time_intervals(other)
        path = written(file, tmp_path / "a.nwb")
        tree = read(path)
        assert set(tree["intervals"].children) == {"trials", "stimuli"}
        labels.check(tree)
        cut = read(path, align_event="start_time", window=(-100, 100), trials="stimuli")
        np.testing.assert_allclose(cut.spike_time, [-100.0])
        for wrong in (None, "nope"):
            with pytest.raises(LabelError, match=r"choose the trial table among \['trials', 'stim"):
                read(path, align_event="start_time", window=(-100, 100), trials=wrong)

    def test_signals(self, tmp_path, rng):
        from pynwb import TimeSeries

        file = nwbfile()
        values = rng.normal(size=(50, 2))
        for name, unit, extra in (
            ("lfp", "volts", {"rate": 1000.0, "starting_time": 2.0, "conversion": 1e-6}),
            ("eye", "deg", {"timestamps": np.sort(rng.uniform(0, 1, 50)), "offset": 3.0}),
            ("ttl", "a.u.", {"timestamps": np.zeros(50)}),
            ("big", "volts", {"rate": 1.0}),
        ):
            file.add_acquisition(TimeSeries(name=name, data=values, unit=unit, **extra))
        path = written(file, tmp_path / "a.nwb")
        tree = read(path)
        lfp, eye = tree["signals/lfp"], tree["signals/eye"]
        np.testing.assert_allclose(lfp.v, values * 1e-3)
        assert lfp.v.attrs["units"] == "mV"
        np.testing.assert_allclose(lfp.time, 2000.0 + np.arange(50))
        np.testing.assert_allclose(eye["signal"], values + 3.0)
        assert eye["signal"].attrs["units"] == "deg"
        (reason,) = tree.attrs["not_read"]
        assert reason.startswith("signals/ttl: its time stamps do not increase: sample 1")
        labels.check(tree)
        only = from_nwb(path, signals=["lfp"])
        assert only.v.dims == ("time", "channel")
        with pytest.raises(LabelError, match=r"no signal 'nope' .*'lfp', 'eye'"):
            from_nwb(path, signals=["nope"])
        with pytest.raises(LabelError, match="asked for cannot be read: signals/ttl"):
            from_nwb(path, signals="ttl")

    def test_nothing_in_it(self, tmp_path):
        with pytest.raises(LabelError, match="holds nothing that can be labelled"):
            read(written(nwbfile(), tmp_path / "a.nwb"))

    def test_align_options_need_each_other(self, tmp_path):
        path = written(self.trials(nwbfile()), tmp_path / "a.nwb")
        with pytest.raises(ValueError, match="needs align_event"):
            read(path, until="stop_time")
        with pytest.raises(ValueError, match="needs window="):
            read(path, align_event="start_time")


class TestReal:
    def test_human_medial_temporal_lobe(self, zheng_nwb):
        tree = read(zheng_nwb)
        labels.check(tree)
        ds = tree["spikes"].to_dataset()
        assert ds.sizes == {"spike": 214_278, "unit": 35}
        places = [place.split("_")[0] for place in ds.area.values]
        assert (places.count("hippocampus"), places.count("amygdala")) == (25, 10)
        assert ds.attrs["window"][1] == pytest.approx(2821e3, abs=1e3)
        sizes = {name: node.sizes["trial"] for name, node in tree["intervals"].children.items()}
        assert sizes == {
            "encoding_table": 90, "recognition_table": 180, "timediscrimination_table": 180
        }  # fmt: skip
        rates = np.bincount(ds.spike_unit) / 2821.0
        assert np.median(rates) == pytest.approx(1.31, abs=0.01)

    def test_it_survives_our_own_writing(self, zheng_nwb, tmp_path):
        cut = read(
            zheng_nwb, align_event="start_time", trials="encoding_table", window=(-500, 8000),
            until="stop_time",
        )  # fmt: skip
        identical(cut, read(to_nwb(cut, tmp_path / "a.nwb")))
