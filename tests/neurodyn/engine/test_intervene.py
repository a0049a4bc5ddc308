"""Interventions against loops written by hand."""

import dataclasses
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn import models, params
from neurodyn.engine import intervene
from neurodyn.engine.run import execute
from tests.neurodyn.flows import LIF, OU, Leaky
from tests.rounding import assert_equal_to_rounding

N_STEPS, DT = 30, 10.0
WINDOW = (80.0, 170.0)  # steps 8 to 16
UNITS = np.array([True, False, True, False, False, False])


@pytest.fixture
def model():
    return models.CTRNN(2, 6, 2, tau=jnp.linspace(30.0, 120.0, 6), b=0.2, key=0)


@pytest.fixture
def inputs():
    return jax.random.normal(jax.random.key(1), (N_STEPS, 3, 2))


def by_hand(model, inputs, *, weights=None, current=None, clamp=None):
    """Euler steps of the rate equation, with what an intervention does spelt out."""
    own = nd.params.with_values(model)
    plain = {n: np.asarray(getattr(own, n), np.float64) for n in ("W", "U", "b", "W_out", "b_out")}
    tau, x = np.asarray(own.tau, np.float64), np.zeros((inputs.shape[1], 6))
    rates, outputs = [], []
    for k, u in enumerate(np.asarray(inputs, np.float64)):
        inside = WINDOW[0] <= k * DT < WINDOW[1]
        p = plain | (weights or {}) if inside else plain
        z = x @ p["W"] + u @ p["U"] + p["b"]
        if current is not None and inside:
            z = z + current
        x = x + DT / tau * (np.tanh(z) - x)
        if clamp is not None and inside:
            x = np.where(UNITS, clamp, x)
        rates.append(x)
        outputs.append(x @ p["W_out"] + p["b_out"])
    return np.array(rates), np.array(outputs)


def run(model, inputs, *interventions, **options):
    options = {"dt": DT, "save": nd.Save(("rate",)), "interventions": interventions} | options
    done = nd.integrate(model, inputs, **options)
    return np.asarray(done.variables["rate"]), np.asarray(done.outputs)


