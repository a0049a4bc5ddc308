"""neo: Blocks both ways, and files of the formats that neo reads."""

import warnings
from datetime import datetime

import neo
import numpy as np
import pytest
import quantities as pq
import xarray as xr

import neurodyn as nd
from neurodyn import labels, spikes
from neurodyn.io import from_neo, read, to_neo
from neurodyn.io.neo.partly import load_partly
from neurodyn.io.select import select
from neurodyn.io.selection import Selection
from neurodyn.labels import LabelError
from tests.neurodyn.io.test_nwb import identical


def train(times, start, stop, unit=pq.ms, **about):
    return neo.SpikeTrain(np.array(times) * unit, t_start=start, t_stop=stop, **about)


def analog(values, unit, name, start=0.0, **about):
    values = np.asarray(values, float) * unit
    return neo.AnalogSignal(
        values, sampling_rate=1 * pq.kHz, t_start=start * pq.s, name=name, **about
    )


def segment_of(*objects):
    segment = neo.Segment()
    for each in objects:
        segment.add(each)
    return segment


def block_of(*segments):
    block = neo.Block()
    block.segments.extend([segment_of(*objects) for objects in segments])
    return block


class TestSpikes:
    def test_round_trip(self, recording, in_trials):
        for ds in (recording, in_trials):
            identical(ds, from_neo(to_neo(ds)))

    def test_round_trip_through_a_file(self, in_trials, tmp_path):
        pytest.importorskip("nixio")
        with neo.io.NixIO(str(tmp_path / "a.nix"), mode="ow") as io:
            io.write_block(to_neo(in_trials))
        identical(in_trials, read(tmp_path / "a.nix"))

    def test_what_neo_users_see(self, recording):
        block = to_neo(recording)
        train = block.segments[0].spiketrains[0]
        assert train.units == pq.ms
        assert train.t_stop.rescale(pq.s) == 10.0
        assert train.annotations["area"] == "PFC"
        np.testing.assert_array_equal(train.magnitude, spikes.times(recording)[0])

    def test_units_and_annotations_of_others(self):
        segment = neo.Segment()
        for name, area in (("a", "V1"), ("b", "V4")):
            train = neo.SpikeTrain(
                [1.0, 2.0] * pq.s, t_start=0.5 * pq.s, t_stop=3 * pq.s, name=name
            )
            train.annotate(area=area, ignored=[1, 2])
            segment.spiketrains.append(train)
        ds = from_neo(segment)
        np.testing.assert_array_equal(ds.spike_time, [1000.0, 2000.0] * 2)
        assert ds.attrs["window"] == [500.0, 3000.0]
        assert ds.area.values.tolist() == ["V1", "V4"]
        assert ds.unit_id.values.tolist() == ["a", "b"]
        labels.check(ds)

    @pytest.mark.parametrize("shared_clock", [True, False])
    def test_segments_are_trials(self, shared_clock):
        block = neo.Block()
        for k in range(3):
            start = k * 10.0 if shared_clock else 0.0
            segment = neo.Segment()
            segment.spiketrains.append(
                neo.SpikeTrain(
                    [start + 1 + k] * pq.s, t_start=start * pq.s, t_stop=(start + 5) * pq.s
                )
            )
            block.segments.append(segment)
        ds = from_neo(block)
        np.testing.assert_array_equal(ds.spike_time, [1000.0, 2000.0, 3000.0])
        assert ds.spike_trial.values.tolist() == [0, 1, 2]
        assert ds.attrs["window"] == [0.0, 5000.0]
        assert ("start_time" in ds.coords) == shared_clock
        labels.check(ds)

    def test_segments_of_different_length(self):
        block = neo.Block()
        for stop in (5.0, 3.0):
            segment = neo.Segment()
            segment.spiketrains.append(neo.SpikeTrain([1.0] * pq.s, t_stop=stop * pq.s))
            block.segments.append(segment)
        counts = spikes.bin(from_neo(block), bin_width=1000.0)
        assert counts.n_valid.values.tolist() == [5, 3]

    def test_segments_that_do_not_fit(self):
        block = neo.Block()
        for n in (1, 2):
            segment = neo.Segment()
            for _ in range(n):
                segment.spiketrains.append(neo.SpikeTrain([1.0] * pq.s, t_stop=5 * pq.s))
            block.segments.append(segment)
        with pytest.raises(LabelError, match="different spike trains"):
            from_neo(block)

    def test_units_with_times_of_their_own(self):
        """Rates count the time that each unit was observed."""
        ds = from_neo(segment_of(train([200.0, 900.0], 0, 1000), train([0.6, 0.9], 0.5, 1, pq.s)))
        np.testing.assert_array_equal(nd.analysis.firing_rate(ds), [2.0, 4.0])
        assert ds.observed_start.values.tolist() == [0.0, 500.0]
        edges = [(t.t_start.item(), t.t_stop.item()) for t in to_neo(ds).segments[0].spiketrains]
        assert edges == [(0.0, 1000.0), (500.0, 1000.0)]
        identical(ds, from_neo(to_neo(ds)))
        # The same in each of several segments: 3 spikes in 2 s, and 3 in 1.9 s.
        several = [
            [train([1], 0, 1000, name="a"), train([1, 2], 0, 1000, name="b")],
            [train([1, 950], 0, 1000, name="a"), train([1], 0, 900, name="b")],
        ]
        ds = from_neo(block_of(*several))
        np.testing.assert_allclose(nd.analysis.firing_rate(ds), [1.5, 3 / 1.9])
        counts = spikes.bin(ds, bin_width=500.0).spike_count.values
        np.testing.assert_array_equal(counts, [[[1, 2], [0, 0]], [[1, 1], [1, np.nan]]])

    @pytest.mark.parametrize(
        "names",
        [[{"name": "a"}, {"name": "b"}], [{"channel": 1, "id": 0}, {"channel": 2, "id": 0}]],
    )
    def test_units_are_matched_by_name_or_id(self, names):
        """In any order, with segments that lack one or all of them."""
        a = lambda: train([1.0], 0, 10, rate=1.5, snr=2, **names[0])  # noqa: E731
        b = lambda k: train([2.0, 3.0], 0, 10, snr=k, **names[1])  # noqa: E731
        block = block_of([a(), b(1)], [b(2), a()], [b(3)], [])
        for segment, contrast in zip(block.segments, (0.1, 0.2, 0.5, 1.0), strict=True):
            segment.annotate(contrast=contrast, unit="x")
        ds = from_neo(block)
        labels.check(ds)
        pairs = list(zip(ds.spike_unit.values, ds.spike_trial.values, strict=True))
        assert pairs == [(0, 0), (1, 0), (1, 0), (0, 1), (1, 1), (1, 1), (1, 2), (1, 2)]
        assert ds.observed.values.tolist() == [[1, 1], [1, 1], [0, 1], [0, 0]]
        np.testing.assert_array_equal(nd.analysis.firing_rate(ds), [100.0, 200.0])
        np.testing.assert_array_equal(ds.rate, [1.5, np.nan])
        assert ds.contrast.values.tolist() == [0.1, 0.2, 0.5, 1.0]
        assert ds.unit_.values.tolist() == ["x"] * 4
        again = to_neo(ds)
        assert [len(segment.spiketrains) for segment in again.segments] == [2, 2, 1, 0]
        identical(ds, from_neo(again))
        noted = "annotation 'snr' of spike trains: differs between segments"
        assert ds.attrs["not_read"] == [noted]

    def test_epochs_and_events_of_several_segments(self):
        """Those of the whole Block are read once, those on the clocks of segments are joined."""
        block = block_of([train([1.0], 0, 10)], [train([2.0], 0, 10)])
        for k, segment in enumerate(block.segments):
            drug = neo.Event(
                [3.0] * pq.min, labels=["drug"], name="tag", array_annotations={"a": [1]}
            )
            segment.events.extend([drug, neo.Event([5.0, 6.0 + k] * pq.ms, name="lick")])
            times = [1.0, 4.0] * pq.ms
            epoch = neo.Epoch(times, [1.0, 2.0] * pq.ms, labels=["x", "y"], name="odour")
            epoch.array_annotate(time=[7, 8])
            segment.epochs.append(epoch)
        ds = from_neo(block)
        assert ds["events/tag"].event_time.values.tolist() == [180_000.0]
        assert ds["events/tag"].label.values.tolist() == ["drug"]
        assert ds["events/lick"].event_time.values.tolist() == [5.0, 6.0, 5.0, 7.0]
        assert ds["events/lick"].segment.values.tolist() == [0, 0, 1, 1]
        assert ds["intervals/odour"].stop_time.values.tolist() == [2.0, 6.0] * 2
        assert ds["intervals/odour"].time_.values.tolist() == [7, 8, 7, 8]

    def test_epochs_and_events_become_tables(self):
        segment = neo.Segment()
        segment.spiketrains.append(neo.SpikeTrain([1.0] * pq.s, t_stop=5 * pq.s))
        segment.epochs.append(
            neo.Epoch(
                [1.0, 2.0] * pq.s, [500.0, 600.0] * pq.ms,
                labels=np.array(["l", "r"]), name="trials",
                array_annotations={"coherence": [0.1, 0.5]},
            )
        )  # fmt: skip
        segment.events.append(neo.Event([1.5] * pq.s, labels=np.array(["go"]), name="cue"))
        ds = from_neo(segment)
        np.testing.assert_array_equal(ds["spikes"].stop_time, [1500.0, 2600.0])
        assert ds["spikes"].coherence.values.tolist() == [0.1, 0.5]
        assert ds["events/cue"].event_time.values.tolist() == [1500.0]
        labels.check(ds)


