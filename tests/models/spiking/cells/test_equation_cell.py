"""Neurons of any equations: the same as the built-in ones, and nothing in a text is executed."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from neurodyn.engine.integrate import integrate
from neurodyn.models import spiking
from neurodyn.models.spiking.cells import expression
from neurodyn.models.spiking.cells.schemes import (
    SCHEMES,
    ExactLinear,
    ExponentialEuler,
    RungeKutta4,
)
from neurodyn.models.spiking.plasticity import EquationRule


def test_expressions_are_those_of_numpy():
    x = np.linspace(-2, 3, 11)
    values = {"x": jnp.asarray(x), "a": 2.5}
    expected = {
        "x**2 - a*x/3 + 1": x**2 - 2.5 * x / 3 + 1,
        "(x + 4)**-2.0": (x + 4) ** -2.0,
        "-exp(-x) + clip(x, 0, 1)": -np.exp(-x) + np.clip(x, 0, 1),
        "int(x > 1)*x + int(not x > 1)*2": np.where(x > 1, x, 2),
        "int(x >= 0 and x < 1 or x == 3)": ((x >= 0) & (x < 1)) | (x == 3),
        "exprel(x)": np.where(x == 0, 1, np.expm1(x) / np.where(x == 0, 1, x)),
        "x // 2 + x % 2": x // 2 + x % 2,
        "-1 < x < 1": (x > -1) & (x < 1),
    }
    for text, value in expected.items():
        np.testing.assert_allclose(
            expression.evaluate(text, values), value, rtol=2e-6, atol=1e-6, err_msg=text
        )


def test_a_condition_holds_where_its_margin_is_not_negative():
    x = np.linspace(-2, 2, 9)
    for text in ("x > 1", "x >= 1", "x < 0 or x > 1", "0 <= x and not x == 1", "1 > x > -1"):
        holds = np.asarray(
            expression.evaluate(text.replace("1 > x > -1", "x < 1 and x > -1"), {"x": x})
        )
        found = np.asarray(expression.margin(text, {"x": jnp.asarray(x)})) >= 0
        np.testing.assert_array_equal(found, holds, text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "(lambda: 1)()",
        "x.__class__",
        "[y for y in x]",
        "x[0]",
        "'a'",
        "f'{x}'",
        "exp(x, key=1)",
        "x := 1",
        "9**9**9**9**9",
    ],
)
def test_text_is_arithmetic_and_nothing_else(text):
    with pytest.raises((ValueError, OverflowError)):
        expression.evaluate(text, {"x": 1.0})


def test_schemes_are_those_of_their_names():
    J = np.array([[-0.2, 0.5, 0.0], [0.1, -1.0, 0.3], [0.0, 0.0, -0.05]])
    constant, y, dt = np.array([1.0, -2.0, 0.5]), np.array([3.0, -1.0, 2.0]), 0.8
    whole = expm(np.block([[J, constant[:, None]], [np.zeros((1, 4))]]) * dt)

    def rate(y):
        return {k: sum(J[k, j] * y[j] for j in range(3)) + constant[k] for k in range(3)}

    start = {k: jnp.asarray(v, jnp.float32) for k, v in enumerate(y)}
    step = jnp.asarray(dt, jnp.float32)
    found = ExactLinear().advance(rate, start, step)
    np.testing.assert_allclose(list(found.values()), (whole @ [*y, 1])[:3], rtol=1e-5)
    found = RungeKutta4().advance(rate, start, step)
    series = sum(np.linalg.matrix_power(J * dt, k) / f for k, f in enumerate((1, 2, 6, 24)))
    np.testing.assert_allclose(
        list(found.values()), y + dt * series @ (J @ y + constant), rtol=1e-5
    )
    found = ExponentialEuler().advance(rate, start, step)
    own = np.diag(J)
    rest = J @ y - own * y + constant
    np.testing.assert_allclose(
        list(found.values()), y * np.exp(own * dt) + rest * np.expm1(own * dt) / own, rtol=1e-5
    )


@pytest.mark.parametrize("scheme", sorted({*SCHEMES} - {"euler"}))
def test_schemes_add_the_noise_of_a_step(scheme):
    def after(scheme, noise):
        model = spiking.Network(spiking.LIF(3), bias=5.0, noise=noise, scheme=scheme)
        return integrate(model, dt=0.1, n_steps=1, key=0).final_state.x.v

    kick = after("euler", 2.0) - after("euler", None)
    assert float(jnp.abs(kick).min()) > 0.01
    # Heun's and the midpoint scheme see the leak of a part of it, dt/tau at most.
    found = after(scheme, 2.0) - after(scheme, None)
    np.testing.assert_allclose(found, kick, rtol=0.1 / 20 + 1e-4)


def cell(n=2, **options):
    given = {
        "threshold": "v > v_peak",
        "reset": "v = v_reset; w += b",
        "constants": {"tau": 20.0, "v_peak": np.array([-50.0, -45.0]), "v_reset": -60.0, "b": 2.0},
        "start": {"v": -60.0},
    }
    equations = "dv/dt = (-60 - v - w + I)/tau : mV (unless refractory)\ndw/dt = -w/100 : mV"
    return spiking.EquationCell(n, given.pop("equations", equations), **(given | options))


def test_a_cell_moves_and_resets_as_its_equations_say():
    own = cell()
    state = own.start(None)
    assert own.held() == ("v",)
    assert [x.units for x in own.variables().values()] == ["mV", "mV"]
    rate = own.drift(state._replace(w=jnp.array([1.0, 2.0])), jnp.array([5.0, 6.0]))
    np.testing.assert_allclose(rate.v, [0.2, 0.2], rtol=1e-6)
    np.testing.assert_allclose(rate.w, [-0.01, -0.02], rtol=1e-6)
    np.testing.assert_allclose(own.crossing(state._replace(v=jnp.array([-50.5, -44.0]))), [-0.5, 1])
    after = own.reset(state._replace(v=jnp.array([-40.0, -40.0])), jnp.array([1.0, 0.0]))
    np.testing.assert_allclose(after.v, [-60, -40])
    np.testing.assert_allclose(after.w, [2, 0])


def test_a_condition_keeps_units_refractory_until_it_fails():
    own = cell(3, threshold="v > 0", reset="", refractory="v > -20", constants={"tau": 20.0})
    state = own.start(None)._replace(v=jnp.array([5.0, 5.0, -60.0]))
    state = own.reset(state, jnp.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(state.ready, [0, 1, 1])
    np.testing.assert_array_equal(own.crossing(state) >= 0, [False, True, False])
    rate = own.drift(state, jnp.zeros(3))
    assert rate.v.tolist() == [0, -3.25, 0]  # v is held, w is not
    later = own.reset(state._replace(v=jnp.array([-10.0, -30.0, 5.0])), jnp.zeros(3))
    np.testing.assert_array_equal(later.ready, [0, 1, 1])
    later = own.reset(later._replace(v=jnp.array([-30.0, -30.0, 5.0])), jnp.zeros(3))
    np.testing.assert_array_equal(later.ready, [1, 1, 1])


WRONG = {
    "no potential": (lambda: spiking.EquationCell(1, "dx/dt = 1", threshold=None), "no dv/dt"),
    "no equation": (lambda: spiking.EquationCell(1, "v' = 1", threshold=None), "no equation"),
    "no value": (lambda: cell(constants={}), r"\['tau'\] in .* have no value"),
    "function": (lambda: cell(threshold="eval(v)"), r"no functions \['eval'\]"),
    "reset": (lambda: cell(reset="tau = 1"), r"\['tau'\] are no variables"),
    "reserved": (
        lambda: spiking.EquationCell(1, "dv/dt = 1\ndrate/dt = 1", threshold=None), "rename"
    ),
    "jump": (
        lambda: spiking.Network(
            spiking.LIF(2),
            synapses={"s": spiking.Delta(onto="w")},
            projections={"p": spiking.Projection("all", "all", "s", W=1.0)},
        ),
        "'s' moves 'w', but LIF has",
    ),
    "rule": (lambda: EquationRule("dx/dt = -x/tau"), r"\['tau'\] in"),
    "rule's weight": (lambda: EquationRule("dw/dt = -w"), "other than w"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_named(case):
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        call()
