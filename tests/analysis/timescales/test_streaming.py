"""Sums over chunks against the direct sums over the whole."""

import importlib

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.analysis.timescales.chunks import read_chunk
from neurodyn.labels import LabelError

RNG = np.random.default_rng(0)
WHOLE = 5 + np.cumsum(RNG.standard_normal((900, 3, 4)), 0) * 0.05 + RNG.standard_normal((900, 3, 4))
WHOLE[:, :, 3] = 0.1  # constant, and no round number


def direct(x, n_lags):
    x = x - x.mean(0)
    return np.stack([(x[: len(x) - k] * x[k:]).mean((0, 1)) for k in range(n_lags + 1)])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("cuts", [[], [400], [20, 25, 500]])
def test_chunks_do_not_matter(cuts):
    chunks = np.split(WHOLE, cuts)
    acf = analysis.streaming_autocorrelation(chunks, 20, step=2.0)
    expected = direct(WHOLE, 20)
    np.testing.assert_allclose(acf.isel(unit=slice(3)), (expected / expected[0])[:, :3], atol=1e-10)
    assert np.isnan(acf[:, 3]).all()
    np.testing.assert_allclose(acf["lag"], 2.0 * np.arange(21))


def test_single_precision_far_from_zero():
    sums = analysis.LagSums(1e3 + WHOLE[:300], 20).add(1e3 + WHOLE[300:])
    np.testing.assert_allclose(sums.autocovariance()[:, :3], direct(WHOLE, 20)[:, :3], rtol=2e-3)


@pytest.mark.usefixtures("x64")
def test_covariance_of_each_trial():
    sums = analysis.CovarianceSums(WHOLE[:100]).add(WHOLE[100:])
    for trial in range(3):
        expected = np.cov(WHOLE[:, trial].T, ddof=0)
        np.testing.assert_allclose(sums.covariance()[trial], expected, atol=1e-10)
        variance = np.sort(np.linalg.eigvalsh(expected))[::-1]
        index = np.argmax(np.cumsum(variance) / variance.sum() > 0.9)  # as published, from 0
        assert analysis.components_for(sums.covariance())[trial] == index + 1


@pytest.mark.usefixtures("x64")
def test_labelled_data_of_any_length_go_through_chunks(monkeypatch):
    module = importlib.import_module("neurodyn.analysis.timescales.autocorrelation")
    data = xr.DataArray(
        WHOLE.transpose(1, 0, 2), dims=("trial", "time", "unit"), coords={"time": np.arange(900.0)}
    )
    for across in ("time", "all"):
        whole = analysis.autocorrelation(data, 20.0, across=across)
        monkeypatch.setattr(module, "AT_ONCE", 3 * 4 * 50 if across == "time" else 3 * 900)
        pieces = analysis.autocorrelation(data, 20.0, across=across)
        np.testing.assert_allclose(pieces, whole, atol=1e-10)


def test_population_activity():
    data = xr.DataArray(WHOLE, dims=("time", "trial", "unit"), coords={"time": np.arange(900.0)})
    total = analysis.population_activity(data)
    np.testing.assert_allclose(total.isel(unit=0), WHOLE.sum(2).T)
    acf = analysis.autocorrelation(total, 20.0, across="time")
    expected = direct(WHOLE.sum(2, keepdims=True), 20)
    np.testing.assert_allclose(acf, expected / expected[0], atol=1e-5)
    with pytest.raises(LabelError, match="missing"):
        analysis.population_activity(data.where(data["time"] > 3))


def test_bad_input():
    with pytest.raises(ValueError, match="empty"):
        analysis.streaming_autocorrelation([], 5)
    with pytest.raises(ValueError, match="longer chunks"):
        analysis.LagSums(WHOLE[:4], 5)
    with pytest.raises(ValueError, match="as before"):
        analysis.LagSums(WHOLE, 5).add(WHOLE[:, :2])
    with pytest.raises(ValueError, match="as before"):
        analysis.CovarianceSums(WHOLE).add(WHOLE[:, :2])
    with pytest.raises(ValueError, match=r"\(time, trial, unit\)"):
        analysis.LagSums(WHOLE[0], 1)
    with pytest.raises(ValueError, match="no products"):
        analysis.LagSums(WHOLE[:5], 5).autocovariance()
    with pytest.raises(ValueError, match="covariances"):
        analysis.components_for(WHOLE)