class TestSignals:
    def test_sweeps_of_signals_in_our_units(self, rng):
        values = rng.normal(size=(3, 20, 2))
        block = neo.Block()
        for k in range(3):
            segment = neo.Segment()
            segment.analogsignals.append(
                neo.AnalogSignal(
                    values[k], units="uV", sampling_rate=10 * pq.kHz, t_start=k * pq.s, name="V",
                    array_annotations={"channel_names": ["x", "y"]},
                )
            )  # fmt: skip
            block.segments.append(segment)
        ds = from_neo(block)
        assert ds.v.dims == ("sweep", "time", "channel")
        np.testing.assert_allclose(ds.v, values * 1e-3)
        np.testing.assert_array_equal(ds.time, [k / 10 for k in range(20)])
        assert ds.start_time.values.tolist() == [0.0, 1000.0, 2000.0]
        assert ds.channel_name.values.tolist() == ["x", "y"]
        labels.check(ds)

    def test_sweeps_are_matched_and_rescaled(self):
        """By name in any order, in one unit, at their own length, from a file as well."""
        sweeps = block_of(
            [analog([1, 2, 3], pq.mV, "Vm", 0.0), analog([[5, 6]], pq.nA, "Im")],
            [analog([[7, 8]], pq.pA, "Im", 10.0), analog([1000, 2000], pq.uV, "Vm", 10.0)],
            [analog([4, 5, 6], pq.V, "Vm", 20.0)],
        )
        ds = from_neo(sweeps)
        v, i = ds["signals/Vm"].to_dataset(), ds["signals/Im"].to_dataset()
        labels.check(v)
        expected = [[1, 2, 3], [1, 2, np.nan], [4000, 5000, 6000]]
        np.testing.assert_allclose(v.v[..., 0], expected, rtol=1e-15)
        assert v.n_valid.values.tolist() == [3, 2, 3]
        assert v.valid_until.values.tolist() == [2.0, 1.0, 2.0]
        assert v.start_time.values.tolist() == [0.0, 10_000.0, 20_000.0]
        np.testing.assert_array_equal(i.i, [[[5000, 6000]], [[7, 8]]])
        assert i.sweep.values.tolist() == [0, 1]
        xr.testing.assert_identical(from_neo(to_neo(v)).drop_attrs(), v.drop_attrs())

    def test_signals_that_are_not_one(self):
        """One name of two quantities, rates that differ, and signals that nothing tells apart."""
        with pytest.raises(LabelError, match="'ch' is in mV in segment 0, and in pA in segment 1"):
            from_neo(block_of([analog([1], pq.mV, "ch")], [analog([1], pq.pA, "ch")]))
        two = [analog([1], pq.mV, "ch"), analog([2], pq.pA, "ch"), analog([3], pq.pA, "ch")]
        names = list(from_neo(segment_of(*two))["signals"].children)
        assert names == ["ch_v", "ch_i_0", "ch_i_1"]
        with pytest.raises(LabelError, match="different signals, or several without names"):
            from_neo(block_of(*[[analog([k], pq.mV, None) for k in (1, 2)] for _ in "ab"]))
        silent = from_neo(block_of([analog([], pq.mV, "a"), *two[:1]], [analog([], pq.mV, "ch")]))
        assert silent.attrs["not_read"] == ["signal 'a': no samples"]
        assert silent.n_valid.values.tolist() == [1, 0]
        slow = neo.AnalogSignal([1, 2] * pq.mV, sampling_rate=1 * pq.Hz, name="ch")
        assert list(from_neo(block_of(two[:1], [slow]))["signals"].children) == ["ch_0", "ch_1"]

    def test_channels_and_what_is_not_read(self):
        noted = {
            "channel_names": ["a", "b"],
            "channel_ids": ["3", "4"],
            "depth": [1.0, 2.0] * pq.um,
        }
        signal = analog(np.ones((3, 2)), pq.uV, "lfp", start=1.6e9, array_annotations=noted)
        block = block_of([signal, train([1.6e12 + 1], 1.6e12, 1.6e12 + 9)])
        block.segments[0].spiketrains[0].waveforms = np.ones((1, 1, 5)) * pq.mV
        pictures = np.zeros((2, 2, 2))
        block.segments[0].imagesequences.append(
            neo.ImageSequence(
                pictures, units="V", sampling_rate=1 * pq.Hz, spatial_scale=1 * pq.um, name="film"
            )
        )
        block.groups.append(neo.Group([neo.ChannelView(signal, [0], name="top")], name="tetrode"))
        block.rec_datetime = datetime(2020, 1, 2, 3)
        block.annotate(window="night", rig=2)
        ds = from_neo(block)
        lfp = ds["signals/lfp"]
        assert lfp.channel.values.tolist() == ["a", "b"]
        assert lfp["depth"].attrs["units"] == "um"
        assert lfp.channel_id.values.tolist() == ["3", "4"]
        assert lfp.time.values.tolist() == [1.6e12, 1.6e12 + 1, 1.6e12 + 2]
        assert ds.attrs["session_start_time"] == "2020-01-02T03:00:00"
        assert (ds.attrs["window_"], ds.attrs["rig"]) == ("night", 2)
        assert set(ds.attrs["not_read"]) == {
            "waveforms of the spikes", "image sequence 'film'", "group 'tetrode'",
            "view 'top' of channels",
        }  # fmt: skip

    @pytest.mark.parametrize("even", [True, False])
    def test_back_and_forth(self, rng, even):
        time = np.arange(10) * 0.5 if even else np.sort(rng.uniform(0, 9, 10))
        ds = labels.dataset(
            {
                "v": (
                    ("sweep", "time", "channel"),
                    rng.normal(size=(2, 10, 1)),
                    "mV",
                    "v",
                    "voltage",
                )
            },
            {"time": time},
            source="recording",
        )
        again = from_neo(to_neo(ds))
        np.testing.assert_array_equal(again.v, ds.v)
        np.testing.assert_allclose(again.time, ds.time, rtol=1e-12)

    def test_to_neo_refuses_what_has_no_place(self):
        ds = labels.dataset(
            {"w": (("presynaptic", "unit"), np.ones((2, 2)), "1", "weight")}, {}, source="model"
        )
        with pytest.raises(LabelError, match="no spikes and no variables on 'time'"):
            to_neo(ds)
        with pytest.raises(TypeError):
            to_neo(np.ones(3))


