"""Measures of data in chunks: equal to those in memory, for any chunks, by label."""

import dask
import dask.array as da
import jax
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, models, trials
from neurodyn.analysis.shared import moments
from neurodyn.labels import LabelError
from neurodyn.signals import chunked

N, T, P, Q = 24, 20, 7, 5
#: Chunks (trial, time, unit) of the first population.
CHUNKS = [(N, T, P), (5, 7, 3), (1, T, P), (N, 3, 1)]


@pytest.fixture(autouse=True)
def no_larger_blocks(monkeypatch):
    """Small chunks are not joined to larger ones, so that there are many to merge."""
    monkeypatch.setattr(chunked, "CHUNK", 1 << 12)
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def pair():
    """Two populations of the same trials, one with a large offset, one with small units."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(N, T, 3))
    x = z @ rng.normal(size=(3, P)) + rng.normal(size=(N, T, P)) + 1e4
    y = z @ rng.normal(size=(3, Q)) + rng.normal(size=(N, T, Q))
    labels = {"trial": np.arange(N) + 100, "time": np.arange(T) * 10.0}
    labels["coherence"] = ("trial", np.arange(N) % 3)
    return [
        xr.DataArray(v, labels | {"unit": np.arange(v.shape[2])}, ("trial", "time", "unit"), "rate")
        for v in (x, y * np.r_[1e-3, np.ones(Q - 1)])
    ]


def lazily(pair, chunks):
    """The two in chunks, the second in another order of trials, joined from two parts."""
    a, b = pair
    order = np.random.default_rng(1).permutation(N)
    b = b.isel(trial=order, unit=order[order < Q]).chunk(trial=4, time=9, unit=2)
    b = xr.concat([b.isel(trial=slice(0, 10)), b.isel(trial=slice(10, None))], "trial")
    return a.chunk(dict(zip(a.dims, chunks, strict=True))), b


#: Measures of two populations, and by how much chunks may change them. Sums of products are exact
#: to some 1e-15 of their norm. Whitening divides them by the variance of the smallest component,
#: here 1e-6 of the largest.
PAIRWISE = {
    "cka": (analysis.cka, 1e-12),
    "lange": (lambda a, b: analysis.cka(a, b, estimator="lange"), 1e-12),
    "song": (lambda a, b: analysis.cka(a, b, estimator="song", report="angle"), 1e-12),
    "nbs": (analysis.nbs, 1e-12),
    "procrustes": (analysis.procrustes, 1e-12),
    "in between": (lambda a, b: analysis.procrustes(a, b, alpha=0.5), 1e-12),
    "cca": (analysis.cca, 1e-8),
    "svcca": (analysis.svcca, 1e-12),
    "pwcca": (analysis.pwcca, 1e-8),
    "linear_r2": (lambda a, b: analysis.linear_r2(b, a), 1e-8),
    "ridge": (lambda a, b: analysis.linear_r2(b, a, penalty=0.1), 1e-12),
    "conditions": (lambda a, b: analysis.cka(a, b, by="coherence"), 1e-12),
}


@pytest.mark.parametrize("name", PAIRWISE)
def test_measures_of_two_populations(pair, name):
    measure, bar = PAIRWISE[name]
    want = measure(*pair)
    for chunks in CHUNKS if name == "cka" else CHUNKS[1:2]:
        got = measure(*lazily(pair, chunks))
        assert abs(float(got - want)) < bar
        assert got.attrs == want.attrs
    if name == "cka":  # one side in memory
        assert abs(float(measure(lazily(pair, CHUNKS[1])[0], pair[1]) - want)) < bar


@pytest.mark.parametrize("covariance", ["total", "signal", "noise"])
def test_dimensions(pair, covariance):
    # In memory they are computed in float32.
    for array, lazy in zip(pair, lazily(pair, CHUNKS[1]), strict=True):
        how = {"covariance": covariance, "by": "coherence"}
        want, got = (analysis.participation_ratio(v, **how) for v in (array, lazy))
        assert float(got) == pytest.approx(float(want), rel=1e-5)
        assert got.attrs == want.attrs
        for fraction in (0.5, 0.9):
            assert analysis.n_components(lazy, fraction, **how).identical(
                analysis.n_components(array, fraction, **how)
            )


def test_principal_components(pair):
    with jax.enable_x64(True):
        want = analysis.pca(pair[1], 4)
    for chunks in CHUNKS:
        lazy = (
            pair[1].chunk(trial=chunks[0], time=chunks[1], unit=2).isel(trial=slice(None, None, -1))
        )
        got = analysis.pca(lazy, 4)
        assert got["scores"].chunks is not None  # found when they are used
        for name, variable in want.items():
            bar = 1e-12 * float(abs(variable).max())
            xr.testing.assert_allclose(
                got[name].sortby("trial") if name == "scores" else got[name],
                variable,
                rtol=0,
                atol=bar,
            )
            assert got[name].attrs == variable.attrs


def test_ridge(pair):
    how = {"key": 3, "n_folds": 3, "penalties": [1e-3, 1.0]}
    for n_times in (T, 3):  # more times than units, and fewer
        a, b = (v.isel(time=slice(0, n_times), trial=slice(0, 10)) for v in pair)
        x, y = (v.isel(time=slice(0, n_times)).sel(trial=a.trial) for v in lazily(pair, CHUNKS[1]))
        y = y.sel(unit=b.unit).isel(trial=slice(None, None, -1))
        # In memory it is computed in float32.
        want = analysis.ridge_r(a, b, **how)
        np.testing.assert_allclose(analysis.ridge_r(x, y, **how), want, rtol=0, atol=1e-5)
    bare = analysis.ridge_r(x.data, b.values, **how)
    np.testing.assert_allclose(bare, want, rtol=0, atol=1e-5)


def test_missing_values_are_refused_as_in_memory(pair):
    a, b = pair
    holed = a.where(~((a.trial == 103) & (a.time >= 150)))
    said = []
    for x, y in ((holed, b), (holed.chunk(trial=5, time=6, unit=2), lazily(pair, CHUNKS[0])[1])):
        for measure in (analysis.cka, analysis.pca):
            with pytest.raises(ValueError, match="NaN") as error:
                measure(x) if measure is analysis.pca else measure(x, y)
            said.append(str(error.value).replace("activity", "a"))
    assert said[:2] == said[2:]
    assert "trial [3], time [15 16 17 18 19]" in said[2]
    with pytest.raises(LabelError, match=r"35 values of x are NaN.*trial \[3\], time \[15"):
        analysis.ridge_r(x, y)


def test_other_labels_are_refused(pair):
    a, b = lazily(pair, CHUNKS[1])
    with pytest.raises(LabelError, match="only in the"):
        analysis.cka(a.isel(trial=slice(1, None)), b)
    with pytest.raises(ValueError, match="same in all samples"):
        analysis.cka(a * 0, b)
    with pytest.raises(ValueError, match="same in all samples"):
        analysis.cka(a, b * 0, estimator="song")


def test_large_offsets_cost_no_digits():
    """A block is centred before its products are summed."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 3)) + 1e8  # products without centring would keep no digit
    lazy = xr.DataArray(da.from_array(x, (300, 3)), dims=("trial", "unit"))
    found = moments.moments(lazy, names=("x",))
    exact = x - 1e8
    want = np.cov(exact, rowvar=False) * 3999
    # The mean of each block is rounded to 1.5e-8, once a merge.
    np.testing.assert_allclose(found.scatter, want, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.mean - 1e8, exact.mean(0), rtol=0, atol=1e-7)
    constant = moments.moments(lazy * 0 + 0.1, names=("x",))
    assert not constant.scatter.any()


