"""The published recordings give the numbers that are known of them."""

import numpy as np
import pytest

from neurodyn import datasets, spikes

pytestmark = pytest.mark.usefixtures("local_data")


def participation_ratio(samples):
    eigenvalues = np.linalg.eigvalsh(np.cov(samples, rowvar=False))
    return eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


def test_mante_conditions():
    recording = datasets.load("mante2013")
    rate = recording.rate.values
    assert rate.shape == (72, 15, 20)
    assert np.isnan(rate).mean() == pytest.approx(0.0007, abs=5e-5)
    assert np.nanmean(rate) == pytest.approx(16.6, abs=0.05)
    centred = rate - np.nanmean(rate, axis=(0, 1))
    filled = np.nan_to_num(centred).reshape(-1, 20)
    assert participation_ratio(filled) == pytest.approx(6.64, abs=0.01)
    np.testing.assert_array_equal(np.unique(recording.motion_rank), np.arange(6))
    missing = np.isnan(rate).all(axis=1)
    np.testing.assert_array_equal(missing, recording.n_trials.values == 0)
    single = recording.n_trials.values < 2
    np.testing.assert_array_equal(np.isnan(recording["sem"].values).all(axis=1), single)


def test_mante_trials():
    tree = datasets.load("mante2013", form="trials")
    units = [node.to_dataset() for node in tree.children.values()]
    sizes = [unit.sizes["trial"] for unit in units]
    assert (len(units), min(sizes), max(sizes)) == (20, 262, 2831)
    assert {unit.sizes["time"] for unit in units} == {751}
    assert all(unit.time.values[[0, -1]].tolist() == [100.0, 850.0] for unit in units)
    fano = [fano_factor(unit) for unit in units]
    assert np.median(fano) == pytest.approx(3.58, abs=0.005)
    assert min(fano) == pytest.approx(1.1, abs=0.05)
    assert max(fano) == pytest.approx(8.5, abs=0.05)


def fano_factor(unit):
    """Variance over mean of the counts of correct trials, summed over conditions."""
    unit = unit.isel(trial=unit.correct.values == 1)
    counts = unit.spike_count.isel(unit=0, time=slice(750)).sum("time").values.astype(float)
    keys = list(zip(unit.motion.values, unit.colour.values, unit.context.values, strict=True))
    groups = [counts[[k == key for k in keys]] for key in set(keys)]
    groups = [group for group in groups if len(group) > 1]
    return sum(g.var(ddof=1) for g in groups) / sum(g.mean() for g in groups)


def test_mante_context_is_what_was_judged():
    """In each context the correct trials are those that follow the attended coherence."""
    for node in datasets.load("mante2013", form="trials").children.values():
        unit = node.to_dataset()
        correct = unit.correct.values == 1
        for context, chosen in (("motion", "choice"), ("colour", "chosen_colour")):
            own = unit.context.values == context
            follows = np.sign(unit[context].values) == unit[chosen].values
            np.testing.assert_array_equal(follows[own], correct[own])


def test_hatsopoulos():
    recording = datasets.load("hatsopoulos2007")
    assert recording.rate.shape == (8, 121, 141)
    assert recording.time.values[[0, -1]].tolist() == [-800.0, 400.0]
    samples = recording.rate.values.astype(float).reshape(-1, 141)
    assert samples.mean() == pytest.approx(3.547, abs=5e-4)
    assert participation_ratio(samples) == pytest.approx(3.295077, abs=1e-5)
    end = recording.isel(time=-1)
    angle = np.degrees(np.arctan2(end.hand_y, end.hand_x))
    off = (angle.values - recording.direction.values + 180) % 360 - 180
    assert np.abs(off).max() < 10
    velocity = recording.hand_x.differentiate("time")
    assert np.corrcoef(velocity.values.ravel(), recording.hand_vx.values.ravel())[0, 1] > 0.999


def test_zheng():
    recording = datasets.load("zheng2022")
    trains = recording["spikes"].to_dataset()
    areas = [area.split("_")[0] for area in trains.area.values]
    assert (areas.count("hippocampus"), areas.count("amygdala")) == (25, 10)
    assert trains.sizes["spike"] == 214_278
    seconds = np.ptp(trains.attrs["window"]) / 1e3
    assert seconds == pytest.approx(2821, abs=1)
    times = spikes.times(trains)
    assert np.median([len(train) / seconds for train in times]) == pytest.approx(1.31, abs=0.005)
    intervals = [np.diff(train) for train in times]
    cv = [isi.std() / isi.mean() for isi in intervals]
    lv = [3 * np.mean((np.diff(isi) / (isi[1:] + isi[:-1])) ** 2) for isi in intervals]
    assert np.median(cv) == pytest.approx(1.012, abs=1e-3)
    assert np.median(lv) == pytest.approx(0.995, abs=1e-3)
    tables = {name: len(table.trial) for name, table in recording["intervals"].children.items()}
    assert tables == {
        "encoding_table": 90,
        "recognition_table": 180,
        "timediscrimination_table": 180,
    }
    rt = recording["intervals/recognition_table"].rt
    assert rt.attrs["units"] == "ms"
    assert 100 < rt.where(rt > 0).median() < 5000


def test_fsi_steps():
    recording = datasets.load("fsi_steps")
    assert recording.v.dims == recording.i.dims == ("sweep", "time")
    assert recording.sizes == {"sweep": 17, "time": 60_000}
    np.testing.assert_allclose(np.diff(recording.time), 0.05)
    np.testing.assert_allclose(recording.step, np.arange(-100, 301, 25), atol=1e-6)
    during = recording.sel(time=slice(1646.84, 2146.81))
    np.testing.assert_allclose(during.i, during.step.broadcast_like(during.i), atol=1e-6)
    crossings = ((during.v.values[:, 1:] >= 0) & (during.v.values[:, :-1] < 0)).sum(axis=1)
    known = [0, 0, 0, 0, 0, 5, 11, 15, 20, 25, 31, 33, 37, 42, 45, 52, 53]
    np.testing.assert_array_equal(crossings, known)
    rest = recording.v.sel(time=slice(0, 49.99))
    assert np.median(rest) == pytest.approx(-58.8, abs=0.05)
