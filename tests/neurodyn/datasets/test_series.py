"""Long recordings: known facts of the signals themselves."""

import numpy as np
import pytest

from neurodyn import datasets

pytestmark = pytest.mark.usefixtures("local_data")


def test_delayed_copies_are_those_delays_apart():
    recording = datasets.load("ecg_pecuzal")
    assert recording["ecg"].shape == (2, 100_000, 5)
    assert recording["part"].values.tolist() == ["train", "test"]
    step = recording.attrs["sampling_step"]
    assert step == pytest.approx(1000 / 700)
    assert np.diff(recording["time"]) == pytest.approx(step)
    lags = np.round(recording["delay"].values / step).astype(int)
    for part in recording["ecg"].values:
        longest = lags.max()
        for channel, lag in enumerate(lags):
            first = part[longest - lag : len(part) - lag, 0]
            copy = part[longest:, channel]
            early = np.corrcoef(part[lag:, 0], part[: len(part) - lag, channel])[0, 1]
            late = np.corrcoef(first, copy)[0, 1]
            assert max(early, late) > 0.999, "a copy, earlier or later"


def test_a_beat_lasts_about_a_second():
    recording = datasets.load("ecg")
    signal = recording["ecg"].values[:, 0]
    power = np.correlate(signal, signal[: len(signal) // 2], "valid")
    lag = 35 + np.argmax(power[35:105])  # 0.5 to 1.5 s
    assert lag * recording.attrs["sampling_step"] == pytest.approx(980, abs=60)


def test_the_slow_electrocardiogram_is_every_tenth_sample():
    slow = datasets.load("ecg")
    thinned = datasets.load("ecg_pecuzal", every=10).isel(trial=0)
    np.testing.assert_allclose(slow["ecg"], thinned["ecg"], atol=1e-6)
    np.testing.assert_allclose(slow["time"], thinned["time"])
    with pytest.raises(ValueError, match="every"):
        datasets.load("ecg_pecuzal", every=0)


def test_the_electroencephalogram_is_slow():
    recording = datasets.load("eeg_rest")
    x = recording["eeg"].values
    assert x.shape == (9640, 64)
    power = (np.abs(np.fft.rfft(x, axis=0)) ** 2).sum(1)
    frequency = np.fft.rfftfreq(len(x), recording.attrs["sampling_step"] / 1e3)
    assert power[frequency < 6.0].sum() / power.sum() > 0.95
    np.testing.assert_allclose(x.std(0), 1.0, rtol=1e-3)


def test_fmri_has_five_blocks():
    recording = datasets.load("fmri_tasks")
    assert recording["bold"].shape == (360, 20)
    assert np.bincount(recording["block"]).tolist() == [72] * 5
    assert recording.attrs["sampling_step"] == 3000.0
    assert "unconfirmed" in datasets.info("fmri_tasks").source
