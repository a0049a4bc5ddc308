"""neo: Blocks both ways, and files of the formats that neo reads."""

import neo
import numpy as np
import pytest
import quantities as pq
import xarray as xr

from neurodyn import labels, spikes
from neurodyn.io import from_neo, read, to_neo
from neurodyn.labels import LabelError
from tests.neurodyn.io.test_nwb import identical


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
        np.testing.assert_array_equal(ds.time, np.arange(20) * 0.1)
        assert ds.start_time.values.tolist() == [0.0, 1000.0, 2000.0]
        assert ds.channel_name.values.tolist() == ["x", "y"]
        labels.check(ds)

    def test_uneven_sweeps(self):
        block = neo.Block()
        for n in (5, 6):
            segment = neo.Segment()
            segment.analogsignals.append(
                neo.AnalogSignal(np.ones(n), units="mV", sampling_rate=1 * pq.kHz)
            )
            block.segments.append(segment)
        with pytest.raises(LabelError, match="sweeps cannot be stacked"):
            from_neo(block)

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
        tree = from_neo(block)
        assert isinstance(tree, xr.DataTree)
        np.testing.assert_array_equal(tree["signals/v"].v, ds.v)
