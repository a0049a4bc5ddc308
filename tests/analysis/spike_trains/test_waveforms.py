"""Aligned correlation and frequency of signals whose shift and frequency are known."""

import numpy as np
import pytest

from neurodyn.analysis import aligned_correlation, main_frequency

DT = 0.5
T = np.arange(4000) * DT


def sine(frequency, shift=0.0):
    return np.sin(2 * np.pi * frequency * (T - shift) / 1000)


def test_a_shifted_copy_correlates_fully_at_its_shift():
    got = aligned_correlation(1.2 * sine(5, 23.5), sine(5), longest=100.0, dt=DT)
    np.testing.assert_allclose(got["correlation"], 1, atol=1e-9)
    np.testing.assert_allclose(got["shift"], 23.5)
    np.testing.assert_allclose(got["gain"], 1.2, atol=1e-9)
    np.testing.assert_allclose(
        got["rmse"], np.sqrt(np.mean((1.2 * sine(5, 23.5) - sine(5)) ** 2)), rtol=1e-12
    )


def test_noise_lowers_it_as_theory_says():
    noise = np.random.default_rng(0).standard_normal(len(T))
    got = aligned_correlation(sine(5, -10.0) + noise, sine(5), longest=100.0, dt=DT)
    np.testing.assert_allclose(got["correlation"], np.sqrt(0.5 / 1.5), atol=0.03)
    np.testing.assert_allclose(got["shift"], -10.0, atol=3)


@pytest.mark.parametrize("frequency", [4.98, 5.0, 7.123])
def test_the_frequency_between_the_bins_is_found(frequency):
    found = main_frequency(sine(frequency), dt=DT)
    np.testing.assert_allclose(found, frequency, rtol=1e-4)
    assert (found.dims, found.attrs["units"]) == ((), "Hz")


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: aligned_correlation(T, T[:-1], longest=1.0, dt=DT), "agree in time"),
        (lambda: aligned_correlation(T, T, longest=1500.0, dt=DT), "less than half"),
        (lambda: main_frequency(T), "dt="),
        (lambda: main_frequency(np.full(10, np.nan), dt=1.0), "finite"),
    ],
)
def test_bad_calls_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_what_does_not_move_has_no_phase_and_no_frequency():
    for still in (np.zeros(len(T)), np.full(len(T), 0.1)):
        got = aligned_correlation(still, sine(5), longest=100.0, dt=DT)
        assert np.isnan([got["correlation"], got["shift"]]).all()
        assert float(got["gain"]) == pytest.approx(0, abs=1e-12)
        assert np.isnan(aligned_correlation(sine(5), still, longest=100.0, dt=DT)["gain"])
        assert np.isnan(main_frequency(still, dt=DT))
