"""Tables of NWB files: every column is read as pynwb reads it, or listed."""

import datetime
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynwb import NWBHDF5IO, NWBFile
from pynwb.epoch import TimeIntervals
from pynwb.file import Subject
from pynwb.misc import Units

import neurodyn as nd
from neurodyn import analysis, labels, spikes
from neurodyn.io import from_neo, from_nwb, read, to_neo, to_nwb
from neurodyn.labels import LabelError

WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=4)


def nwbfile(**about):
    start = about.pop("session_start_time", datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    return NWBFile("test", "test", start, **about)


def written(file, path):
    with warnings.catch_warnings(), NWBHDF5IO(str(path), "w") as io:
        warnings.simplefilter("ignore")
        io.write(file)
    return path


def with_units(*times, file=None, **columns):
    file = file or nwbfile()
    for name in columns:
        file.add_unit_column(name, name)
    for u, own in enumerate(times):
        file.add_unit(spike_times=own, **{name: each[u] for name, each in columns.items()})
    return file


def parts(recording):
    if isinstance(recording, xr.Dataset):
        return {"/": recording}
    return {node.path: node.to_dataset(inherit=False) for node in recording.subtree}


def identical(a, b):
    a, b = parts(a), parts(b)
    assert list(a) == list(b)
    for path in a:
        xr.testing.assert_identical(a[path], b[path])
        for name, variable in a[path].variables.items():
            assert variable.dtype == b[path][name].dtype, name


def saved(recording, folder, suffixes=(".nc",)):
    """Save and load in the formats that hold the recording."""
    for suffix in suffixes:
        path = folder / f"a{suffix}"
        nd.save(path, recording, overwrite=True)
        identical(recording, nd.load(path))
    for part in parts(recording).values():
        if "spike_time" in part:
            identical(part, from_nwb(to_nwb(part, folder / "a.nwb", overwrite=True)))
            identical(part, from_neo(to_neo(part)))


@pytest.mark.filterwarnings("ignore:EnumData is experimental")
class TestTypes:
    """Each kind of column that a file can hold."""

    def session(self):
        file = nwbfile()
        device = file.create_device(name="probe")
        for shank, place in enumerate(("V1", "V4")):
            group = file.create_electrode_group(
                f"shank{shank}", description="d", location=place, device=device
            )
            for k in range(2):
                file.add_electrode(
                    id=10 * shank + k, group=group, location=f"{place}{k}", x=float(k), y=1.0, z=2.0
                )
        for name, index in (("position", False), ("spike_amplitude", True), ("quality", False)):
            file.add_unit_column(name, name, index=index)
        wave = np.zeros((3, 5, 2))
        wave[:, 2] = [[1e-6, 3e-6], [3e-6, 1e-6], [1e-6, 2e-6]]
        for u in range(3):
            file.add_unit(
                spike_times=[0.5, 0.1, 0.9][: u + 1], spike_amplitude=[5.0, 1.0, 9.0][: u + 1],
                position=[0.0, 1.0, u], quality=["good", "mua", "good"][u], waveform_mean=wave[u],
                electrodes=[[0, 1], [0, 1], [2, 3]][u],
            )  # fmt: skip
        file.units.waveform_rate = 1000.0
        file.add_trial_column("outcome", "what happened", enum=True)
        file.add_trial_column("lick_times", "licks", index=True)
        file.add_trial_column("lick_side", "side of each", index=True)
        file.add_trial_column("runs", "steps of runs", index=2)
        for name in ("go_time", "cue", "rewarded", "count", "quality", "contrast"):
            text = {"cue": "time of the cue [ms]", "contrast": "of both sides"}.get(name, name)
            file.add_trial_column(name, text)
        file.add_trial_column("electrode", "stimulated", table=file.electrodes)
        for k, outcome in enumerate(["hit", "miss", "hit"]):
            file.add_trial(
                start_time=float(k), stop_time=k + 0.5, outcome=outcome, lick_times=[0.1] * k,
                lick_side=["l", "r"][:k], runs=[[1, 2], [3]][: k % 2 + 1], go_time=k, cue=100.0 * k,
                rewarded=k == 1, count=[1.0, np.nan, 3.0][k], quality=k, contrast=[0.5, k],
                electrode=3 - k, tags=["a"] * (k % 2),
            )  # fmt: skip
        return file

    def test_all_come_as_pynwb_has_them_and_are_kept(self, tmp_path):
        path = written(self.session(), tmp_path / "in.nwb")
        ds = read(path)
        labels.check(ds)
        with NWBHDF5IO(str(path), "r") as io, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = io.read()
            trials, units = file.trials.to_dataframe(), file.units.to_dataframe()
        assert ds.outcome.values.tolist() == trials.outcome.tolist() == ["hit", "miss", "hit"]
        for name, fill in (("lick_times", 1e3), ("lick_side", 1), ("tags", 1)):
            for k, own in enumerate(trials[name]):
                n = int(ds[f"n_{name}"][k])
                expected = [v * fill for v in own]
                assert (n, ds[name][k].values[:n].tolist()) == (len(own), expected)
        assert np.isnan(ds.lick_times[1, 1:]).all()
        np.testing.assert_array_equal(ds.runs[1], [[1, 2], [3, np.nan]])
        assert ds.n_runs.values.tolist() == [1, 2, 1]
        assert ds.n_runs_2.values.tolist() == [[2, 0], [2, 1], [2, 0]]
        assert (ds.go_time.attrs["units"], ds.go_time.values.tolist()) == ("ms", [0, 1e3, 2e3])
        assert (ds.cue.attrs["units"], ds.cue.values.tolist()) == ("ms", [0, 100, 200])
        assert ds.rewarded.dtype == bool
        np.testing.assert_array_equal(ds["count"], trials["count"])
        assert ds.contrast.dims == ("trial", "contrast_index")
        assert ds.electrode.values.tolist() == [11, 10, 1]  # ids of rows 3, 2, 1
        assert (ds.unit_quality.values[1], ds.trial_quality.values[1]) == ("mua", 1)
        np.testing.assert_array_equal(ds.position, np.stack(units.position))
        np.testing.assert_allclose(ds.waveform_mean, np.stack(units.waveform_mean) * 1e3)
        assert ds.waveform_mean.dims == ("unit", "waveform_sample", "waveform_channel")
        assert ds.waveform_time.values.tolist() == [0, 1, 2, 3, 4]
        # The electrode with the largest waveform, and all of them.
        assert ds.electrode_id.values.tolist() == [1, 0, 11]
        assert ds.area.values.tolist() == ["V11", "V10", "V41"]
        assert (ds.x.values.tolist(), ds.x.attrs["units"]) == ([1, 0, 1], "um")
        assert ds.group.values.tolist() == ["shank0", "shank0", "shank1"]
        assert ds.electrodes.values.tolist() == [[0, 1], [0, 1], [10, 11]]
        # Spikes are sorted by time, and their values with them.
        np.testing.assert_allclose(ds.spike_time[-3:], [100, 500, 900])
        assert ds.spike_amplitude[-3:].values.tolist() == [1, 5, 9]
        assert "not_read" not in ds.attrs
        saved(ds, tmp_path, (".nc", ".zarr"))
        cut = read(path, align_event="go_time", window=(0, 400))
        np.testing.assert_array_equal(cut.lick_times, ds.lick_times)
        assert cut.waveform_mean.dims == ds.waveform_mean.dims
        saved(cut, tmp_path)
        with pytest.raises(LabelError, match="spike times: bin them first"):
            analysis.pca(ds)

    @given(st.data())
    @settings(
        deadline=None, max_examples=3, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def test_tables_of_any_kind(self, tmp_path, data):
        kinds = {
            "float": st.floats(), "int": st.integers(-(2**53), 2**53), "bool": st.booleans(),
            "str": WORDS,
        }  # fmt: skip
        n = data.draw(st.integers(1, 4))
        names = st.sampled_from(
            ["a", "b_time", "unit", "trial", "time", "n_a", "a_index", "spike_unit", "window"]
        )
        file, tables = with_units([0.1], [0.2]), {}
        for name in data.draw(st.lists(names, unique=True, max_size=5)):
            kind = data.draw(st.sampled_from(sorted(kinds)))
            ragged = data.draw(st.booleans()) and not name.endswith("_index")
            cell = st.lists(kinds[kind], max_size=3) if ragged else kinds[kind]
            values = data.draw(st.lists(cell, min_size=n, max_size=n))
            if ragged and not any(values):
                continue
            tables[name] = values
            file.add_trial_column(name, "of any kind", index=ragged)
        for k in range(n):
            row = {name: values[k] for name, values in tables.items()}
            file.add_trial(start_time=float(k), stop_time=k + 1.0, **row)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = from_nwb(file)
        assert "not_read" not in ds.attrs
        reserved = {"unit", "trial", "time", "spike_unit", "window"}
        for name, values in tables.items():
            column = ds[f"{name}_" if name in reserved else name]
            factor = 1e3 if name in ("b_time", "time") and column.dtype == float else 1
            if isinstance(values[0], list):
                got = [column.values[k][: len(own)] for k, own in enumerate(values)]
                got, values = np.concatenate(got), np.concatenate(values)
                values = [v for own in tables[name] for v in own]
            else:
                got = column.values
            kept = np.array(values, dtype=None if got.dtype.kind == "U" else got.dtype)
            np.testing.assert_array_equal(got, kept * factor if factor != 1 else kept)
        saved(ds, tmp_path, (".nc", ".zarr"))


class TestObservation:
    def test_units_have_gaps_of_their_own(self, tmp_path):
        file = nwbfile()
        file.add_unit(spike_times=[0.1, 2.5], obs_intervals=[[0.0, 1.0], [2.0, 3.0]])
        file.add_unit(spike_times=[0.2, 1.5, 3.0], obs_intervals=[[0.0, 3.0]])
        ds = from_nwb(written(file, tmp_path / "a.nwb"))
        # Two spikes in 2 s; three in 3 s, one of them at the very stop.
        np.testing.assert_allclose(analysis.firing_rate(ds), [1.0, 1.0])
        np.testing.assert_allclose(ds.attrs["window"], [0, 3000])
        assert [len(own) for own in spikes.observed_intervals(ds)] == [2, 1]
        assert "not_read" not in ds.attrs
        saved(ds, tmp_path)

    def test_invalid_times_are_a_gap_of_all(self, tmp_path):
        file = with_units([0.5, 1.5, 5.0, 8.5, 9.5])
        for k in range(5):
            file.add_trial(start_time=2.0 * k, stop_time=2.0 * k + 1)
        file.add_invalid_time_interval(start_time=3.0, stop_time=7.0, tags=["noise"])
        path = written(file, tmp_path / "a.nwb")
        with pytest.warns(UserWarning, match="1 spikes of 1 units in invalid_times"):
            tree = read(path)
        assert tree.attrs["not_read"] == ["units/spike_times: 1 spikes of 1 units in invalid_times"]
        assert tree["intervals/invalid_times"]["tags"].values.tolist() == [["noise"]]
        ds = tree["spikes"].to_dataset()
        np.testing.assert_allclose(analysis.firing_rate(ds), 4 / 5.5)
        assert ds.trial.values.tolist() == [0, 1, 2, 3, 4]
        labels.check(tree)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(LabelError, match=r"trials 2 .*, 3 "):
                read(path, align_event="start_time", window=(0, 1000))
            cut = read(path, align_event="start_time", window=(0, 1000), invalid="drop")
        assert cut.trial.values.tolist() == [0, 1, 4]
        assert spikes.bin(cut, bin_width=1000.0).spike_count.values.ravel().tolist() == [1, 0, 1]

    def test_what_is_not_said(self):
        file = nwbfile()
        for own, seen in (([0.5], [[0.0, 1.0], [2.0, 5.0]]), ([2.5], []), ([1.5, 7.0], [])):
            file.add_unit(spike_times=own, obs_intervals=np.reshape(seen, (-1, 2)))
        with pytest.warns(UserWarning, match=r"when unit 1, 2 was observed .* 2000 to 5000 ms"):
            ds = from_nwb(file)
        np.testing.assert_allclose(
            np.concatenate(spikes.observed_intervals(ds)),
            [[0, 1e3], [2e3, 5e3], [0, 1e3], [2e3, 5e3], [0, 7e3]],
        )

    @pytest.mark.parametrize(
        ("times", "seen", "match"),
        [
            ([0.5, 6.0], [[0.0, 5.0]], r"unit 7 has 1 of 2 .*obs_intervals.* 6000 ms.* 0 to 5000"),
            ([0.5, 3.0], [[0.0, 2.0], [5.0, 8.0]], r"unit 7 .* first at 3000 ms"),
            ([0.5], [[5.0, 0.0]], r"unit 7 has the obs_intervals 5000 to 0 ms"),
            ([0.5], [[0.0, np.nan]], r"unit 7 .*must be finite"),
        ],
    )
    def test_spikes_that_were_not_observed(self, times, seen, match):
        file = nwbfile()
        file.add_unit(id=7, spike_times=times, obs_intervals=seen)
        with pytest.raises(LabelError, match=match):
            from_nwb(file)

    def test_rounding_at_an_edge_is_no_mistake(self):
        file, start = nwbfile(), 1.6e9
        edges = np.array([start, start + 0.3])
        file.add_unit(spike_times=np.add(edges, [-2e-7, 2e-7]), obs_intervals=[edges])
        np.testing.assert_allclose(analysis.firing_rate(from_nwb(file)), 2 / 0.3, rtol=1e-4)


class TestNamesAndPlaces:
    def test_nothing_is_overwritten_or_lost(self, tmp_path):
        taken = (
            "unit",
            "trial",
            "time",
            "spike_time",
            "unit_key",
            "window",
            "unit_id",
            "valid_until",
        )
        columns = {name: ["p", "q", "r"] for name in (*taken, "side")}
        file = with_units([0.1], [0.2], [], **columns)
        file.units.id.data[:] = [5, 5, 3]
        for name in (*taken, "side", "start"):
            file.add_trial_column(name, name)
        for k in range(2):
            row = dict.fromkeys((*taken, "side", "start"), k)
            file.add_trial(start_time=float(k), stop_time=k + 1.0, id=9 - k, **row)
        ds = read(written(file, tmp_path / "a.nwb"))
        labels.check(ds)
        assert ds.unit.values.tolist() == [0, 1, 2]
        assert ds.unit_id.values.tolist() == [5, 5, 3]
        assert ds.spike_unit.values.tolist() == [0, 1]
        assert ds.trial.values.tolist() == [9, 8]
        for name in ("side", *(f"{name}_" for name in taken)):
            assert ds[f"unit_{name}"].values.tolist() == ["p", "q", "r"]
            factor = 1e3 if name in ("time_", "spike_time_") else 1
            assert ds[f"trial_{name}"].values.tolist() == [0, factor]
        assert ds.start.values.tolist() == [0, 1]
        saved(ds, tmp_path)

    def test_tables_in_every_place(self, tmp_path):
        from hdmf.common import DynamicTable, VectorData

        file = with_units([0.1])
        file.add_trial_column("side", "s")
        file.add_trial(start_time=0.0, stop_time=1.0, side="l")
        file.add_epoch(start_time=0.0, stop_time=2.0, tags=["a", "b"])
        module = file.create_processing_module("behavior", "b")
        bouts = TimeIntervals(name="bouts", description="b")
        bouts.add_row(start_time=1.0, stop_time=2.0)
        module.add(bouts)
        sorted_again = Units(name="sorted", description="again")
        sorted_again.add_unit(spike_times=[0.7, 0.8])
        module.add(sorted_again)
        empty = TimeIntervals(name="nothing", description="n")
        file.add_time_intervals(empty)
        for place, values in ((module.add, [1, 2]), (file.add_scratch, ["x", "y", "z"])):
            column = VectorData(name="gain", description="g", data=values)
            place(DynamicTable(name="rig", description="r", columns=[column]))
        tree = read(written(file, tmp_path / "a.nwb"))
        labels.check(tree)
        nodes = {path for path, ds in parts(tree).items() if ds.variables}
        assert nodes == {
            "/spikes", "/spikes_sorted", "/intervals/trials", "/intervals/epochs",
            "/intervals/bouts", "/tables/behavior_rig", "/tables/scratch_rig",
        }  # fmt: skip
        assert tree["tables/scratch_rig/gain"].values.tolist() == ["x", "y", "z"]
        np.testing.assert_allclose(tree["spikes_sorted"].spike_time, [700, 800])
        assert tree["intervals/bouts"].start_time.values.tolist() == [1000]
        assert tree.attrs["not_read"] == ["intervals/nothing: has no rows"]
        nd.save(tmp_path / "a.nc", tree)
        identical(tree, nd.load(tmp_path / "a.nc"))
        # Columns of one name are kept apart when the table of trials is chosen.
        cut = read(tmp_path / "a.nwb", align_event="start_time", window=(0, 500), trials="trials")
        assert cut.side.values.tolist() == ["l"]

    def test_facts_about_session_and_subject(self, tmp_path):
        born = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
        subject = Subject(
            subject_id="m1", age="P90D", sex="F", species="Mus musculus", genotype="wt",
            date_of_birth=born, description="small",
        )  # fmt: skip
        file = with_units([1.6e9 + 0.25], file=nwbfile(
            subject=subject, experimenter=["A, B", "C, D"], keywords=["k"], lab="lab",
            related_publications=["doi:1"], timestamps_reference_time=born,
        ))  # fmt: skip
        file.add_trial(start_time=1.6e9, stop_time=1.6e9 + 1)
        ds = read(written(file, tmp_path / "a.nwb"))
        about = {
            "subject_id": "m1", "age": "P90D", "sex": "F", "species": "Mus musculus",
            "genotype": "wt", "date_of_birth": "2019-01-01T00:00:00+00:00",
            "subject_description": "small", "experimenter": ["A, B", "C, D"], "keywords": ["k"],
            "related_publications": ["doi:1"], "lab": "lab",
            "session_start_time": "2020-01-01T00:00:00+00:00",
            "timestamps_reference_time": "2019-01-01T00:00:00+00:00",
        }  # fmt: skip
        assert {name: ds.attrs[name] for name in about} == about
        assert ds.start_time.values.tolist() == [1.6e12]
        saved(ds, tmp_path)
        cut = read(tmp_path / "a.nwb", align_event="start_time", window=(0, 500))
        np.testing.assert_allclose(cut.spike_time, [250.0])

    def test_what_cannot_be_kept_is_listed(self, tmp_path):
        file = with_units([0.1])
        file.add_acquisition(nwb_series := series())
        file.add_trial_column("image", "too many numbers", index=True)
        file.add_trial(start_time=0.0, stop_time=1.0, image=[1], timeseries=[nwb_series])
        file.add_trial(start_time=0.0, stop_time=1.0, image=[2**62 + 1, 1], timeseries=[nwb_series])
        tree = read(written(file, tmp_path / "a.nwb"))
        assert tree.attrs["not_read"] == [
            "intervals/trials/image: ragged, with whole numbers too large for padding by NaN",
        ]

    def test_references_to_parts_of_series(self, tmp_path):
        """Trials say which samples of which series were theirs, as recordings of cells do."""
        file = with_units([0.1])
        file.add_acquisition(speed := series())
        for start in (0.0, 0.4, 0.6):
            part = [speed, speed] if start == 0.4 else [speed]
            file.add_trial(start_time=start, stop_time=start + 0.3, timeseries=part)
        spikes_ = read(written(file, tmp_path / "a.nwb"))["spikes"]
        assert spikes_.timeseries.values.tolist() == [["speed", ""], ["speed"] * 2, ["speed", ""]]
        first, n = spikes_.timeseries_first_sample, spikes_.timeseries_n_samples
        np.testing.assert_array_equal(first, [[0, np.nan], [4, 4], [6, np.nan]])
        np.testing.assert_array_equal(n, [[3, np.nan], [3, 3], [3, np.nan]])
        assert spikes_.n_timeseries.values.tolist() == [1, 2, 1]


def series():
    from pynwb import TimeSeries

    return TimeSeries(name="speed", data=np.arange(10.0), unit="m/s", rate=10.0)