def test_from_neo_refuses_empty_and_foreign_things():
    with pytest.raises(LabelError, match="no segments"):
        from_neo(neo.Block())
    block = neo.Block()
    block.segments.append(neo.Segment())
    with pytest.raises(LabelError, match="nothing that can be labelled"):
        from_neo(block)
    with pytest.raises(TypeError, match="Block or Segment"):
        from_neo([1, 2])


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ({"window": (1.05, 2.0)}, (12, 8)), ({"window": (-9.0, 0.1)}, (2, 8)),
        ({"channels": ["ch3", "ch9", "ch1"]}, (100_000, 2)),
        ({"channels": "3", "window": (5, 6)}, (12, 1)),
        ({"signals": "stream 0"}, (100_000, 8)),
    ],
)  # fmt: skip
def test_parts_are_read_as_they_are_selected(asked, shape, tmp_path):
    """From a format of which neo reads parts, without reading the rest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = neo.io.ExampleIO(str(tmp_path / "a.fake"))
    whole, partly = neo.Block(), neo.Block()
    whole.segments.append(reader.read_segment())
    partly.segments.append(reader.read_segment(lazy=True))
    selection = Selection.of(**asked)
    load_partly(partly, selection)
    sizes = [each.shape for each in partly.segments[0].analogsignals]
    assert sizes[0] == shape
    assert sizes[2][0] == 1 or set(asked) == {"window"}
    found, expected = (select(from_neo(block), selection) for block in (partly, whole))
    for node in expected["signals"].children.values():
        xr.testing.assert_identical(found[node.path].to_dataset(), node.to_dataset())
    assert list(found["signals"].children) == list(expected["signals"].children)


class TestReal:
    def test_nix_twin_holds_the_same_spikes(self, zheng_nix, zheng_nwb):
        nix, nwb = read(zheng_nix), read(zheng_nwb)
        labels.check(nix)
        for name in ("spike_time", "spike_unit"):
            np.testing.assert_array_equal(nix["spikes"][name], nwb["spikes"][name])
        np.testing.assert_array_equal(nix["spikes"].area, nwb["spikes"].area)
        for name, node in nwb["intervals"].children.items():
            np.testing.assert_allclose(nix[f"intervals/{name}"].stop_time, node.stop_time)

    def test_current_steps(self, fsi_abf):
        ds = read(fsi_abf)
        labels.check(ds)
        assert dict(ds.sizes) == {"sweep": 17, "time": 60_000, "channel": 1}
        assert ds.v.attrs["units"] == "mV"
        assert ds.i_command.attrs["units"] == "pA"
        np.testing.assert_allclose(np.diff(ds.time), 0.05)  # 20 kHz
        step = ds.i_command.sel(time=1900.0, method="nearest")
        np.testing.assert_allclose(step, np.arange(-100, 301, 25), atol=1e-6)
        rest = ds.v.sel(time=slice(0, 50)).median()
        assert float(rest) == pytest.approx(-58.8, abs=0.1)
        # spikes in the step: upward crossings of 0 mV
        during = ds.v.isel(channel=0).sel(time=slice(1646.8, 2146.8)).values
        crossings = ((during[:, :-1] < 0) & (during[:, 1:] >= 0)).sum(axis=1)
        expected = [0] * 5 + [5, 11, 15, 20, 25, 31, 33, 37, 42, 45, 52, 53]
        assert crossings.tolist() == expected

    def test_as_neo(self, fsi_abf):
        ds = read(fsi_abf)
        block = to_neo(ds)
        assert len(block.segments) == 17
        assert {str(s.units.dimensionality) for s in block.segments[0].analogsignals} == {
            "mV",
            "pA",
        }
        identical(ds, from_neo(block))
        del block.annotations["neurodyn"]
        tree = from_neo(block)
        assert isinstance(tree, xr.DataTree)
        np.testing.assert_array_equal(tree["signals/v"].v, ds.v)


@pytest.mark.parametrize(("starts", "times", "rows"), [
    ([0, 0, 0], [3, 9], 6),  # each segment has its own clock, and a cue at the same time of it
    ([0, 100, 200], [3, 209], 2),  # one clock goes on: every segment lists the events of the Block
    ([0, 0, 0], [3, 209], 2),  # later than any segment lasts
])  # fmt: skip
def test_events_that_are_the_same_in_every_segment(starts, times, rows):
    block = neo.Block()
    for start in starts:
        segment = segment_of(train([start + 1], start, start + 50))
        segment.events.append(neo.Event(times * pq.ms, labels=["go", "stop"], name="cue"))
        block.segments.append(segment)
    cue = from_neo(block)["events/cue"]
    assert cue.event_time.values.tolist() == times * (rows // 2)
    assert ("segment" in cue.coords) == (rows == 6)


def test_units_that_only_quantities_can_spell():
    segment = neo.Segment()
    for name, unit in (("raw", pq.CompoundUnit("10*uV")), ("count", pq.dimensionless)):
        values = np.array([[100.0], [-5.0]]) * unit
        segment.analogsignals.append(neo.AnalogSignal(values, sampling_rate=pq.kHz, name=name))
    recording = from_neo(segment)
    assert recording["signals/raw"].v.units == "mV"
    np.testing.assert_allclose(recording["signals/raw"].v[:, 0], [1.0, -0.05])
    assert recording["signals/count"].signal.units == "1"


def test_units_that_were_observed_in_a_part_of_a_trial():
    """Their trains end where the observation did, and keep the spikes of that part."""
    seen = [[[0, 4000], [6000, 10_000]], [[2000, 8000]], np.zeros((0, 2))]
    times = [
        np.r_[np.arange(5.0, 4000, 10), np.arange(6005.0, 1e4, 10)],
        np.arange(2005.0, 8e3, 20),
    ]
    recording = spikes.from_times([*times, []], observed=seen, coords={"unit": [7, 8, 9]})
    cut = spikes.align(recording, [3500.0, 5000.0, 7500.0], (0, 1000))
    block = to_neo(cut)
    told = [
        [(t.name, len(t), t.t_start.item(), t.t_stop.item()) for t in segment.spiketrains]
        for segment in block.segments
    ]
    assert told == [
        [("7", 50, 0, 500), ("8", 50, 0, 1000)],
        [("8", 50, 0, 1000)],
        [("7", 100, 0, 1000), ("8", 25, 0, 500)],
    ]
    identical(cut, from_neo(block))
