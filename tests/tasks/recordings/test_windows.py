"""Windows of recordings: where they come from, and what is refused."""

import jax
import numpy as np
import pytest
import xarray as xr

from neurodyn.labels import LabelError
from neurodyn.tasks import Windows


def numbered(*lengths):
    """Recordings whose values say where they are: 1000 subject + sample."""
    return [1000.0 * i + np.arange(n)[:, None] + [0.0, 0.25] for i, n in enumerate(lengths)]


def test_windows_are_cut_from_one_recording_each():
    task = Windows(numbered(40, 25), 9)
    trials = task.batch(0, 400)
    assert trials.targets.shape == (400, 10, 2)
    subject, start = (np.asarray(trials.conditions[n]) for n in ("subject", "start"))
    expected = 1000.0 * subject[:, None] + start[:, None] + np.arange(10)
    np.testing.assert_array_equal(trials.targets[..., 0], expected)
    assert start[subject == 0].max() == 30
    assert start[subject == 1].max() == 15


def test_every_window_is_equally_likely():
    task = Windows(numbered(13, 11), 9)  # 4 and 2 windows
    trials = task.batch(0, 6000)
    pairs = 10 * np.asarray(trials.conditions["subject"]) + np.asarray(trials.conditions["start"])
    found, counts = np.unique(pairs, return_counts=True)
    np.testing.assert_array_equal(found, [0, 1, 2, 3, 10, 11])
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_noise_is_added_to_every_window_anew():
    flat = np.tile([[0.0], [1.0]], (50, 1))
    task = Windows(flat, 60, noise_std=0.5)
    a, b = task.batch(0, 64, start=0), task.batch(1, 64, start=0)
    noise = np.asarray(a.targets)[..., 0] - flat[:61, 0]
    assert np.std(noise) == pytest.approx(0.5, rel=0.05)
    assert not np.array_equal(a.targets, b.targets)
    quiet = task.validation()
    assert set(np.unique(quiet.targets)) == {0.0, 1.0}


def test_standardising_is_stated_and_can_be_undone():
    rng = np.random.default_rng(0)
    parts = [rng.normal(3, 2, (60, 2)), rng.normal(-1, 5, (80, 2))]
    for how in ("each", "all"):
        task = Windows(parts, 9, standardise=how)
        for i, x in enumerate(parts):
            mean, std, data = (np.asarray(a[i]) for a in (task.mean, task.std, task.data))
            back = mean + std * data[: len(x)]
            np.testing.assert_allclose(back, x, atol=1e-4)
        whole = [np.asarray(task.data[i, : len(x)]) for i, x in enumerate(parts)]
        groups = whole if how == "each" else [np.concatenate(whole)]
        for x in groups:
            np.testing.assert_allclose(x.mean(0), 0, atol=1e-5)
            np.testing.assert_allclose(x.std(0), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="'none', 'each' or 'all'"):
        Windows(parts, 9, standardise="both")


def test_reads_labelled_recordings():
    rng = np.random.default_rng(0)
    time = ("time", 2.0 * np.arange(30))
    one = xr.DataArray(
        rng.normal(size=(3, 30)), dims=("unit", "time"), coords={"time": time, "unit": list("abc")}
    )
    task = Windows(one, 9)
    assert (task.dt, task.names, task.n_subjects) == (2.0, ("a", "b", "c"), 1)
    np.testing.assert_allclose(task.data[0], one.values.T, rtol=1e-6)
    many = xr.Dataset({"rate": one.expand_dims(subject=2)})
    assert Windows(many, 9).n_subjects == 2
    ragged = xr.DataArray(
        np.where(np.arange(30)[None, :, None] < [[[30]], [[20]]], 1.0, np.nan)
        * rng.normal(size=(2, 30, 3)),
        dims=("trial", "time", "channel"),
        coords={"n_valid": ("trial", [30, 20])},
    )
    np.testing.assert_array_equal(Windows(ragged, 9).lengths, [30, 20])


def test_external_inputs_are_cut_with_their_window():
    inputs = [100 * x[:, :1] for x in numbered(40, 25)]
    task = Windows(numbered(40, 25), 9, inputs=inputs)
    trials = task.batch(0, 20)
    assert task.n_inputs == 1
    np.testing.assert_allclose(trials.inputs[..., 0], 100 * trials.targets[..., 0])


