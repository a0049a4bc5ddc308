"""Branches and bifurcations of systems whose diagrams are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import analysis, labels, models, plot
from neurodyn.system import State
from tests.analysis.equilibria.flows import AbstractSeen


class Normal(AbstractSeen):
    """A normal form, with the parameter ``r``."""

    r: object
    form: str
    n_inputs: int = 0
    n_outputs: int = 1

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(2 if self.form == "Hopf" else 1))

    def drift(self, t, state, u):
        r, x = self.r, state.x
        if self.form == "fold":
            return r + x**2
        if self.form == "pitchfork":
            return r * x - x**3
        if self.form == "circle":  # a closed branch: r**2 + x**2 = 1
            return x**2 + r**2 - 1
        turn = jnp.stack([-x[1], x[0]])
        return r * x + turn - (x @ x) * x


def bends(branches):
    """Kind, parameter and state of the special points."""
    at = branches.isel(equilibrium=np.flatnonzero(branches["kind"] != "regular"))
    return list(zip(at["kind"].values, at["parameter"].values, at["state"].values, strict=True))


def test_normal_forms():
    fold = analysis.continuation(Normal(jnp.array(-1.0), "fold"), "r", [[-1.0]], (-2, 2))
    labels.check(fold)
    ((kind, r, x),) = bends(fold)
    assert (kind, r, *x) == ("fold", pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-6))
    np.testing.assert_allclose(fold["parameter"], -(fold["state"].values[:, 0] ** 2), atol=1e-10)
    np.testing.assert_allclose(fold["parameter"][[0, -1]], -2)
    stable = fold["state"].values[:, 0] < -1e-6
    assert (fold["stability"].values[stable] == "stable").all()
    fork = analysis.continuation(Normal(jnp.array(-1.0), "pitchfork"), "r", [[0.0]], (-2, 2))
    ((kind, r, x),) = bends(fork)
    assert (kind, r, *x) == ("pitchfork", pytest.approx(0, abs=1e-7), 0.0)
    new = fork.isel(equilibrium=np.flatnonzero(fork["branch"] == 1))
    np.testing.assert_allclose(new["parameter"], new["state"].values[:, 0] ** 2, atol=1e-7)
    np.testing.assert_allclose(np.sort(new["state"].values[[0, -1], 0]), [-(2**0.5), 2**0.5])
    ((kind, r, x),) = bends(
        analysis.continuation(Normal(jnp.array(-1.0), "Hopf"), "r", [0.0, 0.0], (-2, 2))
    )
    assert (kind, r) == ("Hopf", pytest.approx(0, abs=1e-9))
    circle = analysis.continuation(Normal(jnp.array(0.0), "circle"), "r", [[1.0], [-1.0]], (-2, 2))
    assert sorted(round(r, 6) for _, r, _ in bends(circle)) == [-1.0, 1.0]
    assert (circle["branch"] == 0).all()  # both starts lie on it
    figure = plot.branches(fork)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["stable", "unstable", "pitchfork"]
    with pytest.raises(ValueError, match="no latent 3"):
        plot.branches(fork, entry=3)


def test_hopf_points_of_a_neuron_over_a_parameter_and_an_input():
    """Trace 0: 1 - v**2 = b / tau; I from the nullclines."""
    neuron = models.reference.FitzHughNagumo(I=0.0)
    a, b, tau = 0.7, 0.8, 12.5
    v = np.array([-1, 1]) * np.sqrt(1 - b / tau)
    current = (v + a) / b - v + v**3 / 3
    points = analysis.fixed_points(neuron, n_starts=16)
    for parameter in ("I", 0):
        found = bends(analysis.continuation(neuron, parameter, points, (-1.0, 3.0), step=0.1))
        assert [kind for kind, _, _ in found] == ["Hopf", "Hopf"]
        np.testing.assert_allclose([r for _, r, _ in found], current, atol=1e-7)
        np.testing.assert_allclose([x[0] for _, _, x in found], v, atol=1e-6)


def test_lorenz_and_a_tanh_network():
    lorenz = models.reference.Lorenz63(rho=0.5)
    found = bends(analysis.continuation(lorenz, "rho", np.zeros(3), (0.0, 30.0), step=0.2))
    hopf = 10 * (10 + 8 / 3 + 3) / (10 - 8 / 3 - 1)
    assert [kind for kind, _, _ in found] == ["pitchfork", "Hopf", "Hopf"]
    np.testing.assert_allclose([r for _, r, _ in found], [1, hopf, hopf], atol=1e-5)
    W = np.array([[0.5]], "float32")
    unit = models.CTRNN(1, 1, 1, W=W, tau=10.0, form="current", key=0)
    branches = analysis.continuation(unit, "W", [0.0], (0.0, 2.0))
    ((kind, g, _),) = bends(branches)
    assert (kind, g) == ("pitchfork", pytest.approx(1, abs=1e-7))
    ends = branches.isel(equilibrium=np.flatnonzero(abs(branches["parameter"] - 2) < 1e-12))
    assert sorted(abs(ends["state"].values[:, 0]).round(9)) == [0, 1.915008048, 1.915008048]
    equal = models.CTRNN(1, 2, 1, W=np.eye(2, dtype="float32") / 2, form="current", key=0)
    ((kind, factor, _),) = bends(
        analysis.continuation(equal, "W", [0.0, 0.0], (0.0, 3.0), step=0.1)
    )
    assert (kind, factor) == ("multiple", pytest.approx(2, abs=1e-6))


def test_maps():
    logistic = models.reference.Logistic(r=0.5)
    found = bends(analysis.continuation(logistic, "r", [0.0], (0.5, 3.5), step=0.1))
    assert [kind for kind, _, _ in found] == ["transcritical", "flip"]
    np.testing.assert_allclose([r for _, r, _ in found], [1, 3], atol=1e-7)
    henon = models.reference.Henon(a=0.0, b=0.3)
    points = analysis.fixed_points(henon, n_starts=16)
    found = bends(analysis.continuation(henon, "a", points, (-0.5, 1.4), step=0.1, n_points=150))
    # a x**2 + (1 - b) x - 1 = 0: folds and flips at -(1 - b)**2 / 4 and 3 (1 - b)**2 / 4
    assert [kind for kind, _, _ in found] == ["fold", "flip"]
    np.testing.assert_allclose([a for _, a, _ in found], [-0.1225, 0.3675], atol=1e-6)


def test_what_does_not_fit_is_refused():
    neuron = models.reference.FitzHughNagumo(I=0.0)
    start = neuron.equilibria()
    with pytest.raises(ValueError, match="no parameter 'J'; it has"):
        analysis.continuation(neuron, "J", start, (0, 1))
    with pytest.raises(ValueError, match="1 inputs and none with number 1"):
        analysis.continuation(neuron, 1, start, (0, 1))
    with pytest.raises(ValueError, match="outside of the span"):
        analysis.continuation(neuron, "I", start, (1, 2))
    with pytest.raises(ValueError, match="low, high"):
        analysis.continuation(neuron, "I", start, (2, 1))
    with pytest.raises(ValueError, match="no fixed point"):
        analysis.continuation(Normal(jnp.array(1.0), "fold"), "r", [[0.5]], (0, 2))
    with pytest.raises(TypeError, match="no array of numbers"):
        analysis.continuation(Normal(jnp.array(1.0), "fold"), "form", [[0.5]], (0, 2))
    with pytest.raises(ValueError, match="step"):
        analysis.continuation(neuron, "I", start, (-1, 2), step=2.0)
