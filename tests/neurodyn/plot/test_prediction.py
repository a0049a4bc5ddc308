"""Figures of predictions."""

import io

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurodyn import labels, plot
from neurodyn.common.intervals import t_interval

RNG = np.random.default_rng(0)
N_TRIALS, N_TIMES, N_AHEAD, WINDOW = 2, 20, 5, 4


def result(*, std=True, windows=True):
    dims = ("trial", "time", "horizon", "output")
    x = RNG.normal(size=(N_TRIALS, N_TIMES, N_AHEAD, 3))
    variables = {"prediction": (dims, x, "1", "prediction")}
    coords = {"time": labels.time_axis(N_TIMES, 10.0), "horizon": np.arange(1, N_AHEAD + 1)}
    if std:
        variables["prediction_std"] = (dims, np.abs(x), "1", "spread")
    if windows:
        seen = RNG.normal(size=(N_TRIALS, WINDOW, N_TIMES, 3))
        variables["postdiction"] = (("trial", "lag", "time", "output"), seen, "1", "window")
        coords["lag"] = -10.0 * np.arange(WINDOW)
    return labels.dataset(variables, coords, source="model")


def errors(n_seeds=4):
    values = RNG.normal(size=(n_seeds, 6, N_AHEAD)) ** 2
    network = xr.DataArray(values, {"horizon": np.arange(1, 6)}, ("seed", "trial", "horizon"))
    return xr.Dataset({"network": network, "bound": network.isel(seed=0, drop=True)})


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def test_a_stream_with_its_windows_and_fans():
    observed = RNG.normal(size=(N_TRIALS, N_TIMES, 3))
    figure = plot.error_regression(result(), observed, trial=1, times=[60.0, 120.0])
    assert len(figure.axes) == 2  # the first two of three outputs
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["observed"].get_ydata(), observed[1, :, 0])
    np.testing.assert_allclose(lines["predicted"].get_xdata(), 60 + 10.0 * np.arange(1, 6))
    np.testing.assert_allclose(lines["explained"].get_xdata(), [30, 40, 50, 60])
    assert len(figure.axes[0].collections) == 4  # one and two deviations, from two times
    pixels(figure)


def test_without_spread_and_windows_there_is_less():
    observed = RNG.normal(size=(N_TRIALS, N_TIMES, 3))
    figure = plot.error_regression(result(std=False, windows=False), observed, output=[2])
    assert len(figure.axes) == 1
    assert not figure.axes[0].collections
    pixels(figure)


def test_errors_have_their_intervals_over_seeds():
    ds = errors()
    figure = plot.prediction_error(ds, reference=["bound"])
    curve, bound = figure.axes[0].lines
    means = ds["network"].mean("trial")
    np.testing.assert_allclose(curve.get_ydata(), means.mean("seed"))
    np.testing.assert_allclose(bound.get_ydata(), ds["bound"].mean("trial"))
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    low, high = stats.t.interval(
        0.95, 3, means.isel(horizon=0).mean(), stats.sem(means.isel(horizon=0))
    )
    at_first = band[np.isclose(band[:, 0], 1), 1]
    np.testing.assert_allclose([at_first.min(), at_first.max()], [low, high])
    pixels(figure)


def test_every_predictor_is_drawn_and_looks_different():
    one = errors()["network"]
    figure = plot.prediction_error(xr.Dataset({f"p{i}": one + i for i in range(8)}))
    lines = figure.axes[0].lines
    assert len(lines) == 8
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8
    many = {f"r{i}": one for i in range(6)}
    figure = plot.prediction_error(xr.Dataset(many), reference=list(many))
    assert len(figure.axes[0].lines) == 6
    with pytest.raises(ValueError, match="21 predictors"):
        plot.prediction_error(xr.Dataset({f"p{i}": one for i in range(21)}))


def test_outputs_go_by_their_names():
    named = result().assign_coords(output=["x", "y", "z"])
    figure = plot.error_regression(named, RNG.normal(size=(N_TRIALS, N_TIMES, 3)))
    assert [ax.get_ylabel() for ax in figure.axes] == ["x", "y"]
    figure = plot.error_regression(result(), RNG.normal(size=(N_TRIALS, N_TIMES, 3)))
    assert [ax.get_ylabel() for ax in figure.axes] == ["output 0", "output 1"]


@pytest.mark.parametrize("n", [1, 2])
def test_one_network_has_no_interval(n):
    _, half = t_interval(errors(n)["network"])
    assert (half is None) == (n == 1)
