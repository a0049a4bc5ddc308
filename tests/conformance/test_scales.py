"""Measures follow the scale, the offset and the order of their data as their laws say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from neurodyn import analysis
from neurodyn.system import AbstractMap, State, Variable
from tests.conformance.scaling.law import X, Y, flat
from tests.conformance.scaling.laws import LAWS, LEFT_OUT

pytestmark = pytest.mark.thorough

EACH = [pytest.param(law, id=f"{name}-{i}") for name in LAWS for i, law in enumerate(LAWS[name])]
#: Largest offset, relative to the scale: at 1e6 float64 holds ten digits of the signal.
FAR = 1e6


def test_every_public_measure_has_a_law_or_a_reason():
    assert not set(LAWS) & set(LEFT_OUT)
    assert set(LAWS) | set(LEFT_OUT) == set(analysis.__all__)


def value(law, sides):
    return np.asarray(law.measure(*sides), np.float64)


def allowed(law, want, far):
    """Rounding of the input and of the computation, by how much the measure may enlarge it."""
    rounding = np.finfo(law.digits).eps + far * np.finfo(float).eps
    return law.condition * rounding * max(1.0, np.nanmax(np.abs(want)))


@pytest.mark.parametrize("law", EACH)
def test_scale_and_offset(law):
    want = value(law, law.data)
    assert np.isfinite(want).any()

    @settings(
        max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
    )
    @example([-1.0, 1.0], 0.0, 0)
    @example([1.0, -1.0], FAR, 1)
    @given(
        st.lists(st.floats(-1, 1), min_size=2, max_size=2),
        st.sampled_from([0.0, 1.0, FAR]),
        st.integers(0, 9),
    )
    def holds(exponents, far, seed):
        far = 0.0 if law.offset == "matters" else far
        changes = []
        for exponent, side in zip(exponents, law.data, strict=False):
            size, rng = side.shape[-1], np.random.default_rng(seed)
            each = exponent + rng.uniform(-1, 1, size) * law.own
            scale = 10.0 ** (law.most * np.clip(each, -1, 1))
            same = law.offset == "carried" or law.units is None or not law.own
            shift = far * (1.0 if same else rng.uniform(0.5, 1, size)) * np.ptp(side)
            changes.append((side * scale + shift * scale, scale, shift))
        found = value(law, [change[0] for change in changes])
        scale, shift = changes[0][1:]
        scale = scale if law.own and law.power else scale[0]
        found = found / scale**law.power
        found = found - shift if law.offset == "carried" else found
        np.testing.assert_allclose(found, want, rtol=0, atol=allowed(law, want, far))

    holds()


@pytest.mark.parametrize("law", [p for p in EACH if p.values[0].units is not None])
def test_order_of_units(law):
    want = value(law, law.data)
    if want.ndim and law.units == "along":
        want = want[..., ::-1]
    found = value(law, [side[..., ::-1] for side in law.data])
    np.testing.assert_allclose(found, want, rtol=0, atol=allowed(law, want, 0.0))


SCALES = 10.0 ** np.arange(-12, 13, 6)
SIDES = jnp.asarray(flat(X), jnp.float32), jnp.asarray(flat(Y), jnp.float32)
INSIDE = {
    "linear_cka": analysis.linear_cka,
    "debiased_cka": analysis.debiased_cka,
    "procrustes_angle": analysis.procrustes_angle,
    "shape_angle": lambda x, y: analysis.shape_angle(x, y, alpha=0.0),
    "ridge_r": lambda x, y: analysis.ridge_r(x.reshape(X.shape), y.reshape(Y.shape)).mean(),
    "pls_r": lambda x, y: analysis.pls_r(x.reshape(X.shape), y.reshape(Y.shape)).mean(),
    "nonnegative_r": lambda x, y: analysis.nonnegative_r(
        x.reshape(X.shape), y.reshape(Y.shape)
    ).mean(),
    "StateSpaceDivergence": lambda x, y: analysis.StateSpaceDivergence(4)(y, x + y),
}


@pytest.mark.parametrize("name", INSIDE)
def test_scale_inside_of_a_program(name):
    """In float32, of losses and their gradients, which go with one over the scale."""
    x, y = SIDES
    scales = jnp.asarray(SCALES, jnp.float32)
    shared = name == "StateSpaceDivergence"  # both sides have one unit there

    def one(scale):
        loss = INSIDE[name]
        found, slope = jax.value_and_grad(loss)(scale * x, scale * y if shared else y)
        return found, slope * scale

    found, slopes = jax.jit(jax.vmap(one))(scales)
    want, slope = found[len(SCALES) // 2], slopes[len(SCALES) // 2]
    assert np.isfinite(found).all()
    assert np.isfinite(slopes).all()
    np.testing.assert_allclose(found, np.full(len(SCALES), want), rtol=1e-4, atol=1e-5)
    size = float(jnp.abs(slope).max())
    np.testing.assert_allclose(slopes, np.stack([slope] * len(SCALES)), atol=3e-3 * size + 1e-12)


def test_mixtures_inside_of_a_program():
    x, y = SIDES
    want = float(analysis.MixtureDivergence(variance=1.0, n_draws=50)(y, x + y))
    for scale in (2.0**-60, 2.0**60):
        measure = analysis.MixtureDivergence(variance=scale**2, n_draws=50)
        assert float(measure(scale * y, scale * (x + y))) == pytest.approx(want, rel=1e-5)


class Rotation(AbstractMap):
    """Turns its state by a tenth of a radian."""

    n_inputs: int = 0
    n_outputs: int = 2

    def initial_state(self, *, dt, trial=None, key=None):
        return State(jnp.zeros(2))

    def readout(self, state):
        return state.x

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return {"rate": Variable(("unit",), "1", "rate", "rate")}

    def unit_coords(self):
        return {}

    def start(self, x):
        return State(x)

    def update(self, state, u, *, key):
        turn = jnp.asarray([[np.cos(0.1), np.sin(0.1)], [-np.sin(0.1), np.cos(0.1)]], jnp.float32)
        return State(state.x @ turn)


def test_prediction_error_goes_with_the_square_of_the_scale():
    truth = flat(X)[:, :2]
    want = analysis.prediction_error(Rotation(), truth, n_steps=3).prediction_error
    for scale in SCALES:
        found = analysis.prediction_error(Rotation(), scale * truth, n_steps=3).prediction_error
        np.testing.assert_allclose(found / scale**2, want, rtol=1e-4)
