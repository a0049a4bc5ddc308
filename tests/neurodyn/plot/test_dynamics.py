"""Figures of dynamical systems draw what they are given."""

import io

import numpy as np
import pytest

from neurodyn import analysis, plot
from neurodyn.models import reference


def drawn(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert all(ax.has_data() for ax in figure.axes)
    return figure


def test_lyapunov():
    system = reference.Henon()
    result = analysis.lyapunov(system, n_steps=200, n_trials=2, key=0)
    figure = drawn(plot.lyapunov(result, known=system.exponents()))
    assert len(figure.axes[0].lines) == 2 * 2 + 2 + 1
    with pytest.raises(ValueError, match="running"):
        plot.lyapunov(result[["lyapunov"]])
    with pytest.raises(ValueError, match="diverged"):
        plot.lyapunov(result.assign(running=result["running"] * np.nan))


def walks(n):
    return np.cumsum(np.random.default_rng(0).normal(size=(2, n, 3)), 1)


@pytest.mark.parametrize("channels", [(0, 1, 2), (2, 0)])
def test_projections(channels):
    truth, generated = walks(300)
    figure = drawn(plot.projections(truth, generated[None], channels=channels))
    line = figure.axes[1].lines[0]
    np.testing.assert_allclose(
        line.get_data_3d()[0] if len(channels) == 3 else line.get_xdata(), generated[:, channels[0]]
    )
    with pytest.raises(ValueError, match="two or three"):
        plot.projections(truth, generated, channels=(0,))
    with pytest.raises(ValueError, match="no number 5"):
        plot.projections(truth, generated, channels=(0, 5))


def test_spectra():
    truth, generated = walks(300)
    p, q = (analysis.power_spectrum(x, sigma=2.0, dt=1.0) for x in (truth, generated))
    distance = analysis.spectral_distance(generated, truth, sigma=2.0)
    figure = drawn(plot.spectra(p, q, distance=distance))
    assert len(figure.axes) == 3
    assert "distance" in figure.axes[0].get_title()
    with pytest.raises(ValueError, match="channels"):
        plot.spectra(p, q.isel(channel=slice(2)))


def test_bifurcation():
    sweep = analysis.bifurcation(reference.Logistic(), "r", [3.2, 3.5], n_steps=50)
    figure = drawn(plot.bifurcation(sweep))
    assert figure.axes[0].get_xlabel() == "r"
    with pytest.raises(ValueError, match="value"):
        plot.bifurcation(sweep.drop_vars("value"))
