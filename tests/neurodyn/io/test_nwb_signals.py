"""Signals of NWB files are what pynwb says, under names and clocks that are right."""

import datetime
import tracemalloc
import warnings

import h5py
import numpy as np
import pytest
import xarray as xr

from neurodyn import labels
from neurodyn.io import from_nwb, read, to_neo
from neurodyn.io.parts import distinct, unit_of
from neurodyn.labels import LabelError

pynwb = pytest.importorskip("pynwb")
behavior, ecephys, image = pynwb.behavior, pynwb.ecephys, pynwb.image
misc, ophys, icephys = pynwb.misc, pynwb.ophys, pynwb.icephys

POSIX = 1.6e9


def new_file():
    return pynwb.NWBFile(
        session_description="test",
        identifier="test",
        session_start_time=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    )


def written(file, path):
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def probe(file, n=4):
    device = file.create_device(name="probe")
    group = file.create_electrode_group(name="shank", description="g", location="V1", device=device)
    for i in range(n):
        file.add_electrode(id=10 + i, group=group, location=f"V{i}", x=float(i), y=0.0, z=20.0 * i)
    return lambda rows, name="electrodes": file.create_electrode_table_region(
        region=rows, description="some", name=name
    )


def a_session(path):
    """A file with a series of every kind in every place."""
    rng = np.random.default_rng(0)
    file, raw = new_file(), rng.integers(-1000, 1000, (100, 3)).astype(np.int16)
    on = probe(file)
    file.add_unit(spike_times=[0.1, 1.2])
    file.add_trial(start_time=0.0, stop_time=0.8)
    file.add_trial(start_time=1.0, stop_time=1.8)

    def add(series):
        file.add_acquisition(series)

    def electrical(name, data, rows, **scale):
        return ecephys.ElectricalSeries(
            name=name, data=data, electrodes=on(rows), rate=1000.0, **scale
        )

    add(electrical("lfp", raw, [3, 0, 2], conversion=1e-6, description="broad band"))
    gains = {"conversion": 1e-6, "channel_conversion": [1.0, 2.0, -0.5], "offset": 1e-4}
    add(electrical("gains", raw, [0, 1, 2], **gains))
    add(electrical("one", raw[:, 0], [1], conversion=1.95e-13, channel_conversion=[2.0]))
    ephys = file.create_processing_module(name="ecephys", description="e")
    ephys.add(ecephys.LFP(electrical_series=[electrical("lfp", raw * 1.0, [0, 1, 2])]))
    ephys.add(ecephys.FilteredEphys(electrical_series=[electrical("lfp", raw * 2.0, [0, 1, 1])]))
    bands = misc.DecompositionSeries(
        name="bands", data=rng.normal(size=(20, 3, 2)), metric="power", rate=10.0, unit="V",
        source_channels=on([0, 1, 2], "source_channels"),
    )  # fmt: skip
    bands.add_band(band_name="theta", band_limits=(4.0, 8.0))
    bands.add_band(band_name="gamma", band_limits=(30.0, 80.0))
    ephys.add(bands)

    moves = file.create_processing_module(name="behavior", description="e")
    place = behavior.SpatialSeries(
        name="place", data=rng.normal(size=(50, 2)), rate=25.0, reference_frame="corner"
    )
    moves.add(behavior.Position(spatial_series=place))
    pupil = pynwb.TimeSeries(name="pupil", data=rng.normal(size=50), rate=25.0, unit="mm")
    moves.add(behavior.PupilTracking(time_series=pupil))
    kinds = np.array([1, -1, 2, -2], np.int8)
    runs = misc.IntervalSeries(name="run", data=kinds, timestamps=[0.1, 0.5, 0.6, 0.9])
    moves.add(behavior.BehavioralEpochs(interval_series=runs))
    add(misc.IntervalSeries(name="trials", data=kinds[:2], timestamps=[0.1, 0.5]))
    add(misc.IntervalSeries(name="open", data=kinds[:3], timestamps=[0.1, 0.5, 0.7]))
    add(misc.AnnotationSeries(name="notes", data=["drug", "wash"], timestamps=[0.2, 0.2]))

    device = file.devices["probe"]
    pipette = file.create_icephys_electrode(name="pipette", description="x", device=device)
    current = rng.normal(size=20) * 1e-12
    add(icephys.VoltageClampSeries(
        name="vc", data=current, electrode=pipette, gain=0.5, rate=1e4
    ))  # fmt: skip
    add(icephys.CurrentClampSeries(
        name="cc", data=raw[:, 0].astype(np.int32), electrode=pipette, gain=0.02, rate=1e4,
        conversion=1.7e-5, bridge_balance=1e7,
    ))  # fmt: skip
    plane = file.create_imaging_plane(
        name="plane", description="d", device=device, excitation_lambda=600.0, indicator="G",
        location="V1", imaging_rate=30.0,
        optical_channel=ophys.OpticalChannel(name="oc", description="d", emission_lambda=500.0),
    )  # fmt: skip
    found = ophys.ImageSegmentation()
    cells = found.create_plane_segmentation(name="cells", description="d", imaging_plane=plane)
    for i in range(3):
        cells.add_roi(image_mask=np.ones((2, 2)), id=20 + i)
    optics = file.create_processing_module(name="ophys", description="e")
    optics.add(found)
    rois = cells.create_roi_table_region(region=[2, 0], description="r")
    dff = ophys.RoiResponseSeries(
        name="dff", data=rng.normal(size=(30, 2)), rois=rois, unit="n.a.", rate=30.0
    )
    optics.add(ophys.DfOverF(roi_response_series=dff))

    features = {"features": ["angle", "contrast"], "feature_units": ["deg", "1"]}
    file.add_stimulus(misc.AbstractFeatureSeries(
        name="grating", data=rng.normal(size=(10, 2)), rate=1.0, **features
    ))  # fmt: skip
    add(image.ImageSeries(
        name="movie", data=rng.integers(0, 255, (5, 4, 3)).astype(np.uint8), rate=10.0, unit="1"
    ))  # fmt: skip
    add(image.ImageSeries(
        name="video", external_file=["a.avi"], format="external", timestamps=[1.0, 2.0],
        unit="1", starting_frame=[0],
    ))  # fmt: skip
    add(ecephys.SpikeEventSeries(
        name="snips", data=rng.normal(size=(3, 3, 5)), electrodes=on([0, 1, 2]),
        timestamps=[0.1, 0.2, 0.3],
    ))  # fmt: skip
    for name, data, unit, more in (
        ("cube", rng.normal(size=(6, 2, 3)), "x", {"rate": 1.0}),
        ("sample", np.array([1.0]), "SIunit", {"timestamps": [5.0]}),
        ("ttl", np.array([True, False, True]), "1", {"rate": 1.0, "conversion": 2.0}),
        ("tiny", np.arange(5.0), "tesla", {"rate": 1.0, "conversion": 1.95e-9}),
        ("uneven", raw[:10, 0], "mv", {"timestamps": np.arange(10.0) ** 2, "offset": -0.25}),
        ("twice", np.ones(3), "1", {"timestamps": [0.3, 0.3, 0.4]}),
        ("nan", np.ones(3), "1", {"timestamps": [0.3, np.nan, 0.4]}),
    ):
        add(pynwb.TimeSeries(name=name, data=data, unit=unit, **more))
    add(pynwb.TimeSeries(
        name="linked", data=np.arange(10.0), unit="A", timestamps=file.acquisition["uneven"]
    ))  # fmt: skip
    return written(file, path)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    path = tmp_path_factory.mktemp("nwb") / "session.nwb"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a_session(path)
        with pynwb.NWBHDF5IO(str(path), "r") as io:
            yield io.read(), read(path)