def test_every_chunk_is_read_once(pair):
    """One pass for sums of products, two for what needs the mean before, three for ridge."""
    a, b = pair
    read = []

    def seen(block):
        read.append(block.nbytes)
        return block

    lazy = da.from_array(a.values, (5, T, P)).map_blocks(
        seen, dtype=a.dtype, meta=np.empty((0,) * 3)
    )
    lazy = a.copy(data=lazy)
    passes = {
        1: [
            lambda: analysis.cka(lazy, b),
            lambda: analysis.procrustes(lazy, b),
            lambda: analysis.pca(lazy),
            lambda: analysis.participation_ratio(lazy, covariance="total"),
            lambda: analysis.cka(lazy, b, by="coherence"),
            lambda: trials.average(lazy, "coherence"),
        ],
        2: [
            lambda: analysis.cka(lazy, b, estimator="song"),
            lambda: analysis.participation_ratio(lazy, covariance="noise", by="coherence"),
        ],
        3: [lambda: analysis.ridge_r(lazy, b)],
    }
    for number, calls in passes.items():
        for call in calls:
            read.clear()
            with dask.config.set(scheduler="synchronous"):
                call()
            assert sum(read) == number * a.nbytes


class TestTooLarge:
    @pytest.fixture(autouse=True)
    def small_limit(self, monkeypatch):
        monkeypatch.setattr(chunked, "LARGE", 4000)
        monkeypatch.setattr("neurodyn.labels.check_values.LARGE", 4000)

    def test_what_needs_all_is_refused(self, pair):
        a = lazily(pair, CHUNKS[1])[0]
        for call in (
            lambda: analysis.cka(a, a, kernel="rbf"),
            lambda: analysis.tangling(a),
            lambda: analysis.linear_cka(a, a),
            lambda: analysis.linear_cka(a.data.reshape(-1, P), pair[0].values.reshape(-1, P)),
            lambda: analysis.split_half_reliability(a, "coherence"),
            lambda: analysis.power_spectrum(a.rename(unit="channel")),
            lambda: analysis.count_correlation(a.to_dataset(name="spike_count"), bin_width=10.0),
            lambda: nd.labels.check(a),
            lambda: nd.labels.read_sequences(a),
        ):
            with pytest.raises(LabelError, match=r"all of it is needed at once.*\.load\(\)"):
                call()

    def test_chunks_that_are_too_large(self, pair):
        a = pair[0]
        wide = a.chunk(trial=N, time=T, unit=1)
        with pytest.raises(
            LabelError, match=r"all of unit.*\.chunk\(\{'time': \d+, 'unit': -1\}\)"
        ):
            analysis.cka(wide, wide)
        with pytest.raises(LabelError, match=r"a chunk of 'rate'.*\.chunk\("):
            trials.average(a.chunk(), "coherence")

    def test_too_many_units(self, pair):
        many = xr.concat([pair[0]] * 4, "unit").chunk(trial=1, time=5)
        with pytest.raises(LabelError, match="28 units, whose sums of products"):
            analysis.pca(many)

    def test_files_are_read_in_chunks(self, pair, tmp_path):
        path = tmp_path / "activity.nc"
        pair[0].to_netcdf(path)
        with xr.open_dataarray(path) as opened:
            monkeypatched = analysis.pca(opened)
            assert not opened.variable._in_memory
        assert monkeypatched["scores"].chunks is not None


