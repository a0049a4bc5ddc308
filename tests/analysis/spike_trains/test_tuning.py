"""Tuning to conditions and to variables over time, against pynapple, SciPy and formulas."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import f_oneway, kstest

from neurodyn import analysis, labels, spikes, trials
from neurodyn.labels import LabelError
from tests.analysis.spike_trains.test_pairs import TRAINS, counts

TIME = np.arange(2000) + 0.5
POSITION = xr.DataArray(50 * (1 + np.sin(TIME / 170)), {"time": TIME}, "time", "position")
SPEED = xr.DataArray(np.cos(TIME / 90), {"time": TIME}, "time", "speed")


@pytest.fixture(scope="module")
def ds():
    return spikes.from_times(TRAINS[:3], window=(0, 2000))


def test_maps_are_those_of_pynapple(ds):
    """Of pynapple 0.11.4."""
    found = analysis.tuning_map(ds, POSITION, bins=6, n_shifts=0)
    labels.check(found, values=False)
    want = np.array([
        [16.071428571429, 25.252525252525, 22.988505747126, 38.793103448276, 15.151515151515,
         15.734265734266],
        [16.071428571429, 20.20202020202, 28.735632183908, 38.793103448276, 15.151515151515,
         15.734265734266],
        [30.357142857143, 5.050505050505, 28.735632183908, 30.172413793103, 30.30303030303,
         20.979020979021],
    ])  # fmt: skip
    np.testing.assert_allclose(found["rate"].values.T, want, atol=1e-11)
    np.testing.assert_array_equal(found["occupancy"][:, 0], [560, 198, 174, 232, 264, 572])
    share = np.array([560, 198, 174, 232, 264, 572]) / 2000
    ratio = want / (want @ share)[:, None]
    np.testing.assert_allclose(found["information"], (ratio * np.log2(ratio)) @ share)
    # It takes mean rates over the time between the first and the last sample, one step less.
    np.testing.assert_allclose(found["information"], [0.087522, 0.092180, 0.090085], atol=8e-4)
    both = analysis.tuning_map(
        ds, xr.merge([SPEED, POSITION]), bins={"position": 3, "speed": 2}, n_shifts=0
    )
    want = [[13.483146067416, 25.55910543131], [90.909090909091, 30.379746835443],
            [9.009009009009, 28.46975088968]]  # fmt: skip
    one = both["rate"].isel(unit=0).transpose("position", "speed")
    np.testing.assert_allclose(one, want, atol=1e-11)
    channels = xr.concat([POSITION, SPEED], "channel").assign_coords(channel=["position", "speed"])
    again = analysis.tuning_map(ds, channels, bins={"speed": 2, "position": 3}, n_shifts=0)
    xr.testing.assert_allclose(again["rate"].transpose(*both["rate"].dims), both["rate"])


def test_maps_count_what_was_observed():
    """A unit fires at 40 Hz left of 50, at 10 Hz right of it, and is lost for a while."""
    rng = np.random.default_rng(0)
    time = np.arange(0, 400_000, 20.0) + 10
    position = xr.DataArray(100 * np.abs((time / 5000) % 2 - 1), {"time": time}, "time", "position")
    spike = np.sort(rng.uniform(0, 400_000, 16_000))
    rate = np.where(position.sel(time=spike, method="nearest") < 50, 40, 10)
    spike = spike[rng.uniform(0, 40, spike.size) < rate]
    lost = spike[(spike < 50_000) | (spike > 250_000)]
    chance = np.sort(rng.uniform(0, 400_000, 8_000))
    whole = np.array([[0, 400_000.0]])
    ds = spikes.from_times(
        [spike, lost, chance], observed=[whole, np.array([[0, 50_000], [250_000, 4e5]]), whole]
    )
    found = analysis.tuning_map(ds, position, bins=4, key=0, n_shifts=100)
    labels.check(found, values=False)
    np.testing.assert_allclose(found["rate"][:, :2].T, [[40, 40, 10, 10]] * 2, rtol=0.06)
    assert float(found["occupancy"][:, 1].sum()) == pytest.approx(200_000)
    np.testing.assert_allclose(found["depth"], [0.6, 0.6, 0.0], atol=0.05)
    half = 0.8 * np.log2(1.6) + 0.2 * np.log2(0.4)  # bits per spike of 40 and 10 Hz, half each
    np.testing.assert_allclose(found["information"], [half, half, 0], atol=0.03)
    assert found["p_value"].values[:2].max() == pytest.approx(1 / 101)
    assert float(found["p_value"][2]) > 0.05
    assert float(found["chance"][2]) < 0.02
    # In trials, where the null is the position of another trial; and with positions not known.
    events = np.arange(0, 390_000, 13_000.0)
    cut = spikes.align(ds, events, (0, 13_000))
    moved = trials.align(position, events, (0, 13_000))
    known = moved.where(moved.time < 12_000)
    each = analysis.tuning_map(cut, known, bins=found["position"].size, key=0, n_shifts=40)
    np.testing.assert_allclose(each["rate"][:, 0], [40, 40, 10, 10], rtol=0.08)
    assert float(each["occupancy"][:, 0].sum()) == pytest.approx(30 * 11_980)  # without half a step
    assert each["p_value"].values[:2].max() == pytest.approx(1 / 41)
    order = np.random.default_rng(1).permutation(30)
    again = analysis.tuning_map(cut.isel(trial=order), known, bins=4, n_shifts=0)
    np.testing.assert_allclose(again["rate"], each["rate"])


def test_circular_variables_have_a_direction(ds):
    rng = np.random.default_rng(2)
    time = np.arange(0, 100_000, 10.0) + 5
    angle = xr.DataArray((time * 0.37) % 360 - 180, {"time": time}, "time", "heading")
    spike = np.sort(rng.uniform(0, 100_000, 6000))
    turn = np.deg2rad(angle.sel(time=spike, method="nearest").values - 350)
    spike = spike[rng.random(6000) < (1 + 0.8 * np.cos(turn)) / 1.8]
    found = analysis.tuning_map(
        spikes.from_times([spike], window=(0, 100_000)), angle, bins=36, period=360.0, n_shifts=0
    )
    assert float(found["direction"][0]) == pytest.approx(350, abs=4)
    assert float(found["vector_length"][0]) == pytest.approx(0.4, abs=0.03)
    assert abs((float(found["peak_heading"][0]) - 350 + 180) % 360 - 180) < 50


def test_tuning_maps_refuse_what_does_not_fit(ds):
    for wrong, said in (
        (POSITION.assign_coords(time=TIME + 5000), "no sample"),
        (POSITION.expand_dims(trial=[0]), "in trials, and the others are not"),
        (POSITION.rename("unit"), "names of dims"),
        (POSITION * 0, "does not vary"),
        (POSITION.isel(time=np.r_[0:100, 200:300]), "gap|even"),
    ):
        with pytest.raises(LabelError, match=said):
            analysis.tuning_map(ds, wrong)
    with pytest.raises(ValueError, match="edges that increase"):
        analysis.tuning_map(ds, POSITION, bins=[0.0, 10.0, 5.0])
    with pytest.raises(ValueError, match="`bins` has none for"):
        analysis.tuning_map(ds, xr.merge([SPEED, POSITION]), bins={"speed": 3})
    with pytest.raises(ValueError, match="leaves no shift"):
        analysis.tuning_map(ds, POSITION, least_shift=1500.0)


def test_tuning_curves_of_conditions():
    rng = np.random.default_rng(3)
    angle = np.repeat(np.arange(8) * 45.0, 25)
    mean = np.stack([10 * np.exp(np.cos(np.deg2rad(angle - 100))), np.full(200, 10.0),
                     np.full(200, 0.0), np.full(200, 4.0)], 1)  # fmt: skip
    n = np.concatenate([rng.poisson(mean[:, :3]), np.full((200, 1), 4)], 1)[:, None]
    ds = counts(n, angle=("trial", angle, "deg", "direction of motion"))
    found = analysis.tuning_curve(ds, "angle", period=360, key=0)
    labels.check(found, values=False)
    of = [n[angle == a, 0, 0] for a in np.unique(angle)]
    np.testing.assert_allclose(found["rate"][:, 0], [10 * x.mean() for x in of])
    np.testing.assert_allclose(found["sem"][:, 0], [10 * x.std(ddof=1) / 5 for x in of])
    curve = found["rate"].values[:, 0]
    assert float(found["depth"][0]) == pytest.approx(np.ptp(curve) / (curve.max() + curve.min()))
    assert float(found["direction"][0]) == pytest.approx(100, abs=6)
    assert found["direction"].attrs["units"] == "deg"
    assert str(found["preferred"][0].values) == "angle=90"
    assert float(found["p_value"][0]) == pytest.approx(1 / 1001)
    flat = [n[angle == a, 0, 1] for a in np.unique(angle)]
    assert float(found["p_value"][1]) == pytest.approx(f_oneway(*flat).pvalue, abs=0.05)
    for name in ("p_value", "explained"):  # of units that are silent or constant
        assert np.isnan(found[name].values[2:]).all()
    assert np.isnan(found["depth"][2])
    assert float(found["depth"][3]) == 0
    order = rng.permutation(200)
    again = analysis.tuning_curve(ds.isel(trial=order, unit=[1, 0]), "angle", period=360, key=0)
    np.testing.assert_allclose(again["rate"], found["rate"].isel(unit=[1, 0]))
    for wrong, said in (
        ({"by": []}, "single condition"),
        ({"by": "trial_number"}, "as many conditions as trials"),
        ({"by": "side", "period": 360}, "one circular label of numbers"),
    ):
        named = ds.assign_coords(trial_number=("trial", order),
                                 side=("trial", np.where(angle > 90, "l", "r")))  # fmt: skip
        with pytest.raises(LabelError, match=said):
            analysis.tuning_curve(named, **wrong)


def test_p_values_of_units_without_tuning_are_uniform():
    rng = np.random.default_rng(4)
    n = rng.poisson(6.0, (60, 1, 300)).astype(float)
    n[::4, :, ::2] = np.nan  # half of the units missed a quarter of the trials
    ds = counts(n, side=("trial", np.arange(60) % 3), attrs={"simultaneous": 0})
    p = analysis.tuning_curve(ds, "side", key=0, n_permutations=199)["p_value"].values
    assert kstest(p[::2], "uniform").pvalue > 0.01
    assert kstest(p[1::2], "uniform").pvalue > 0.01