#: Factors from the units of the file, and ours.
UNITS = {"volts": (1e3, "mV"), "V": (1e3, "mV"), "amperes": (1e12, "pA"), "A": (1e12, "pA")}
UNITS |= {"mv": (1.0, "mV")}
PLACES = {
    ("lfp", "root"): "acquisition_lfp",
    ("lfp", "LFP"): "ecephys_LFP_lfp",
    ("lfp", "FilteredEphys"): "ecephys_FilteredEphys_lfp",
}


def test_every_series_is_what_pynwb_says(session):
    file, tree = session
    labels.check(tree)
    seen = set()
    for series in file.objects.values():
        if not isinstance(series, pynwb.TimeSeries):
            continue
        name = PLACES.get((series.name, series.parent.name), series.name)
        if name not in tree["signals"].children:
            continue
        seen.add(name)
        ds = tree["signals"][name].to_dataset()
        assert ds.attrs["series"] == series.name
        expected, at = series.get_data_in_units(), np.asarray(series.get_timestamps())
        factor, unit = UNITS.get(series.unit, (1.0, series.unit))
        if series.name == "grating":
            assert [v.attrs["units"] for v in ds.data_vars.values()] == ["deg", "1"]
            got = np.stack([ds["angle"], ds["contrast"]], axis=1)
        else:
            (variable,) = ds.data_vars.values()
            assert variable.attrs == variable.attrs | {"units": unit, "long_name": series.name}
            got = variable.values
        np.testing.assert_allclose(got, expected * factor, rtol=2e-7)
        np.testing.assert_allclose(ds.time, at * 1e3, rtol=1e-15)
    assert seen == {
        *PLACES.values(), "gains", "one", "bands", "place", "pupil", "vc", "cc", "dff", "grating",
        "movie", "cube", "sample", "ttl", "tiny", "uneven", "linked",
    }  # fmt: skip
    assert tree["signals/gains"].v.dtype == np.float64  # whole numbers and an offset
    assert tree["signals/acquisition_lfp"].v.dtype == np.float32
    assert tree["signals/acquisition_lfp"].attrs["description"] == "broad band"