def test_a_cluster_computes_the_same(pair):
    distributed = pytest.importorskip("distributed")
    a, b = (v.chunk(trial=6, time=-1, unit=-1) for v in pair)
    want = analysis.cka(a, b), trials.average(a, "coherence")
    how = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "memory_limit": 0}
    with (
        distributed.LocalCluster(dashboard_address=":0", **how) as cluster,
        distributed.Client(cluster),
        dask.config.set(scheduler="distributed"),  # not that of the other tests
    ):
        got = analysis.cka(a, b), trials.average(a, "coherence")
    assert float(got[0]) == float(want[0])
    xr.testing.assert_identical(got[1], want[1])


@pytest.mark.parametrize(
    ("shape", "stored", "want"),
    [
        ((1000, 500, 200), {}, (167, 500, 200)),
        ((1000, 500, 200), {"trial": 25, "time": 30, "unit": 64}, (150, 500, 200)),
        ((4, 10**6, 200), {"trial": 1, "time": 1000, "unit": 200}, (1, 83000, 200)),
        ((4, 10**6, 200), {"trial": 2, "time": 10**6, "unit": 200}, (2, 10**6, 200)),
    ],
)
def test_sizes_of_chunks(monkeypatch, shape, stored, want):
    monkeypatch.setattr(chunked, "CHUNK", 1 << 26)
    sizes = chunked.chunk_sizes(("trial", "time", "unit"), shape, 4, stored)
    assert tuple(sizes.values()) == want


def test_streamed_runs(tmp_path, monkeypatch):
    """What `simulate(to=)` returns, and what `io.read` opens, go straight into averages and CKA."""
    pytest.importorskip("zarr")
    inputs = np.random.default_rng(3).normal(size=(12, 20, 2)).astype(np.float32)
    trial = {"trial": np.arange(20), "side": ("trial", np.arange(20) % 2)}
    drive = xr.DataArray(
        inputs, {"time": np.arange(1, 13) * 10.0, **trial}, ("time", "trial", "input")
    )
    run = nd.simulate(models.CTRNN(2, 9, 1, key=0), drive, key=1, to=tmp_path / "run.zarr", chunk=6)
    whole = run.load().copy(deep=True)
    opened = [
        nd.io.read(tmp_path / "run.zarr", lazy=True),
        xr.open_zarr(tmp_path / "run.zarr", chunks=None, consolidated=False),
    ]
    monkeypatch.setattr(chunked, "LARGE", 3000)
    means = trials.average(whole[["rate"]], "side")
    for lazy in opened:
        xr.testing.assert_allclose(trials.average(lazy[["rate"]], "side"), means, rtol=1e-6)
        assert abs(float(analysis.cka(lazy, whole) - 1)) < 1e-6
        assert not lazy.rate.variable._in_memory
