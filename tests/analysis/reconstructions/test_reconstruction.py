"""Measures of reconstruction against dense histograms, SciPy, direct formulas and known floors."""

import itertools
import os
import tracemalloc
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d
from scipy.stats import multivariate_normal

from neurodyn import analysis, models, params
from neurodyn.labels import LabelError
from neurodyn.models import reference

A = 1e-5


def cloud(seed, n=2000, d=2, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + shift


def dense(generated, truth, n_bins, protocol):
    """The divergence from full histograms, as the publications write it."""
    sd = truth.std(0)
    if protocol == "inner":
        low, high = truth.min(0), truth.max(0)

        def counts(x):
            index = np.trunc(n_bins * (x - low) / (high - low))
            index[x == high] = n_bins  # which the division may round to below
            inside = ((index > 0) & (index < n_bins)).all(1)
            full = np.zeros((n_bins,) * x.shape[1])
            np.add.at(full, tuple(index[inside].astype(int).T), 1)
            return full

    else:
        margin = {
            "margin": (truth.min(0) - 0.1 * sd, truth.max(0) + 0.1 * sd),
            "two_sd": (truth.mean(0) - 2 * sd, truth.mean(0) + 2 * sd),
        }[protocol]
        edges = [np.linspace(a, b, n_bins + 1) for a, b in zip(*margin, strict=True)]

        def counts(x):
            return np.histogramdd(x, edges)[0]

    p, q = counts(truth) + A, counts(generated) + A
    p, q = p / p.sum(), q / q.sum()
    return np.sum(p * np.log(p / q))


# --- state space, by bins --------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["margin", "two_sd", "inner"])
@pytest.mark.parametrize(("d", "n_bins"), [(2, 30), (3, 12)])
def test_bins_equal_dense_histograms(protocol, d, n_bins):
    truth = cloud(0, d=d)
    for generated in (cloud(1, d=d), cloud(0, d=d, shift=0.05), truth[:500], truth):
        got = analysis.state_space_divergence(generated, truth, n_bins=n_bins, protocol=protocol)
        expected = dense(generated, truth, n_bins, protocol)
        np.testing.assert_allclose(got["d_stsp"], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("protocol", ["margin", "two_sd", "inner"])
def test_the_measure_for_training_equals_the_other(protocol, x64):
    measure = jax.jit(analysis.StateSpaceDivergence(9, protocol=protocol))
    truth = cloud(0, d=3)
    for generated in (cloud(1, d=3), truth + 0.05, truth):
        expected = analysis.state_space_divergence(generated, truth, n_bins=9, protocol=protocol)
        got = measure(jnp.asarray(truth), jnp.asarray(generated))
        # No sample of these clouds lies on an edge but the ends, which are asked for by themselves.
        np.testing.assert_allclose(got, expected["d_stsp"], rtol=1e-9, atol=1e-12)


def test_the_measure_for_training_in_single_precision_and_many_dimensions():
    truth, generated = (cloud(s, n=3000, d=5).astype(np.float32) for s in (0, 1))
    got = jax.jit(analysis.StateSpaceDivergence(30))(jnp.asarray(truth), jnp.asarray(generated))
    assert got.dtype == jnp.float32
    expected = analysis.state_space_divergence(generated, truth, n_bins=30)["d_stsp"]
    np.testing.assert_allclose(got, expected, rtol=2e-3)


def test_the_measure_for_training_reports_failures():
    measure, truth = analysis.StateSpaceDivergence(10), jnp.asarray(cloud(0), jnp.float32)
    compiled = jax.jit(measure)
    assert np.isnan(compiled(truth, truth.at[5].set(jnp.nan)))
    assert np.isnan(compiled(truth, truth + 1e6))
    assert measure.name == "d_stsp"
    with pytest.raises(ValueError, match="fewer than"):
        measure(jnp.zeros((5, 12)), jnp.zeros((5, 12)))
    with pytest.raises(ValueError, match="same channels"):
        measure(truth, truth[:, :1])


def test_thirty_bins_in_five_dimensions_take_little_memory():
    """24.3 million bins: 100 000 samples, below 500 MB."""
    truth, generated = cloud(0, 100_000, 5), cloud(1, 100_000, 5)
    tracemalloc.start()
    score = analysis.state_space_divergence(generated, truth, n_bins=30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(score["d_stsp"])
    assert peak < 500e6


def test_the_value_grows_with_samples_as_documented():
    """What only the truth visits costs log(n / a)."""
    truth = np.concatenate([np.zeros((50, 1)), np.ones((50, 1))])
    one_side = np.zeros((100, 1))
    got = analysis.state_space_divergence(one_side, truth, n_bins=2)["d_stsp"].item()
    assert got == pytest.approx(0.5 * np.log(0.5) + 0.5 * np.log(50 / A), rel=1e-4)


# --- state space, by Gaussians ---------------------------------------------------------------


def test_mixtures_equal_a_direct_formula():
    truth, generated = cloud(0, 60, 3), cloud(1, 50, 3)
    got = analysis.mixture_divergence(generated, truth, variance=0.5, n_draws=40, key=7)
    rng = np.random.default_rng(7)
    x = truth[rng.integers(60, size=40)] + np.sqrt(0.5) * rng.standard_normal((40, 3))

    def density(x, centres):
        return np.mean([multivariate_normal.pdf(x, c, 0.5) for c in centres], axis=0)

    expected = np.mean(np.log(density(x, truth)) - np.log(density(x, generated)))
    np.testing.assert_allclose(got["d_stsp"], expected, rtol=1e-10)


def test_mixtures_of_far_models_do_not_underflow():
    """Two points far apart: the divergence is half the squared distance over the variance."""
    truth = np.zeros((10, 2)) + 1e-9 * np.arange(20).reshape(10, 2)
    got = analysis.mixture_divergence(truth + 100.0, truth, n_draws=1000)
    np.testing.assert_allclose(got["d_stsp"], 10_000.0, rtol=0.02)
    assert analysis.mixture_divergence(truth, truth)["d_stsp"].item() == 0


def test_gaussians_stand_on_samples_of_all_trajectories():
    """Two trajectories far apart: a model that stays in the second one misses half of the draws."""
    near, far = cloud(0, 50), cloud(1, 50) + 40.0
    truth = np.stack([near, far])
    score = analysis.mixture_divergence(far, truth, n_components=20, n_draws=2000)
    half = analysis.mixture_divergence(far, near, n_components=20, n_draws=2000)
    assert score.attrs["n_truth"] == 20
    assert score["d_stsp"].item() == pytest.approx(half["d_stsp"].item() / 2, rel=0.1)


def test_gaussians_for_training_diverge_as_gaussians_do():
    """Two unit Gaussians that are 3 apart in both of two dims diverge by (9 + 9) / 2."""
    measure = jax.jit(analysis.MixtureDivergence(n_draws=4000))
    near = 0.01 * jax.random.normal(jax.random.key(0), (300, 2))
    assert float(measure(near, near)) == 0
    assert float(measure(near + 3.0, near)) == pytest.approx(9.0, rel=0.03)
    truth, generated = (cloud(s, 300, 3).astype(np.float32) for s in (0, 1))
    expected = analysis.mixture_divergence(generated, truth, n_draws=4000)
    error = 5 * expected["standard_error"].item()
    assert float(measure(truth, generated)) == pytest.approx(expected["d_stsp"].item(), abs=error)


def test_a_run_that_breaks_off_has_no_divergence_from_gaussians():
    """Also where none of the samples that carry a Gaussian is broken."""
    measure, truth = analysis.MixtureDivergence(n_components=10, n_draws=10), jnp.zeros((100, 2))
    assert np.isnan(measure(truth, truth.at[99].set(jnp.nan)))
    with pytest.raises(ValueError, match="same channels"):
        measure(truth, truth[:, :1])
    with pytest.raises(ValueError, match="above 0"):
        analysis.MixtureDivergence(variance=0.0)


def test_only_so_many_samples_carry_a_gaussian():
    truth = cloud(0, 300)
    few = analysis.mixture_divergence(truth, truth, n_components=100)
    assert few.attrs["n_truth"] == 100
    assert few["d_stsp"].item() == 0
    assert few["standard_error"].item() == 0


# --- spectra ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [1.0, 7.0])
def test_spectra_equal_scipy(sigma):
    rng = np.random.default_rng(0)
    truth, generated = np.cumsum(rng.normal(size=(2, 400, 2)), 1) * 0.1 + rng.normal(
        size=(2, 400, 2)
    )

    def spectrum(x):
        power = np.abs(np.fft.rfft((x - x.mean()) / x.std())) ** 2
        power = gaussian_filter1d(power, sigma, mode="reflect")
        return power / power.sum()

    expected = [
        np.sqrt(1 - np.sum(np.sqrt(spectrum(truth[:, i]) * spectrum(generated[:, i]))))
        for i in range(2)
    ]
    got = analysis.spectral_distance(generated, truth, sigma=sigma)
    np.testing.assert_allclose(got["hellinger"], expected, rtol=1e-6)
    np.testing.assert_allclose(got["d_h"], np.mean(expected), rtol=1e-6)
    power = analysis.power_spectrum(truth, sigma=sigma, dt=10.0)
    np.testing.assert_allclose(power[:, 0], spectrum(truth[:, 0]), rtol=1e-10)
    assert power["frequency"].values[-1] == pytest.approx(50.0)
    assert power["frequency"].attrs["units"] == "Hz"


def test_spectra_of_different_tones_do_not_overlap():
    t = np.arange(4000.0)
    slow, fast = np.sin(t / 50)[:, None], np.sin(t)[:, None]
    assert analysis.spectral_distance(fast, slow, sigma=1.0)["d_h"].item() > 0.98
    assert analysis.spectral_distance(slow, slow)["d_h"].item() == 0


# --- prediction ------------------------------------------------------------------------------


def test_prediction_error_equals_a_loop():
    truth = np.random.default_rng(0).uniform(0.1, 0.9, size=(30, 1))
    got = analysis.prediction_error(reference.Logistic(r=3.9), truth, n_steps=4)
    expected = []
    for h in range(1, 5):
        squares = []
        for t in range(26):
            x = truth[t]
            for _ in range(h):
                x = 3.9 * x * (1 - x)
            squares.append((x - truth[t + h]) ** 2)
        expected.append(np.mean(squares))
    np.testing.assert_allclose(got["prediction_error"], expected, rtol=1e-4)
    assert got["horizon"].values.tolist() == [1, 2, 3, 4]


def test_a_system_predicts_itself():
    system = reference.Henon()
    x, path = np.array([0.1, 0.1]), []
    for _ in range(300):
        x = np.array([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])
        path.append(x)
    got = analysis.prediction_error(system, np.stack(path), n_steps=5)
    assert (got["prediction_error"] < 1e-8).all()
    far = analysis.prediction_error(system, 50 + np.stack(path), n_steps=12)
    assert far["status"].item() == "diverged"
    assert np.isnan(far["prediction_error"].values[-1])


def test_prediction_starts_where_the_model_infers():
    model = models.ALRNN(0, 6, 2, n_relu=1, key=0)
    truth = cloud(0, 40)
    got = analysis.prediction_error(model, truth, n_steps=1)
    step = jax.jit(lambda x: model.step(model.infer(x))[:2])
    expected = [
        np.mean((np.asarray(step(jnp.asarray(x, jnp.float32))) - y) ** 2)
        for x, y in itertools.pairwise(truth)
    ]
    np.testing.assert_allclose(got["prediction_error"], [np.mean(expected)], rtol=1e-4)


def test_models_that_the_truth_does_not_tell_all_about_are_refused():
    with pytest.raises(ValueError, match="1 inputs"):
        analysis.prediction_error(models.ALRNN(1, 6, 2, n_relu=1, key=0), cloud(0, 40))
    of_subjects = models.ALRNN(0, 6, 2, n_relu=1, h=params.Indexed(3, by="subject"), key=0)
    with pytest.raises(ValueError, match=r"rows\(model, subject=0\)"):
        analysis.prediction_error(of_subjects, cloud(0, 40))


def test_valid_time_is_that_of_the_first_error():
    truth = np.tile([[1.0], [-1.0]], (50, 1))  # standard deviation 1
    run = truth.copy()
    run[30:] += 0.6
    late = truth + 0.4
    broken = truth.copy()
    broken[10] = np.nan
    got = analysis.valid_prediction_time(np.stack([run, late, broken]), truth, dt=2.0, exponent=0.1)
    np.testing.assert_allclose(got["valid_time"], [60.0, 200.0, 20.0])
    np.testing.assert_allclose(got["lyapunov_times"], [6.0, 20.0, 2.0])
    assert got["status"].values.tolist() == ["ok", "censored", "ok"]


# --- together --------------------------------------------------------------------------------


def test_runs_of_an_ensemble_keep_their_labels_and_failures():
    truth = cloud(0, 400)
    good, frozen, broken = cloud(0, 400), np.zeros((400, 2)), cloud(2, 400)
    broken[200:] = np.nan
    runs = xr.DataArray(
        np.stack([good, frozen, broken])[:, None],
        {"seed": [3, 5, 7], "time": np.arange(1.0, 401.0)},
        ("seed", "trial", "time", "output"),
    )
    got = analysis.reconstruction(runs, truth, n_bins=8, sigma=5.0)
    assert got["d_stsp"].dims == ("seed", "trial")
    assert got["seed"].values.tolist() == [3, 5, 7]
    assert got["status"].values[:, 0].tolist() == ["ok", "constant", "diverged"]
    assert got["d_stsp"].values[0, 0] == 0
    assert got["d_stsp"].values[1, 0] > 5
    assert np.isnan(got["d_h"].values[1:]).all()
    assert np.isnan(got["d_stsp"].values[2, 0])
    assert got.attrs["n_truth"] == 400
    assert got.attrs["protocol"] == "alrnn"


def test_protocols_switch_to_gaussians_at_their_own_number_of_channels():
    truth, run = cloud(0, 200, 8), cloud(1, 200, 8)
    options = {"sigma": 2.0, "n_bins": 3}
    bins = analysis.reconstruction(run, truth, **options)
    gaussians = analysis.reconstruction(run, truth, protocol="gtf", **options)
    assert bins.attrs["divergence"] == "margin"
    assert gaussians.attrs["divergence"] == "mixture"


def test_floor_of_halves():
    x = cloud(0, 4000)
    floor = analysis.reconstruction_floor(x, n_bins=10)
    direct = analysis.reconstruction(x[2000:], x[:2000], n_bins=10)
    assert floor["d_stsp"].item() == direct["d_stsp"].item()
    assert floor["d_stsp"] < 0.5


# --- what is refused -------------------------------------------------------------------------


def holed():
    x = cloud(0, 100)
    x[3] = np.nan
    return x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: analysis.state_space_divergence(x[:, 0], x), "must be .time, channel."),
        (lambda x: analysis.state_space_divergence(x[:, :1], x), "1 channels and `truth` 2"),
        (lambda x: analysis.state_space_divergence(x, holed()), "NaN or infinite values in 1"),
        (lambda x: analysis.state_space_divergence(x, 0 * x), r"constant in channels \[0, 1\]"),
        (lambda x: analysis.state_space_divergence(x, x, n_bins=1), ">= 2"),
        (lambda x: analysis.state_space_divergence(x, x, protocol="julia"), "margin, two_sd"),
        (lambda x: analysis.state_space_divergence(x, x, smoothing=0.0), "above 0"),
        (
            lambda x: analysis.state_space_divergence(cloud(0, 9, 20), cloud(1, 9, 20)),
            "mixture_divergence",
        ),
        (lambda x: analysis.mixture_divergence(x, x, variance=0.0), "above 0"),
        (lambda x: analysis.mixture_divergence(x, x, n_draws=1), ">= 2"),
        (lambda x: analysis.spectral_distance(x[:50], x), "equal lengths"),
        (lambda x: analysis.spectral_distance(x, x, sigma=20.0), "too few to smooth by 20"),
        (lambda x: analysis.spectral_distance(x, x, sigma=-1.0), ">= 0"),
        (lambda x: analysis.reconstruction(x, x, protocol="mine"), "alrnn"),
        (lambda x: analysis.reconstruction(x, x, sigma=2.0, n_spectrum=200), "only 100"),
        (lambda x: analysis.reconstruction_floor(np.stack([x, x])), "2 trajectories"),
        (lambda x: analysis.valid_prediction_time(x[:50], x, dt=1.0), "must be the same"),
        (lambda x: analysis.valid_prediction_time(x, x, dt=0.0), "`dt` must be"),
        (lambda x: analysis.prediction_error(reference.Henon(), x[:5], n_steps=5), "too few"),
        (lambda x: analysis.prediction_error(reference.Logistic(), x), "1 outputs"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(cloud(0, 100))


def test_other_things_are_refused():
    x = cloud(0, 100)
    with pytest.raises(LabelError, match="'time'"):
        analysis.state_space_divergence(xr.DataArray(x, dims=("step", "output")), x)
    with pytest.raises(LabelError, match="`generated` needs one variable with the dims time"):
        analysis.state_space_divergence(xr.Dataset(), x)
    with pytest.raises(TypeError, match="must be a system"):
        analysis.prediction_error(3, x)
    with pytest.raises(TypeError, match="infer"):
        analysis.prediction_error(models.GRU(0, 3, 2, key=0), x)


# --- floors on stored data -------------------------------------------------------------------

DATA = Path(os.environ.get("NEURODYN_DATA", "nowhere")) / "dsr"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data of the reconstruction benchmarks")
def test_floors_of_stored_lorenz_trajectories():
    """One trajectory of the truth against another, as measured independently, in two codes."""
    train, test = (np.load(DATA / f"alrnn_py_lorenz63_{name}.npy") for name in ("train", "test"))
    julia = analysis.state_space_divergence(train, test)
    python = analysis.state_space_divergence(train, test, protocol="inner")
    assert julia["d_stsp"].item() == pytest.approx(0.14, abs=0.005)
    assert python["d_stsp"].item() == pytest.approx(0.16, abs=0.005)
    assert analysis.spectral_distance(test, train)["d_h"].item() == pytest.approx(0.055, abs=0.001)
    begin = train[500:10_500]
    for protocol, floor in (("margin", 0.36), ("inner", 0.39)):
        few = analysis.state_space_divergence(begin, test, protocol=protocol)
        assert few["d_stsp"].item() == pytest.approx(floor, abs=0.005)
    short = analysis.spectral_distance(test[:10_000], train[:10_000])
    assert short["d_h"].item() == pytest.approx(0.031, abs=0.005)