def test_what_is_known_of_channels_and_the_rest_is_kept(session):
    _, tree = session
    lfp = tree["signals/acquisition_lfp"]
    assert lfp.channel.values.tolist() == [13, 10, 12]
    assert lfp.area.values.tolist() == ["V3", "V0", "V2"]
    assert lfp.z.values.tolist() == [60.0, 0.0, 40.0]
    assert lfp.group.values.tolist() == ["shank"] * 3
    twice = tree["signals/ecephys_FilteredEphys_lfp"]
    assert twice.channel.values.tolist() == [0, 1, 2]
    assert twice.channel_id.values.tolist() == [10, 11, 11]
    assert tree["signals/one"].channel.item() == 11
    assert tree["signals/place"].channel.values.tolist() == ["x", "y"]
    assert tree["signals/place"].attrs["reference_frame"] == "corner"
    assert tree["signals/dff"].channel.values.tolist() == [22, 20]
    bands = tree["signals/bands"]
    assert bands.v.dims == ("time", "channel", "band")
    assert bands.band.values.tolist() == ["theta", "gamma"]
    assert bands.band_high.values.tolist() == [8.0, 80.0]
    assert tree["signals/movie"]["signal"].dims == ("time", "x", "y")
    assert tree["signals/cube"]["signal"].dims == ("time", "channel", "axis_2")

    run, notes = tree["intervals/run"], tree["events/notes"]
    assert run.start_time.values.tolist() == [100.0, 600.0]
    assert run.stop_time.values.tolist() == [500.0, 900.0]
    assert run.label.values.tolist() == [1, 2]
    assert tree["intervals/trials"].sizes["trial"] == 2  # the table
    assert tree["intervals/acquisition_trials"].sizes["trial"] == 1  # the series
    assert notes.event_time.values.tolist() == [200.0, 200.0]
    assert notes.label.values.tolist() == ["drug", "wash"]

    reasons = dict(each.split(": ", 1) for each in tree.attrs["not_read"])
    for path, reason in {
        "signals/video": "other files (a.avi)",
        "signals/snips": "snippets",
        "signals/twice": "sample 1 is at 0.3 s",
        "signals/nan": "NaN",
        "intervals/open": "do not alternate",
    }.items():
        assert reason in reasons.pop(path)
    assert not reasons