def check(model, inputs, interventions, **hand):
    found, expected = run(model, inputs, *interventions), by_hand(model, inputs, **hand)
    plain = run(model, inputs)
    for a, b, other in zip(found, expected, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
        np.testing.assert_allclose(a[:8], other[:8], atol=2e-6)  # nothing before the window
        assert np.abs(a[8:17] - other[8:17]).max() > 1e-3  # and something inside


def test_without_interventions_the_loop_is_the_model(model, inputs):
    for a, b in zip(run(model, inputs), by_hand(model, inputs), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_current(model, inputs):
    check(model, inputs, [intervene.Current(UNITS, 0.8, *WINDOW)], current=0.8 * UNITS)
    per_unit = np.linspace(-1, 1, 6)
    check(model, inputs, [intervene.Current(UNITS, per_unit, *WINDOW)], current=per_unit * UNITS)


def test_currents_add_up(model, inputs):
    two = [intervene.Current(UNITS, 0.5, *WINDOW), intervene.Current(np.ones(6), 0.2, *WINDOW)]
    check(model, inputs, two, current=0.5 * UNITS + 0.2)


def test_clamp(model, inputs):
    check(model, inputs, [intervene.Clamp(UNITS, 0.4, *WINDOW)], clamp=0.4)


def test_silence_stops_what_units_send(model, inputs):
    own = nd.params.with_values(model)
    kept = ~UNITS[:, None]
    silenced = {"W": np.asarray(own.W) * kept, "W_out": np.asarray(own.W_out) * kept}
    check(model, inputs, [intervene.Silence(UNITS, *WINDOW)], weights=silenced)


def test_lesion_stops_what_units_send_and_receive(model, inputs):
    own = nd.params.with_values(model)
    kept = ~UNITS
    lesioned = {
        "W": np.asarray(own.W) * kept[:, None] * kept[None, :],
        "U": np.asarray(own.U) * kept[None, :],
        "W_out": np.asarray(own.W_out) * kept[:, None],
    }
    check(model, inputs, [intervene.Lesion(UNITS, *WINDOW)], weights=lesioned)


def test_weight_change(model, inputs):
    changed = eqx.tree_at(
        lambda m: (m.W, m.W_out), model, replace=(-0.5 * model.W, 2 * model.W_out)
    )
    own = nd.params.with_values(model)
    new = {"W": -0.5 * np.asarray(own.W), "W_out": 2 * np.asarray(own.W_out)}
    check(model, inputs, [intervene.WeightChange(changed, *WINDOW)], weights=new)


def test_changes_and_lesions_act_together_in_any_order(model, inputs):
    own, kept = nd.params.with_values(model), ~UNITS
    changes = [
        intervene.WeightChange(eqx.tree_at(lambda m: m.W, model, replace=-model.W), *WINDOW),
        intervene.WeightChange(eqx.tree_at(lambda m: m.W_out, model, replace=2 * model.W_out)),
    ]
    silence = intervene.Silence(UNITS, *WINDOW)
    new = {
        "W": -np.asarray(own.W) * kept[:, None],
        "W_out": 2 * np.asarray(own.W_out) * kept[:, None],
    }
    rates, outputs = by_hand(model, inputs, weights=new)
    for interventions in ([silence, *changes], [*changes[::-1], silence]):
        found = run(model, inputs, *interventions)
        np.testing.assert_allclose(found[0], rates, atol=2e-6)
        np.testing.assert_allclose(found[1][8:17], outputs[8:17], atol=4e-6)


def test_the_last_output_comes_from_the_system_that_ran_last(model, inputs):
    lesion = intervene.Lesion(UNITS, 100.0)
    _, every = run(model, inputs, lesion)
    _, last = run(model, inputs, lesion, save=nd.Save(("rate",), outputs="last"))
    np.testing.assert_allclose(last[0], every[-1], atol=1e-6)
    _, thin = run(model, inputs, lesion, save=nd.Save(("rate",), every=5))
    np.testing.assert_allclose(thin, every[4::5], atol=1e-6)


def test_a_permanent_lesion_is_the_network_without_these_units(model, inputs):
    own, kept = nd.params.with_values(model), np.flatnonzero(~UNITS)
    small = models.CTRNN(
        2,
        len(kept),
        2,
        tau=own.tau[kept],
        W=own.W[np.ix_(kept, kept)],
        U=own.U[:, kept],
        b=own.b[kept],
        W_out=own.W_out[kept],
        key=0,
    )
    rates, outputs = run(model, inputs, intervene.Lesion(UNITS))
    small_rates, small_outputs = run(small, inputs)
    np.testing.assert_allclose(rates[:, :, kept], small_rates, atol=1e-6)
    np.testing.assert_allclose(outputs, small_outputs, atol=1e-6)


def test_windows_follow_the_run_across_chunks(model, inputs):
    clamp = intervene.Clamp(UNITS, 0.4, *WINDOW)
    whole = nd.integrate(model, inputs, dt=DT, interventions=[clamp])
    first = nd.integrate(model, inputs[:11], dt=DT, interventions=[clamp])
    rest = nd.integrate(
        model, inputs[11:], dt=DT, interventions=[clamp], state=first.final_state, start=11
    )
    joined = np.concatenate([first.outputs, rest.outputs])
    assert_equal_to_rounding(joined, whole.outputs, n_steps=len(joined))


@pytest.mark.parametrize("dt", [0.1, 0.3, 0.7])
def test_windows_begin_and_end_on_their_step(dt):
    steps = [7, 13, 26, 77, 131]
    for first in steps:
        start, stop = round(first * dt, 9), round((first + 3) * dt, 9)
        pulse = intervene.Current(np.ones(1), 1.0, start, stop)
        numbers = jnp.arange(first - 3, first + 8).astype(jnp.float32)
        on = jax.vmap(lambda n, p=pulse: p.on_drive(n * jnp.float32(dt), nd.Drive()).current)
        assert np.asarray(on(numbers))[:, 0].tolist() == [0] * 3 + [1] * 3 + [0] * 5


def test_currents_reach_every_stage_of_a_solver(x64):
    # A constant current under Tsit5: the exact exponential approach.
    model = OU(jnp.array(20.0), jnp.array(0.0))
    current = intervene.Current(np.ones(4), 3.0)
    done = nd.integrate(
        model, n_steps=20, dt=5.0, key=0, interventions=[current], solver=diffrax.Heun()
    )
    assert float(done.outputs[-1, 0]) == pytest.approx(3 * (1 - np.exp(-5)), rel=2e-3)


def test_named_units(inputs):
    ei = np.array([1, 1, 1, 1, -1, -1])
    model = models.CTRNN(2, 6, 2, W=params.Dale(ei), areas={"v4": 3, "pfc": 3}, key=0)
    where = intervene.select_units(model, area="pfc", ei=-1)
    np.testing.assert_array_equal(where, [0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(intervene.select_units(model, area=["v4", "pfc"]), np.ones(6))
    rates, _ = run(model, inputs, intervene.Clamp(where, 0.25))
    assert np.all(rates[:, :, where] == 0.25)
    assert not np.any(rates[5:, :, ~where] == 0.25)


WAYS = {
    "numbers": [4, 1],
    "an array of numbers": np.array([1, 4], np.int16),
    "labels of a dim": xr.DataArray([1, 4], {"unit": [1, 4]}, dims="unit", name="unit"),
    "booleans": np.arange(6) % 3 == 1,
    "a list of booleans": [False, True, False, False, True, False],
    "decimals": [0.0, 1.0, 0.0, 0.0, 1.0, 0.0],
    "zeros and ones": [0, 1, 0, 0, 1, 0],
    "a labelled mask": xr.DataArray([1, 0, 0, 1, 0, 0], {"unit": [4, 5, 3, 1, 2, 0]}, dims="unit"),
    "names": ["b"],
    "one name": "b",
}


@pytest.mark.parametrize("kind", ["Current", "Clamp", "Silence", "Lesion"])
@pytest.mark.parametrize("way", WAYS)
def test_units_by_number_name_and_mask_are_the_same(kind, way, inputs):
    model = models.CTRNN(2, 6, 2, tau=50.0, areas=list("abcabd"), key=0)
    value = (0.7,) if kind in ("Current", "Clamp") else ()
    make = getattr(intervene, kind)
    expected, _ = run(model, inputs, make(np.array([0, 1, 0, 0, 1, 0], bool), *value))
    found, _ = run(model, inputs, make(WAYS[way], *value))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        intervene.select_units(model, WAYS[way]), np.array([0, 1, 0, 0, 1, 0], bool)
    )
    cut = nd.params.with_values(model.cut(WAYS[way])).W
    np.testing.assert_array_equal((np.asarray(cut) == 0).all(1), [0, 1, 0, 0, 1, 0])


def test_whole_numbers_are_numbers_in_a_model_of_two_units():
    model = models.CTRNN(0, 2, 1, tau=50.0, key=0)
    for units, mask in (([0, 1], [1, 1]), ([1], [0, 1]), (np.array([0.0, 1.0]), [0, 1])):
        np.testing.assert_array_equal(intervene.select_units(model, units), np.array(mask, bool))


@pytest.mark.parametrize("kind", ["Current", "Clamp"])
def test_values_go_with_the_units_that_are_named(kind, inputs):
    model = models.CTRNN(2, 6, 2, tau=50.0, areas=list("abcabd"), key=0)
    make = getattr(intervene, kind)
    every = np.array([0.3, 0.7, 0.0, 0.3, 0.7, 0.0])
    expected, _ = run(model, inputs, make(every > 0, every))
    labelled = xr.DataArray([0.3, 0.7], {"area": ["a", "b"]}, dims="area")
    for units, values in (
        ([4, 0, 3, 1], [0.7, 0.3, 0.3, 0.7]),
        (["b", "a"], [0.7, 0.3]),
        (["b", "a"], labelled),
    ):
        np.testing.assert_array_equal(run(model, inputs, make(units, values))[0], expected)


def test_names_that_could_mean_different_units_are_refused():
    class Named(OU):
        def unit_coords(self):
            return {"area": ["a", "a", "b", "b"], "cell_type": ["b", "c", "c", "c"]}

    model = Named(jnp.array(20.0), jnp.array(0.0))
    np.testing.assert_array_equal(intervene.select_units(model, "a"), [True, True, False, False])
    with pytest.raises(ValueError, match=r"as area and as cell_type.*area='b'"):
        intervene.select_units(model, "b")
    with pytest.raises(ValueError, match="'d'; its names are area: a, b; cell_type: b, c"):
        intervene.select_units(model, ["a", "d"])


@pytest.mark.parametrize("wrapped", [jax.jit, jax.checkpoint, lambda f: f])
def test_reading_a_current_is_found_through_compiled_functions(wrapped):
    class Reads(Leaky):
        reads: bool = True

        def drift(self, t, state, u):
            def rate(current, x):
                return (current if self.reads else 0.0) - x

            return wrapped(rate)(u.current, state.x)

    def go(reads):
        model = Reads(jnp.ones(2), reads=reads)
        return nd.integrate(
            model, n_steps=3, dt=0.1, interventions=[intervene.Current([0], 1.0)]
        ).final_state.x

    np.testing.assert_allclose(go(True), [0.271, 0.0], rtol=1e-5)
    with pytest.raises(TypeError, match="does not read the current"):
        go(False)


@pytest.mark.parametrize("bad", [np.nan, np.inf, [1.0, np.nan]])
def test_what_is_not_finite_is_no_current_and_no_level(bad):
    for make, name in ((intervene.Current, "amplitude"), (intervene.Clamp, "value")):
        with pytest.raises(ValueError, match=f"`{name}` must be finite"):
            make([0, 1], bad)


@pytest.mark.parametrize("window", [(-300.0, 0.0), (300.0, 400.0), (13.0, 17.0)])
def test_a_window_in_which_no_step_starts_is_refused(window, inputs, model):
    changed = nd.params.with_values(model)
    for make in (
        lambda *w: intervene.Current([0], 1.0, *w),
        lambda *w: intervene.Clamp([0], 1.0, *w),
        lambda *w: intervene.Lesion([0], *w),
        lambda *w: intervene.Silence([0], *w),
        lambda *w: intervene.WeightChange(changed, *w),
    ):
        with pytest.raises(ValueError, match=r"no step starts from .* the label t is at"):
            nd.simulate(model, inputs, dt=DT, interventions=[make(*window)], progress=False)
    # Its first step, and its last.
    for start in (0.0, 290.0):
        late = intervene.Current([0], 1.0, start, start + DT)
        run = nd.simulate(model, inputs, dt=DT, interventions=[late], progress=False)
        free = nd.simulate(model, inputs, dt=DT, progress=False)
        assert float(abs(run.rate - free.rate).sel(time=start + DT).max()) > 0.01


def test_interventions_are_differentiable(x64, inputs, model):
    inputs = inputs.astype(jnp.float64)
    model = jax.tree.map(lambda a: a.astype(jnp.float64) if eqx.is_array(a) else a, model)

    def loss(amplitude):
        current = intervene.Current(UNITS, amplitude, *WINDOW)
        return jnp.mean(nd.integrate(model, inputs, dt=DT, interventions=[current]).outputs ** 2)

    at, h = jnp.array(0.3), 1e-5
    numeric = (loss(at + h) - loss(at - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(loss)(at), numeric, rtol=1e-6)


class Hold(intervene.AbstractWindowed):
    """An intervention as a user writes it: units of any form are held at 1."""

    units: Any
    start: float
    stop: float

    def bound(self, target):
        return dataclasses.replace(self, units=intervene.as_mask(target.system, self.units))

    def on_state(self, t, state):
        return state._replace(x=jnp.where(self.acts(t) & self.units, 1.0, state.x))


def test_an_intervention_of_a_user_knows_its_system_and_its_window(model, inputs):
    own = Hold([0, 2], *WINDOW)
    run = nd.simulate(model, inputs, dt=DT, save="rate", interventions=[own])
    held = [nd.Clamp([0, 2], 1.0, *WINDOW)]
    expected = nd.simulate(model, inputs, dt=DT, save="rate", interventions=held)
    np.testing.assert_allclose(run.rate, expected.rate, rtol=1e-6)
    assert float(run.rate.sel(unit=[0, 2], time=WINDOW[1]).min()) == 1.0
    late = Hold([0], 1e4, 2e4)
    with pytest.raises(ValueError, match="Hold: no step starts"):
        nd.simulate(model, inputs, dt=DT, interventions=[late])


class Gain(intervene.AbstractWindowed):
    """A change of parameters as a user writes it."""

    factor: Any
    start: Any
    stop: Any
    of: str = eqx.field(static=True, default="W")

    def replaced(self, system):
        return eqx.tree_at(
            lambda m: getattr(m, self.of), system, self.factor * getattr(system, self.of)
        )


def test_an_intervention_of_a_user_replaces_parameters_before_units_are_cut(model, inputs):
    gain = Gain(-0.5, *intervene.window_edges(*WINDOW))
    changed = eqx.tree_at(lambda m: m.W, model, -0.5 * model.W)
    silence, change = intervene.Silence(UNITS, *WINDOW), intervene.WeightChange(changed, *WINDOW)
    expected = run(model, inputs, change, silence)
    assert np.abs(expected[0] - run(model, inputs, silence)[0]).max() > 1e-3
    for interventions in ([gain, silence], [silence, gain]):
        for a, b in zip(run(model, inputs, *interventions), expected, strict=True):
            assert_equal_to_rounding(a, b, n_steps=N_STEPS)


def test_another_value_of_what_a_user_replaces_compiles_nothing(model, inputs):
    edges = intervene.window_edges(*WINDOW)

    def outputs(factor):
        gain = Gain(jnp.asarray(factor), *edges)
        return nd.integrate(model, inputs, dt=DT, interventions=[gain]).outputs

    first = outputs(0.5)
    compiled = execute._cached._cache_size()
    up, down = outputs(2.01), outputs(1.99)
    assert float(abs(up - first).max()) > 1e-3
    assert execute._cached._cache_size() == compiled
    slope = jax.jvp(outputs, (2.0,), (1.0,))[1]
    np.testing.assert_allclose(slope, (up - down) / 0.02, atol=1e-3)


class Put(Gain):
    def replaced(self, system):
        return eqx.tree_at(lambda m: m.W, system, self.factor)


def test_what_a_user_replaces_is_checked_like_a_changed_system(model, inputs):
    edges = intervene.window_edges(*WINDOW)
    with pytest.raises(ValueError, match=r"Put: `W` .* takes one number, .*\(6, 6\)"):
        run(model, inputs, Put(np.ones(6), *edges))
    lorenz = models.reference.Lorenz63()
    with pytest.raises(ValueError, match="Gain: `start` of the changed Lorenz63 differs, but no"):
        nd.integrate(lorenz, dt=0.01, n_steps=3, interventions=[Gain(2.0, *edges, of="start")])
    full = run(model, inputs, Put(np.full((6, 6), 0.5), *edges))
    np.testing.assert_array_equal(full[1], run(model, inputs, Put(0.5, *edges))[1])


def test_moving_a_window_compiles_nothing(model, inputs):
    traces = 0

    @eqx.filter_jit
    def simulate(intervention):
        nonlocal traces
        traces += 1
        return nd.integrate(model, inputs, dt=DT, interventions=[intervention]).outputs

    results = [simulate(intervene.Current(UNITS, 1.0, t, t + 50)) for t in (0.0, 50.0, 100.0)]
    assert traces == 1
    assert not np.array_equal(results[0], results[1])


def test_clamping_a_spiking_cell_below_threshold_silences_it():
    model = LIF(jnp.array([1.5, 2.0]))
    held = intervene.Clamp([0], 0.0, 0.0, 100.0)
    done = nd.integrate(
        model, n_steps=2000, dt=0.1, interventions=[held], save=nd.Save(spikes="dense")
    )
    spikes = np.asarray(done.spikes)
    assert spikes[:1000, 0].sum() == 0
    assert spikes[1000:, 0].sum() > 0
    assert spikes[:1000, 1].sum() > 10


def changed_structure():
    return intervene.WeightChange(models.CTRNN(2, 6, 2, activation="relu", key=0))


def current(units, amplitude=1.0):
    return lambda m, x: run(m, x, intervene.Current(units, amplitude))


BAD = {
    "no unit": (current([]), ValueError, "unit numbers"),
    "half a unit": (current([0.5, 1.0]), ValueError, "unit numbers"),
    "unit beyond the last": (current([0, 6]), ValueError, "no unit 6: this CTRNN has 6 units"),
    "negative number": (current([-1]), ValueError, "counts from 0, got -1"),
    "unit twice": (current([2, 2]), ValueError, "names 2 twice"),
    "mask of whole numbers for others": (current([0, 1, 1]), ValueError, "3 units, but this CTRNN"),
    "mask for others": (current([True, False]), ValueError, "2 units, but this CTRNN has 6"),
    "mask among numbers": (current([True, 2]), ValueError, "mixes"),
    "unknown name": (current(["E"]), ValueError, "give their numbers, 0 to 5, not 'E'"),
    "an amplitude for others": (current([0, 1], [1.0, 2.0, 3.0]), ValueError, "each of the 2"),
    "window": (lambda m, x: intervene.Clamp([0], 1.0, 5.0, 5.0), ValueError, "start < stop"),
    "no such coordinate": (
        lambda m, x: intervene.select_units(m, layer=3),
        ValueError,
        r"'layer'; this model has \['tau'\]",
    ),
    "no such value": (
        lambda m, x: intervene.select_units(m, tau=-1.0),
        ValueError,
        r"No unit has tau=-1.0; there are 30.0, 48.0",
    ),
    "coordinate of another dim": (
        lambda m, x: intervene.select_units(models.reference.Lorenz63(), latent="x"),
        ValueError,
        "'latent' is a coordinate of the dim 'latent', not of units",
    ),
    "another structure": (
        lambda m, x: run(m, x, changed_structure()),
        ValueError,
        "equinox.tree_at",
    ),
    "cannot be cut": (
        lambda m, x: run(Leaky(jnp.ones(2) * 50), x[..., :1], intervene.Lesion([0, 1])),
        TypeError,
        "use Clamp",
    ),
    "current that is not read": (
        lambda m, x: run(Leaky(jnp.ones(2) * 50), x[..., :1], intervene.Current([0], 1.0)),
        TypeError,
        r"Leaky does not read the current.*add `u\.current`",
    ),
    "current of the drive that is not read": (
        lambda m, x: run(Leaky(jnp.ones(2)), nd.Drive(x[..., :1], current=jnp.ones((30, 3, 2)))),
        TypeError,
        "Leaky does not read the current",
    ),
    "current of a callable drive that is not read": (
        lambda m, x: nd.integrate(
            Leaky(jnp.ones(2)),
            lambda t: nd.Drive(jnp.ones(1), current=jnp.ones(2)),
            dt=0.1,
            n_steps=3,
        ),
        TypeError,
        "Leaky does not read the current",
    ),
    "current that is not read, with adaptive steps": (
        lambda m, x: nd.solve(
            Leaky(jnp.ones(2)), lambda t: nd.Drive(jnp.ones(1), current=jnp.ones(2)), [3.0]
        ),
        TypeError,
        "Leaky does not read the current",
    ),
    "current of the drive for other units": (
        lambda m, x: run(m, nd.Drive(x, current=jnp.ones((30, 3, 1)))),
        ValueError,
        "current for 1 units, but this CTRNN has 6",
    ),
    "field of an array": (
        lambda m, x: run(m, x, intervene.Clamp([0], 1.0, field="v")),
        ValueError,
        "leave out `field`",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_interventions_are_refused(case, model, inputs):
    call, error, match = BAD[case]
    with pytest.raises(error, match=match):
        call(model, inputs)
