"""Closed-loop predictions against systems whose future is known, and against a plain loop."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import analysis, labels, models, params
from neurodyn.engine.drive import Drive
from neurodyn.system import AbstractMap, State

OBSERVED = np.random.default_rng(0).normal(size=(3, 6, 2))


class Rotation(AbstractMap):
    """Expects every observation to be followed by its rotation."""

    n_inputs: int = eqx.field(static=True, default=2)
    n_outputs: int = eqx.field(static=True, default=2)
    R: Any = eqx.field(default_factory=lambda: jnp.asarray(ROTATION))

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(2, self.R.dtype))

    def update(self, state, u, *, key):
        return State(self.R @ u.input)

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {}

    def variables(self):
        return {}

    def unit_coords(self):
        return {}


angle = 0.3
ROTATION = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_a_predictor_that_knows_the_law_is_right_at_every_horizon(x64):
    got = analysis.forecast(Rotation(), OBSERVED, n_horizons=4)
    labels.check(got)
    assert dict(got.sizes) == {"trial": 3, "time": 6, "horizon": 4, "output": 2}
    assert got["horizon"].values.tolist() == [1, 2, 3, 4]
    for h in range(1, 5):
        power = np.linalg.matrix_power(ROTATION, h)
        expected = OBSERVED @ power.T
        np.testing.assert_allclose(got["prediction"].sel(horizon=h), expected, atol=1e-12)


def test_error_counts_the_same_times_at_all_horizons(x64):
    start = np.array([1.0, 0.5])
    orbit = np.array([np.linalg.matrix_power(ROTATION, k) @ start for k in range(9)])[None]
    got = analysis.forecast(Rotation(), orbit, n_horizons=3)
    np.testing.assert_allclose(analysis.forecast_error(got, orbit), 0, atol=1e-24)
    wrong = got["prediction"] + xr_ramp(got)
    error = analysis.forecast_error(wrong, orbit)
    # Only the first six times have all three horizons inside the sequence.
    expected = np.mean(np.arange(6.0) ** 2)
    np.testing.assert_allclose(error, np.full((1, 3), expected))


def xr_ramp(got):
    return got["prediction"] * 0 + np.arange(got.sizes["time"])[None, :, None, None]


@pytest.mark.parametrize("make", [models.LSTM, models.VRNN])
def test_networks_against_a_loop(make, x64):
    model = make(2, 4, 2, key=1)
    got = analysis.forecast(model, OBSERVED, n_horizons=3)["prediction"]
    model = params.with_values(model)
    update, generate = eqx.filter_jit(model.update), getattr(model, "generate", None)
    for b in (0, 2):
        state = model.initial_state(dt=1.0)
        for t in range(6):
            state = update(state, Drive(input=jnp.asarray(OBSERVED[b, t])), key=None)
            ahead = state
            for h in range(3):
                if generate is not None:
                    ahead = generate(ahead, key=None)
                    expected = model.readout(ahead)
                else:
                    expected = model.readout(ahead)
                    ahead = update(ahead, Drive(input=expected), key=None)
                np.testing.assert_allclose(got[b, t, h], expected, atol=1e-12)


def test_it_never_looks_ahead():
    model = models.VRNN(2, 4, 2, key=1)
    later = OBSERVED.copy()
    later[:, 4:] += 10
    a, b = (
        analysis.forecast(model, x, n_horizons=2, n_samples=3, key=0)["prediction"].values
        for x in (OBSERVED, later)
    )
    np.testing.assert_array_equal(a[:, :4], b[:, :4])
    assert (a[:, 4:] != b[:, 4:]).any()


def test_samples_have_a_spread_and_their_mean_comes_near_the_law(x64):
    model = models.VRNN(2, 4, 2, key=1)
    got = analysis.forecast(model, OBSERVED, n_horizons=2, n_samples=400, key=0)
    labels.check(got)
    one = analysis.forecast(model, OBSERVED, n_horizons=2, n_samples=200, key=1)
    error = got["prediction_std"].values / np.sqrt(200)
    apart = np.abs(got["prediction"].values - one["prediction"].values)
    assert (got["prediction_std"] > 0).all()
    # The past is drawn too, so that only the first step's predictions have the same law.
    assert (apart[:, 0] < 6 * error[:, 0] + 0.1).all()


def test_bad_arguments_are_named(key):
    model = models.LSTM(2, 4, 2, key=0)
    with pytest.raises(ValueError, match=r"\(trial, time, output\)"):
        analysis.forecast(model, OBSERVED[0], n_horizons=2)
    with pytest.raises(ValueError, match="3 numbers"):
        analysis.forecast(model, np.zeros((2, 4, 3)), n_horizons=2)
    with pytest.raises(ValueError, match="NaN"):
        analysis.forecast(model, OBSERVED * np.nan, n_horizons=2)
    with pytest.raises(ValueError, match="n_horizons"):
        analysis.forecast(model, OBSERVED, n_horizons=0)
    with pytest.raises(ValueError, match="key"):
        analysis.forecast(model, OBSERVED, n_horizons=1, n_samples=5)
    with pytest.raises(TypeError, match="flow"):
        analysis.forecast(models.CTRNN(2, 4, 2, tau=50.0, key=0), OBSERVED, n_horizons=1)
    short = analysis.forecast(model, OBSERVED, n_horizons=6)
    with pytest.raises(ValueError, match="too short"):
        analysis.forecast_error(short, OBSERVED)
    assert jax.random.key_data(key).shape == (2,)