def labelled(t0=0.0, dt=2.0):
    time = ("time", labels.time_axis(900, dt, t0), {"units": "ms"})
    coords = {"time": time, "trial": [3, 5, 9], "unit": list("abcd")}
    return xr.DataArray(WHOLE, coords, ("time", "trial", "unit"))


@pytest.mark.usefixtures("x64")
def test_labelled_chunks_are_read_by_their_labels():
    whole = labelled(1234567.1, 1 / 30)
    first, last = whole[:400], whole[400:]
    chunks = [first.transpose("unit", "trial", "time"), last[:1], last[1:, ::-1, [2, 0, 3, 1]]]
    acf = analysis.streaming_autocorrelation(chunks, 20)
    expected = direct(WHOLE, 20)
    np.testing.assert_allclose(acf.sel(unit=list("abc")), (expected / expected[0])[:, :3])
    np.testing.assert_allclose(acf["lag"], np.arange(21) / 30, rtol=1e-6)
    assert acf["lag"].attrs["units"] == "ms"
    sums = analysis.CovarianceSums(chunks[0]).add(chunks[1]).add(chunks[2])
    for trial in range(3):
        expected = np.cov(WHOLE[:, trial].T, ddof=0)
        np.testing.assert_allclose(sums.covariance()[trial], expected, atol=1e-10)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda x: x[410:], "leave a gap: one ends at 800.0, and the next starts at 822.0"),
        (lambda x: x[390:], "overlap or are out of order: one ends at 800.0.*starts at 782.0"),
        (lambda x: x[400::2], "dt=2, but the labels"),
        (lambda x: x[400:, :2], "differ"),
        (lambda x: x[400:].assign_coords(unit=list("abcx")), "differ"),
        (lambda x: x[400:].isel(unit=0), "dims time, trial and unit"),
        (lambda x: x[400:].drop_vars("time"), "no times"),
        (lambda x: x[400:].values, "others none"),
        (lambda x: x[400:].assign_coords(time=("time", x.time[400:].data, {"units": "1"})), "unit"),
    ],
)
def test_labelled_chunks_that_do_not_belong_together_are_refused(second, message):
    whole = labelled()
    for sums in (analysis.LagSums(whole[:400], 5), analysis.CovarianceSums(whole[:400])):
        with pytest.raises(LabelError, match=message):
            sums.add(second(whole))


def test_a_step_that_contradicts_the_labels_is_refused():
    with pytest.raises(LabelError, match="contradict the labels"):
        analysis.streaming_autocorrelation([labelled()], 5, step=1.0)
    with pytest.raises(LabelError, match="one variable"):
        read_chunk(labelled().to_dataset(name="rate").assign(other=labelled()))


def test_small_signals_on_large_offsets_and_chunks_that_grow():
    """In float64 of NumPy an offset of 1e9 leaves seven digits; float32 would leave none."""
    quiet = np.concatenate([np.zeros((300, 3, 4)), WHOLE[300:] * 1e-15])
    for data, cut in ((1e9 + WHOLE, 300), (quiet, 200), (WHOLE * 10.0 ** -(np.arange(4) ** 2), 50)):
        first, second = data[:cut], data[cut:]
        sums = analysis.LagSums(first, 20).add(second)
        want = direct(data, 20)[:, :3]
        np.testing.assert_allclose(
            sums.autocovariance()[:, :3] / want[0], want / want[0], atol=1e-5
        )
        spread = analysis.CovarianceSums(first).add(second).covariance()[0].diagonal()
        np.testing.assert_allclose(spread[:3], data[:, 0].var(0)[:3], rtol=1e-5)
