"""Phase portraits, fixed points and spectra draw what they are given."""

import io

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import analysis, models, plot

NETWORK = models.CTRNN(1, 3, 1, W=2 * np.eye(3, dtype="float32"), form="current", key=0)


@pytest.fixture(scope="module")
def points():
    return analysis.fixed_points(NETWORK, n_starts=512)


@pytest.fixture(scope="module")
def run():
    noise = np.random.default_rng(0).normal(size=(50, 4, 1)).astype(np.float32)
    return nd.simulate(NETWORK, noise, dt=1.0, save=("current",), progress=False)


def drawn(figure):
    figure.savefig(io.BytesIO(), format="png")
    assert all(ax.has_data() for ax in figure.axes)
    return figure.axes[0]


def test_portrait(points, run):
    field = analysis.flow_field(NETWORK, plane=(0, 2), limits=((-3, 3), (-3, 3)), n=20)
    ax = drawn(plot.portrait(field, points, trajectories=run, arrows="arrows"))
    words = {text.get_text() for text in ax.figure.legends[0].get_texts()}
    assert words == {
        "no change of unit 0",
        "no change of unit 2",
        "stable point",
        "saddle point",
        "unstable point",
    }
    stable = next(line for line in ax.lines if line.get_label() == "stable point")
    np.testing.assert_allclose(np.abs(stable.get_xydata()), 1.9150080482, atol=1e-6)
    assert stable.get_markerfacecolor() == "black"
    turned = run.isel(unit=[2, 0, 1])
    other = drawn(plot.portrait(field, trajectories=turned, arrows="none", nullclines=False))
    np.testing.assert_allclose(
        other.lines[0].get_xydata(), run["current"].isel(trial=0, unit=[0, 2]), atol=1e-6
    )
    drawn(plot.portrait(field))
    with pytest.raises(ValueError, match="arrows"):
        plot.portrait(field, arrows="lines")
    with pytest.raises(ValueError, match="one input"):
        plot.portrait(field.expand_dims("sweep"))


@pytest.mark.parametrize("dims", [2, 3])
def test_fixed_points(points, run, dims):
    ax = drawn(plot.fixed_points(points, run=run, dims=dims))
    words = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert words == ["stable (8)", "index 1 (12)", "index 2 (6)", "index 3 (1)"]
    # Trials; indices; a line for each direction that grows.
    assert len(ax.lines) == 4 + 4 + 12 + 2 * 6 + 3
    with pytest.raises(ValueError, match="2 or 3"):
        plot.fixed_points(points, dims=4)
    with pytest.raises(ValueError, match="no fixed points"):
        plot.fixed_points(points.isel(equilibrium=[]))
    with pytest.raises(ValueError, match="records it"):
        plot.fixed_points(points, run=run.drop_vars("current"))


def test_spectrum(points):
    ax = drawn(plot.spectrum(points))
    here = {line.get_label(): line.get_xdata() for line in ax.lines}
    np.testing.assert_allclose(here["index 3"], points["eigenvalue_real"][-1])
    assert len(here["stable"]) == 8 * 3
    gated = analysis.linearise(models.GRU(1, 3, 1, key=0), np.zeros(3))
    assert drawn(plot.spectrum(gated)).patches[0].radius == 1.0
