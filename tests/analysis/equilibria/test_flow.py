"""Flow fields and nullclines against equations written by hand."""

import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import analysis, labels, models

NEURON = models.reference.FitzHughNagumo(I=0.5)
WEIGHTS = (1.8 * np.random.default_rng(3).standard_normal((5, 5))).astype("float32")
NETWORK = models.CTRNN(2, 5, 1, W=WEIGHTS, tau=20.0, key=3)


def test_field_and_nullclines_of_a_neuron():
    field = analysis.flow_field(NEURON, limits=((-2.5, 2.5), (-1, 2)), n=120)
    labels.check(field)
    v, w = field["x"].values[:, None], field["y"].values[None, :]
    np.testing.assert_allclose(field["rate_x"], v - v**3 / 3 - w + 0.5, atol=1e-6)
    np.testing.assert_allclose(field["rate_y"], (v + 0.7 - 0.8 * w) / 12.5, atol=1e-7)
    np.testing.assert_allclose(field["speed"], np.hypot(field["rate_x"], field["rate_y"]))
    np.testing.assert_allclose(field["leaving"], 0, atol=1e-12)
    lines = analysis.nullclines(field)
    of_v, of_w = (lines.isel(vertex=lines["axis"].values == a) for a in "xy")
    np.testing.assert_allclose(of_v["y"], of_v["x"] - of_v["x"] ** 3 / 3 + 0.5, atol=2e-3)
    np.testing.assert_allclose(of_w["y"], (of_w["x"] + 0.7) / 0.8, atol=1e-5)
    assert lines["line"].values.max() == 1
    turned = analysis.flow_field(NEURON, plane=("w", "v"), limits=((-1, 2), (-2.5, 2.5)), n=120)
    np.testing.assert_allclose(turned["rate_x"].values, field["rate_y"].values.T, atol=1e-12)


def test_planes_through_a_network():
    points = analysis.fixed_points(NETWORK, n_starts=128)
    u = xr.DataArray([[0.0, 0.0], [1.0, -1.0]], {"condition": ["a", "b"]}, ("condition", "input"))
    field = analysis.flow_field(NETWORK, u, plane=points, n=7)
    labels.check(field)
    A, centre = field["axes"].values, field["centre"].values
    np.testing.assert_allclose(A.T @ A, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(centre, points["state"].mean("equilibrium"), atol=1e-12)
    values = nd.params.with_values(NETWORK)
    W, U, b = (np.asarray(getattr(values, n), np.float64) for n in ("W", "U", "b"))
    z = centre + field["x"].values[2] * A[:, 0] + field["y"].values[5] * A[:, 1]
    rate = (np.tanh(z @ W + u.values[1] @ U + b) - z) / 20.0
    at = field.sel(condition="b").isel(x=2, y=5)
    np.testing.assert_allclose([at["rate_x"], at["rate_y"]], rate @ A, atol=1e-14)
    assert float(at["speed"]) == pytest.approx(np.linalg.norm(rate))
    off = np.linalg.norm(rate - A @ (A.T @ rate)) / np.linalg.norm(rate)
    assert float(at["leaving"]) == pytest.approx(off)
    with pytest.raises(ValueError, match="one field"):
        analysis.nullclines(field)
    # The same plane, whether a run or its principal components name it; in any order of units.
    run = nd.simulate(NETWORK, np.ones((30, 4, 2), np.float32), dt=1.0, progress=False, key=0)
    first = analysis.flow_field(NETWORK, plane=run, n=5)
    second = analysis.flow_field(
        NETWORK, plane=analysis.pca(run["rate"].isel(unit=[3, 1, 0, 4, 2]), 2), n=5
    )
    np.testing.assert_allclose(first["rate_x"], second["rate_x"], atol=1e-5)
    fixed = points["state"][1]
    through = analysis.flow_field(
        NETWORK, plane=np.eye(5)[:2] + 1, limits=[(-1, 1), (-1, 1)], centre=fixed, n=3
    )
    np.testing.assert_allclose(through["speed"][1, 1], 0, atol=1e-14)


def test_fixed_points_of_a_network_are_its_states_and_not_its_rates_of_change():
    points = analysis.fixed_points(NETWORK, n_starts=128)
    xr.testing.assert_equal(analysis.linearise(NETWORK, points)["state"], points["state"])
    run = nd.simulate(NEURON, n_steps=3, dt=1.0, progress=False)
    turned = analysis.linearise(NEURON, run.isel(latent=[1, 0]))
    xr.testing.assert_equal(turned["state"], analysis.linearise(NEURON, run)["state"])


def test_planes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="5 entries"):
        analysis.flow_field(NETWORK)
    with pytest.raises(ValueError, match="limits"):
        analysis.flow_field(NEURON)
    with pytest.raises(ValueError, match="low, high"):
        analysis.flow_field(NEURON, limits=((1, 0), (0, 1)))
    with pytest.raises(ValueError, match="one line"):
        analysis.flow_field(NETWORK, plane=np.ones((2, 5)), limits=((0, 1), (0, 1)))
    with pytest.raises(ValueError, match="no unit 9"):
        analysis.flow_field(NETWORK, plane=(0, 9), limits=((0, 1), (0, 1)))
    with pytest.raises(ValueError, match="on a line"):
        analysis.flow_field(
            NETWORK, plane=xr.Dataset({"rate": (("time", "unit"), np.eye(5)[[0] * 3])})
        )
    with pytest.raises(ValueError, match="one finite state"):
        analysis.flow_field(NETWORK, plane=(0, 1), centre=np.ones((2, 5)))
    with pytest.raises(TypeError, match="spikes"):
        analysis.flow_field(models.spiking.Network(models.spiking.LIF(2), key=0))