def test_names_of_parts():
    a, b, c = ("acquisition", "x"), ("m", "LFP", "x"), ("m", "EMG", "x")
    assert distinct([a, b, c, ("m", "y")]) == ["acquisition_x", "m_LFP_x", "m_EMG_x", "y"]
    # One has the name in the file that another would get.
    found = distinct([("x",), a, ("m", "acquisition_x")])
    assert found == ["x", "acquisition_x", "m_acquisition_x"]
    assert distinct([a, a]) == ["acquisition_x_0", "acquisition_x_1"]


@pytest.mark.parametrize(
    ("text", "factor", "unit"),
    [
        ("Volts", 1e3, "mV"), ("uV", 1e-3, "mV"), ("mv", 1.0, "mV"), ("micro-volts", 1e-3, "mV"),
        ("kV", 1e6, "mV"), ("MV", 1e9, "mV"), ("nanoamperes", 1e3, "pA"), ("milli Volt", 1.0, "mV"),
        ("Pa", 1.0, "Pa"), ("pa", 1.0, "pa"), ("ms", 1.0, "ms"), ("mS", 1e6, "nS"),
        ("n/a", 1.0, "n/a"), ("a", 1.0, "a"), ("SIunit", 1.0, "SIunit"), ("m/s", 1.0, "m/s"),
    ],
)  # fmt: skip
def test_units_however_they_are_spelled(text, factor, unit):
    assert unit_of(text)[:2] == (pytest.approx(factor, rel=1e-12), unit)


