"""Input signals against their exact statistics, and the noise conventions against simulation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import labels, spikes
from neurodyn.engine import drive
from tests.neurodyn.flows import Leaky


def test_rows_are_held_from_the_start_of_their_step():
    np.testing.assert_array_equal(
        drive.step(6, 10.0, 2.0, start=20.0, stop=40.0), [0, 0, 2, 2, 0, 0]
    )
    np.testing.assert_array_equal(drive.step(3, 10.0), [1, 1, 1])
    # Each row is the mean of the ramp over its step; its sum is the area under the ramp.
    ramp = drive.ramp(10, 10.0, 3.0, start=20.0, stop=60.0)
    np.testing.assert_allclose(ramp, 3 * np.clip((np.arange(10) * 10 - 15) / 40, 0, 1), atol=1e-6)
    assert float(ramp.sum()) * 10 == pytest.approx(3.0 * (40 / 2 + 40), rel=1e-6)


def test_pulses_add_up_where_they_overlap():
    signal = drive.pulses(8, 5.0, [5.0, 10.0, 30.0], width=10.0, amplitude=0.5)
    np.testing.assert_array_equal(signal, [0, 0.5, 1.0, 0.5, 0, 0, 0.5, 0.5])
    # 0.1 * 3 is not 0.3: pulses keep their width at steps that binary numbers cannot hold.
    assert float(drive.pulses(100, 0.1, [0.3], width=0.5).sum()) == 5


@pytest.mark.parametrize("dt", [0.5, 5.0, 50.0])
def test_ornstein_uhlenbeck_statistics_are_exact_at_every_dt(dt):
    x = np.asarray(
        drive.ornstein_uhlenbeck(0, 40, dt, tau=20.0, std=0.3, mean=1.5, shape=(20_000,))
    )
    assert x.shape == (40, 20_000)
    # Every row over 20 000 channels: standard errors 0.5 % of std and 0.7 % of variance.
    np.testing.assert_allclose(x.mean(1), 1.5, atol=0.01)
    np.testing.assert_allclose(x.std(1), 0.3, rtol=0.025)
    z = (x - 1.5) / 0.3
    for lag in (1, 4, 16):
        expected = np.exp(-lag * dt / 20.0)
        found = (z[:-lag] * z[lag:]).mean(1)
        np.testing.assert_allclose(found, expected, atol=0.035)
        assert found.mean() == pytest.approx(expected, abs=0.01)
    assert abs((z**3).mean()) < 0.05


def test_pulses_have_one_amplitude_or_one_each():
    np.testing.assert_array_equal(drive.pulses(3, 1.0, [0.0, 1.0], 2.0, [1.0, 3.0]), [1, 4, 3])
    np.testing.assert_array_equal(drive.pulses(3, 1.0, 1.0, 1.0, 2.0), [0, 2, 0])


def test_ornstein_uhlenbeck_is_one_signal_per_key_and_channel():
    options = {"tau": 20.0, "std": 1.0, "shape": (500, 3)}
    a, b = (drive.ornstein_uhlenbeck(key, 50, 2.0, **options) for key in (0, jax.random.key(0)))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, drive.ornstein_uhlenbeck(1, 50, 2.0, **options))
    assert abs(np.corrcoef(a[20, :, 0], a[20, :, 1])[0, 1]) < 0.15


@pytest.mark.parametrize(("dt", "rate"), [(0.1, 40.0), (1.0, 7.0), (20.0, 150.0)])
def test_poisson_counts(dt, rate):
    counts = np.asarray(drive.poisson(3, jnp.full((200,), rate), 2000, dt))
    assert counts.shape == (2000, 200)
    expected = rate * dt / 1000
    total = counts.size * expected
    assert counts.mean() == pytest.approx(expected, rel=4 / np.sqrt(total))
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.02)
    assert (counts == 0).mean() == pytest.approx(np.exp(-expected), abs=0.01)


def test_poisson_rates_that_change_in_time():
    rates = jnp.tile(np.repeat([[10.0, 0.0], [80.0, 40.0]], 500, axis=0), (1, 50))
    counts = np.asarray(drive.poisson(0, rates, 1000, 10.0, per_step=True))
    time = labels.time_axis(1000, 10.0)
    named = xr.DataArray(np.asarray(rates).T, {"time": time}, dims=("input", "time"))
    np.testing.assert_array_equal(drive.poisson(0, named, 1000, 10.0), counts)
    counts = counts.reshape(2, 500, 50, 2).mean((1, 2)) * 100
    np.testing.assert_allclose(counts, [[10, 0], [80, 40]], rtol=0.05)


@pytest.mark.parametrize("n_steps", [9, 10, 11])
def test_poisson_rates_of_trials_are_constant_however_many_steps_there_are(n_steps):
    rates = np.repeat(np.arange(10.0)[:, None] * 1e4, 3, axis=1)  # 0 to 90 spikes in a step of 1 ms
    counts = np.asarray(drive.poisson(0, rates, n_steps, 1.0))
    assert counts.shape == (n_steps, 10, 3)
    assert (counts[:, 0] == 0).all()
    np.testing.assert_allclose(counts.mean((0, 2))[1:], rates[1:, 0] / 1000, rtol=0.4)


def test_spike_counts_put_every_spike_into_its_step():
    counts = drive.spike_counts([[0.0, 4.9, 5.0], [], [19.99]], 4, 5.0)
    np.testing.assert_array_equal(counts, [[2, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1]])


def test_diffusion_from_std_gives_that_deviation():
    # Small Euler-Maruyama steps of 20 000 units, from scratch.
    tau, std, dt = 5.0, 0.7, 0.05
    amplitude = drive.diffusion_from_std(std, tau)
    assert amplitude**2 * tau / 2 == pytest.approx(std**2)
    rng, x = np.random.default_rng(0), np.zeros(20_000)
    for _ in range(600):
        x += -x / tau * dt + amplitude * np.sqrt(dt) * rng.standard_normal(x.size)
    assert x.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.9])
def test_std_from_step_noise_against_its_recursion(alpha):
    tau, sigma = 100.0, 0.4
    rng, x = np.random.default_rng(1), np.zeros(40_000)
    for _ in range(int(8 / alpha)):
        x += alpha * (-x + sigma * np.sqrt(2 / alpha) * rng.standard_normal(x.size))
    expected = drive.std_from_step_noise(sigma, tau, alpha * tau)
    assert x.std() == pytest.approx(expected, rel=0.015)
    assert expected > sigma


def test_a_signal_drives_a_run():
    pulse = drive.pulses(100, 1.0, [20.0], width=30.0, amplitude=2.0)
    run = nd.integrate(Leaky(jnp.array([10.0])), pulse[:, None], dt=1.0)
    peak = 2 * (1 - 0.9**30)
    assert float(run.outputs.max()) == pytest.approx(peak, rel=1e-5)
    assert float(run.outputs[-1, 0]) == pytest.approx(peak * 0.9**50, rel=1e-4)


@pytest.mark.parametrize(("n", "dt"), [(3, 0.7), (3, 0.1), (6, 0.1), (7, 0.1), (11, 0.3)])
def test_edges_on_a_step_count_as_reached(n, dt):
    edge = round(n * dt, 9)  # as it would be written, and not what n * dt rounds to
    on = np.arange(20) >= n
    np.testing.assert_array_equal(drive.step(20, dt, start=edge), on)
    np.testing.assert_array_equal(drive.step(20, dt, stop=edge), ~on)
    assert np.flatnonzero(drive.spike_counts([[edge]], 20, dt)[:, 0]).tolist() == [n]


def test_a_spike_at_the_very_end_is_kept():
    assert float(drive.spike_counts([[np.nextafter(2.0, 0.0)]], 20, 0.1).sum()) == 1


@pytest.mark.parametrize("seed", [-1, 2**32, 2**40])
def test_seeds_that_would_meet_others_are_refused(seed):
    with pytest.raises(ValueError, match="from 0 to 2"):
        drive.poisson(seed, jnp.ones(2), 5, 1.0)


BAD = {
    "negative rate": (lambda: drive.poisson(0, [[1.0], [-5.0]], 2, 1.0), "at least 0 Hz"),
    "step": (lambda: drive.step(5, 1.0, start=4.0, stop=3.0), "start < stop"),
    "no steps": (lambda: drive.step(0, 1.0), "`n_steps` must be a whole number >= 1"),
    "dt": (lambda: drive.step(5, 0.0), "positive length"),
    "ramp": (lambda: drive.ramp(5, 1.0, start=4.0, stop=3.0), "start < stop"),
    "width": (lambda: drive.pulses(5, 1.0, [1.0], width=0.5), "shorter than the step"),
    "tau": (lambda: drive.ornstein_uhlenbeck(0, 5, 1.0, tau=0.0, std=1.0), "`tau` must be above 0"),
    "rates for other steps": (
        lambda: drive.poisson(0, np.ones((4, 3)), 5, 1.0, per_step=True),
        "need 5 rows",
    ),
    "labels against the keyword": (
        lambda: drive.poisson(0, xr.DataArray([1.0], dims="time"), 1, 1.0, per_step=False),
        "contradicts",
    ),
    "rates at other steps": (
        lambda: drive.poisson(
            0, xr.DataArray([1.0, 1.0], {"time": [5.0, 10.0]}, dims="time"), 2, 1.0
        ),
        "5",
    ),
    "infinite rate": (lambda: drive.poisson(0, np.inf, 2, 1.0), "finite"),
    # Rows are never told by a size that happens to be the number of steps.
    "amplitudes of other pulses": (
        lambda: drive.pulses(3, 1.0, [0.0, 1.0], 1.0, np.ones(3)),
        "one for each of the 2 pulses",
    ),
    "no onset": (lambda: drive.pulses(3, 1.0, [np.nan], 1.0), "finite times"),
    "endless ramp": (lambda: drive.ramp(3, 1.0, start=-np.inf, stop=2.0), "finite start < stop"),
    "means of steps": (
        lambda: drive.ornstein_uhlenbeck(
            0, 3, 1.0, tau=1.0, std=1.0, mean=np.ones((3, 2)), shape=2
        ),
        "fit a row of shape",
    ),
    "negative deviation": (
        lambda: drive.ornstein_uhlenbeck(0, 3, 1.0, tau=1.0, std=-1.0),
        "`std` must be at least 0",
    ),
    "one train without a channel": (lambda: drive.spike_counts([1.0], 4, 1.0), "for each channel"),
    "labelled spikes": (
        lambda: drive.spike_counts(spikes.from_times([[1.0]], window=(0, 4)), 4, 1.0),
        "spikes.bin",
    ),
    "no key": (lambda: drive.poisson(None, jnp.ones(2), 5, 1.0), "pass `key="),
    "late spike": (lambda: drive.spike_counts([[1.0, 7.0]], 4, 1.0), "Cut or shift them"),
    "early spike": (lambda: drive.spike_counts([[], [-1.0]], 4, 1.0), "Channel 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_signals_are_refused(case):
    call, match = BAD[case]
    with pytest.raises(ValueError, match=match):
        call()