def test_windows_can_be_chosen():
    task = Windows(numbered(40, 25), 9)
    trials = task.batch(0, 3, subject=1, start=[0, 4, 15])
    np.testing.assert_array_equal(trials.targets[:, 0, 0], [1000, 1004, 1015])
    one = task.sample(jax.random.key(0), subject=1)
    assert int(one.conditions["subject"]) == 1
    for bad in ({"subject": 2}, {"start": 31}, {"speed": 1}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            task.batch(0, 3, **bad)


def test_no_window_reaches_across_the_end_of_a_shorter_recording():
    task = Windows(numbered(40, 25), 9)
    for conditions in (
        {"start": 16},
        {"subject": 1, "start": 16},
        {"subject": [0, 1], "start": 16},
    ):
        with pytest.raises(ValueError, match=r"too late.*\[30, 15\]"):
            task.batch(0, 2, **conditions)
    start = task.batch(0, 2, subject=0, start=30).conditions["start"]
    np.testing.assert_array_equal(start, [30, 30])


def test_the_step_of_labelled_data_is_theirs():
    data = xr.DataArray(np.eye(30), {"time": 0.5 * np.arange(30)}, ("time", "unit"))
    assert Windows(data, 9).dt == 0.5
    with pytest.raises(LabelError, match=r"dt=2, but the labels of 'time'.* are 0.5 ms apart"):
        Windows(data, 9, dt=2.0)
    assert Windows(data.drop_vars("time"), 9, dt=2.0).dt == 2.0
    assert Windows(np.eye(30), 9).dt == 1.0


def uneven():
    return xr.DataArray(np.eye(30), {"time": np.arange(30.0) ** 2}, ("time", "unit"))


def holed():
    x = np.random.default_rng(0).normal(size=(50, 2))
    x[7, 1] = np.nan
    return x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Windows(holed(), 9), "NaN.*1 of 50 samples, first at sample 7"),
        (lambda: Windows([np.eye(30), np.eye(30)[:9, :]], 9), "recording 1 of 2 has 9 samples"),
        (lambda: Windows(np.arange(60).reshape(30, 2) * [1, 0], 9), "constant in output 1"),
        (lambda: Windows(np.arange(30.0), 9), r"\(time, output\).*\(30,\).*data\[:, None\]"),
        (lambda: Windows(np.eye(30).astype(str), 9), "must be numbers"),
        (lambda: Windows([], 9), "empty list"),
        (lambda: Windows([np.eye(30), np.eye(20)], 9), r"number of variables: \[20, 30\]"),
        (lambda: Windows(np.eye(30), 0), "`length`"),
        (lambda: Windows(np.eye(30), 9, noise_std=-1.0), "`noise_std`"),
        (lambda: Windows(uneven(), 9), "uneven, with steps from 1 to 57 ms"),
        (lambda: Windows(np.eye(30), 9, names=["a"]), "`names`"),
        (lambda: Windows(np.eye(30), 9, inputs=np.ones((29, 1))), "as long as the recordings"),
        (lambda: Windows(xr.DataArray(np.eye(30), dims=("time", "x")), 9), r"dims time.*'x'"),
        (lambda: Windows(xr.Dataset(), 9), "Dataset with 0 variables"),
        (lambda: Windows(np.eye(30), 9).batch(0, 0), "`n` must be a whole number >= 1"),
        (lambda: Windows(np.eye(30), 9).batch(None, 2), "key="),
    ],
)
def test_faults_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def labelled(dim="channel", n=2, names=None, seed=0):
    values = np.random.default_rng(seed).normal(size=(3, 40, n))
    coords = {"trial": ["a", "b", "c"], "time": 510.0 + 10.0 * np.arange(40)}
    coords |= {} if names is None else {dim: names}
    return xr.DataArray(values, coords, ("trial", "time", dim))


def test_windows_say_their_recording_its_time_and_its_inputs():
    data, given = labelled(), labelled("input", 1, ["drive"], seed=1)
    trials = Windows(data, 9, inputs=given).trials(0, 5)
    assert trials.input.values == ["drive"]
    for array, whole in ((trials.targets, data), (trials.inputs, given)):
        found = array.sel(time=20.0).values
        expected = whole.sel(trial=trials.recording, time=trials.start_time + 20.0).values
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_steps_stay_steps():
    steps = labelled().assign_coords(time=("time", np.arange(1.0, 41.0), {"units": "1"}))
    for data in (steps, steps.values):
        assert Windows(data, 9).trials(0, 2).time.attrs["units"] == "1"
    assert Windows(steps.values, 9, dt=10.0).trials(0, 2).time.attrs["units"] == "ms"


def pieces(array):
    return [array.isel(trial=i) for i in range(3)]


def test_inputs_meet_their_recordings_in_every_form():
    data, given = labelled(), labelled("input", 1, seed=1)
    right = Windows(data, 9, inputs=given.isel(trial=[2, 0, 1])).inputs
    np.testing.assert_allclose(right, given, rtol=1e-6)
    for x in (data, pieces(data), pieces(data.drop_vars("trial")), list(data.values)):
        for u in (given, pieces(given), given.values, list(given.values)):
            dt = {"dt": 10.0} if isinstance(x, list) and isinstance(x[0], np.ndarray) else {}
            np.testing.assert_array_equal(Windows(x, 9, inputs=u, **dt).inputs, right)
    # An array goes by the labels that count its entries.
    counted = data.assign_coords(trial=[0, 1, 2]).isel(trial=[2, 0, 1])
    for u in (given.values, list(given.values)):
        found = Windows(counted, 9, inputs=u).inputs
        np.testing.assert_allclose(found, given.isel(trial=[2, 0, 1]), rtol=1e-6)


def test_inputs_of_other_trials_or_steps_are_refused():
    data, given = labelled(), labelled("input", 1, seed=1)
    for x, u in ((data, pieces(given)[::-1]), (pieces(data), given.isel(trial=[1, 0, 2]))):
        with pytest.raises(LabelError, match="a recording is trial 'a'"):
            Windows(x, 9, inputs=u)
    slow = given.assign_coords(time=2 * given.time)
    with pytest.raises(LabelError, match="the time axes differ"):
        Windows(data, 9, inputs=pieces(slow))
    with pytest.raises(LabelError, match="have a step of 20"):
        Windows(data.values, 9, inputs=slow, dt=10.0)