class TestClock:
    @pytest.mark.parametrize("stamped", [False, True])
    @pytest.mark.parametrize("rate", [1250.0, 30000.0, 24414.0625, 1000 / 3])
    def test_posix_seconds_are_even(self, rate, stamped):
        n = 3000
        stamps = POSIX + np.arange(n) / rate
        when = {"timestamps": stamps} if stamped else {"rate": rate, "starting_time": POSIX}
        file = new_file()
        file.add_acquisition(pynwb.TimeSeries(name="x", data=np.arange(n), unit="V", **when))
        ds = from_nwb(file)
        assert labels.clock(ds).step == pytest.approx(1e3 / rate, rel=1e-5)
        np.testing.assert_allclose(ds.time, stamps * 1e3, rtol=0, atol=2 * np.spacing(POSIX * 1e3))
        (signal,) = to_neo(ds).segments[0].analogsignals
        assert float(signal.sampling_rate.rescale("Hz")) == pytest.approx(rate, rel=1e-5)
        # A section is the same samples as a part of the whole, and half-open.
        edges = ds.time.values[[700, 1900]]
        cut = from_nwb(file, window=edges)
        xr.testing.assert_identical(cut, ds.isel(time=slice(700, 1900)))

    def test_a_missing_sample_or_jitter_is_no_rounding(self):
        for change in (lambda t: np.delete(t, 50), lambda t: t + 1e-5 * np.sin(np.arange(t.size))):
            stamps = change(POSIX + np.arange(200) / 1250.0)
            file, data = new_file(), np.ones(stamps.size)
            series = pynwb.TimeSeries(name="x", data=data, unit="V", timestamps=stamps)
            file.add_acquisition(series)
            with pytest.raises(LabelError, match="uneven"):
                labels.clock(from_nwb(file))

    def test_stamps_and_dates_that_are_malformed(self, tmp_path):
        file = new_file()
        for name, rate in (("good", 10.0), ("late", 10.0), ("two", 10.0), ("still", 10.0)):
            file.add_acquisition(
                pynwb.TimeSeries(name=name, data=np.arange(6.0), unit="V", rate=rate)
            )
        on = probe(file)
        with pytest.warns(UserWarning, match="transposed"):
            file.add_acquisition(ecephys.ElectricalSeries(
                name="turned", data=np.ones((4, 100)), electrodes=on([0, 1, 2, 3]), rate=10.0
            ))  # fmt: skip
        path = written(file, tmp_path / "a.nwb")
        with h5py.File(path, "r+") as raw:
            for name, stamps in (("late", np.arange(5.0)), ("two", np.ones((2, 6)))):
                del raw[f"acquisition/{name}/starting_time"]
                raw[f"acquisition/{name}/timestamps"] = stamps
                raw[f"acquisition/{name}/timestamps"].attrs.update(unit="seconds", interval=1)
            raw["acquisition/still/starting_time"].attrs["rate"] = 0.0
            del raw["session_start_time"]
            raw["session_start_time"] = "2020-01-01T10:00:00"
        ds = read(path)
        assert ds.attrs["series"] == "good"
        assert ds.attrs["session_start_time"] == "2020-01-01T10:00:00"  # in no time zone
        reasons = dict(each.split(": ", 1) for each in ds.attrs["not_read"])
        assert "5 time stamps for 6 samples" in reasons["signals/late"]
        assert "got (2, 6)" in reasons["acquisition/two"]  # pynwb refuses it
        assert "0 Hz" in reasons["signals/still"]
        assert "transposed" in reasons["signals/turned"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """300 MB of int16 that take no room, with a few numbers."""
    path = tmp_path_factory.mktemp("large") / "large.nwb"
    file, (n, c) = new_file(), (3_000_000, 50)
    file.add_unit(spike_times=[0.1, 50.0, 99.0])
    options = {"compression": "gzip", "maxshape": (None, c), "chunks": (1000, c)}
    data = pynwb.H5DataIO(np.zeros((1000, c), np.int16), **options)
    file.add_acquisition(
        pynwb.TimeSeries(name="raw", data=data, unit="volts", rate=30000.0, conversion=1e-6)
    )
    written(file, path)
    with h5py.File(path, "r+") as raw:
        stored = raw["acquisition/raw/data"]
        stored.resize((n, c))
        stored[1_500_000:1_500_010] = np.arange(500).reshape(10, 50)
        stored[-1] = 7
    return path


def peak(call):
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


class TestLarge:
    def test_a_section_costs_its_size(self, large):
        read(large, signals=False)  # what pynwb imports and caches
        cut, used = peak(lambda: read(large, window=(50e3, 51e3), channels=[3, 1]))
        assert used < 60
        assert cut["signals/raw"].v.shape == (30_000, 2)
        np.testing.assert_allclose(cut["signals/raw"].v[:2], [[3e-3, 1e-3], [53e-3, 51e-3]])
        assert cut["signals/raw"].time.values[0] == 50e3
        assert cut["spikes"].spike_time.values.tolist() == [50e3]
        assert cut["spikes"].attrs["window"] == [50e3, 51e3]

    def test_lazy(self, large):
        lazy, used = peak(lambda: read(large, signals=["raw"], lazy=True)["signals/raw"])
        assert used < 200  # 3 million times, checked
        assert lazy.v.chunks is not None
        with h5py.File(large, "r+"):  # fails if a reader holds the file open
            pass
        part, used = peak(lambda: lazy.v.isel(time=slice(1_500_000, 1_500_010)).compute())
        assert used < 150  # one chunk
        np.testing.assert_allclose(part, np.arange(500).reshape(10, 50) * 1e-3, rtol=2e-7)
        assert lazy.v[-1, 0].compute() == np.float32(7e-3)
        few = read(large, window=(99.9e3, np.inf), channels=4, lazy=True)
        assert few.attrs["not_read"][0].startswith("spikes: no unit was observed from 99900")
        assert few.v.shape == (3000, 1)
        np.testing.assert_allclose(few.v.values[-2:], [[0.0], [7e-3]], rtol=1e-6)

    def test_the_default_is_by_size(self, large, monkeypatch):
        monkeypatch.setattr("neurodyn.io.stored.LARGE", 1 << 29)
        assert read(large)["signals/raw"].v.chunks is not None
        assert read(large, window=(0, 100))["signals/raw"].v.chunks is None


def test_trials_and_signals_of_a_session(session):
    file, _ = session
    both = from_nwb(
        file, align_event="start_time", window=(0, 50), trials="trials", invalid="drop",
        signals="pupil",
    )  # fmt: skip
    assert set(both.children) == {"spikes", "signals"}
    assert both["signals/pupil"]["signal"].dims == ("trial", "time")
