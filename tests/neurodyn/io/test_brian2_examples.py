"""Small versions of published networks in Brian2's examples: the same spikes, read and run."""

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import io
from neurodyn.engine.record import Save
from neurodyn.models.spiking import LIF, EquationCell

b2 = pytest.importorskip("brian2")
from tests.neurodyn.io import brian2_examples as examples  # noqa: E402

# Brian2 2.9 calls what pyparsing, numpy and sympy have deprecated since.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("numpy_target", "x64"),
]
slow = pytest.mark.slow


def ours(model, dt, n_steps, variables=()):
    save = Save(variables=variables, outputs=None, spikes="dense", every=n_steps)
    run = nd.integrate(model, dt=dt, n_steps=n_steps, key=0, save=save)
    return np.argwhere(np.asarray(run.spikes)), run.variables


#: Network, steps, step [ms], least number of spikes, neuron, scheme.
EXAMPLES = {
    "Brunel and Hakim 1999": (
        lambda: examples.brunel_hakim(100, noisy=False), 600, 0.1, 50, EquationCell, "euler"
    ),
    "CUBA": (examples.cuba, 1000, 0.1, 1000, LIF, "exact"),
    "COBAHH": (examples.cobahh, 600, 0.1, 500, EquationCell, "exponential_euler"),
    "Brunel 2000": (
        lambda: examples.brunel_2000(poisson=False), 600, 0.1, 40, LIF, "exact"
    ),
    "Izhikevich 2003": (
        lambda: examples.izhikevich_2003(noisy=False), 200, 1.0, 1000, EquationCell, "euler"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [name if "Hakim" in name else pytest.param(name, marks=slow) for name in EXAMPLES]
)
def test_same_spikes(name):
    make, steps, dt, least, neuron, scheme = EXAMPLES[name]
    b2.seed(0)
    group, parts = make()
    model = io.from_brian2(b2.Network(group, *parts), namespace={})
    assert isinstance(model.kinds[0], neuron)
    assert model.scheme_name == scheme
    expected = examples.run(group, parts, steps * dt, dt)
    assert len(expected) > least
    found, _ = ours(model, dt, steps)
    np.testing.assert_array_equal(found, expected)


def test_plasticity_of_vogels_2011_learns_the_same(tmp_path):
    b2.seed(0)
    group, parts = examples.vogels_2011()
    model = io.from_brian2(b2.Network(group, *parts), namespace={})
    nd.save(tmp_path / "model.nd", model)
    expected = examples.run(group, parts, 80.0)
    assert len(expected) > 500
    found, variables = ours(nd.load(tmp_path / "model.nd"), 0.1, 800, ("W_learning",))
    np.testing.assert_array_equal(found, expected)
    learned, W = parts[-1], np.asarray(variables["W_learning"])[-1]
    weights = W[80 + np.asarray(learned.i), np.asarray(learned.j)]
    np.testing.assert_allclose(weights, learned.w[:], atol=1e-12)
    assert weights.max() > 1


@slow
@pytest.mark.parametrize("make", [examples.brunel_2000, examples.brunel_hakim])
def test_random_input_gives_the_same_rates(make):
    b2.seed(0)
    group, parts = make()
    model = io.from_brian2(b2.Network(group, *parts), namespace={})
    expected, (found, _) = examples.run(group, parts, 400.0), ours(model, 0.1, 4000)
    # Spikes after the transient; counts of networks that synchronise vary by some percent.
    late = [np.sum(each[:, 0] > 1000) for each in (found, expected)]
    assert late[0] == pytest.approx(late[1], rel=0.15)


def test_currents_that_are_drawn_in_each_step():
    group, parts = examples.izhikevich_2003(8, 2)
    model = io.from_brian2(b2.Network(group, *parts), namespace={})
    assert model.current_noise_std.value().tolist() == [5.0] * 8 + [2.0] * 2
