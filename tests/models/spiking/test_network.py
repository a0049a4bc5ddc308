"""Synapses, connections and networks against analytic solutions and plain loops."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import params
from neurodyn.engine.drive import spike_counts
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save
from neurodyn.models import spiking
from neurodyn.models.spiking.plasticity import RLS, PairSTDP
from neurodyn.simulation.runner import SimulationError
from tests.models.spiking import networks
from tests.rounding import assert_equal_to_rounding

STEPS, DT = 4000, 0.05


def response(synapse, dt=DT, steps=STEPS, weight=1.0, times=(0.0,), **options):
    """What is observed of a synapse after spikes at given times [ms], on a unit that is silent."""
    network = spiking.Network(
        spiking.LIF(1, tau=1.0, threshold=1e6),
        inputs={"train": spiking.SpikeInput(1)},
        synapses={"s": synapse},
        projections={"p": spiking.Projection("train", "all", "s", W=weight, **options)},
    )
    train = spike_counts([list(times)], steps, dt)
    return np.asarray(integrate(network, train, dt=dt, save=Save(("s",))).variables["s"][:, 0])


@pytest.mark.parametrize("exact", [False, True])
def test_responses_of_synapses_have_the_area_and_peak_they_say(exact, x64):
    t = np.arange(STEPS) * DT  # from the end of the step of the spike
    double = response(spiking.DoubleExponential(2.0, 20.0, exact=exact))
    assert double.sum() * DT == pytest.approx(1.0, rel=0.02)
    kernel = (np.exp(-t / 20) - np.exp(-t / 2)) / 18
    assert np.abs(double - kernel).max() < 0.03 * kernel.max()
    alpha = response(spiking.Alpha(5.0, exact=exact, unit_peak=True))
    assert alpha.max() == pytest.approx(1.0, rel=0.02)
    assert t[alpha.argmax()] == pytest.approx(5.0, abs=0.15)
    peaked = response(spiking.DoubleExponential(2.0, 20.0, exact=exact, unit_peak=True))
    assert peaked.max() == pytest.approx(1.0, rel=0.02)
    single = response(spiking.Exponential(5.0, exact=exact, unit_area=True))
    assert single.sum() * DT == pytest.approx(1.0, rel=0.02)


def test_the_exact_double_exponential_is_the_published_recursion(x64):
    rng = np.random.default_rng(0)
    times = np.sort(rng.choice(400, 40, replace=False)) * 0.5
    got = response(
        spiking.DoubleExponential(2.0, 20.0, exact=True), 0.5, 500, weight=3.0, times=times
    )
    x = h = 0.0
    for k in range(500):
        jump = 3.0 * (k * 0.5 in times) / (2.0 * 20.0)
        x, h = x * np.exp(-0.5 / 2) + h * 0.5, h * np.exp(-0.5 / 20) + jump
        assert got[k] == pytest.approx(x, abs=1e-12)


def test_magnesium_blocks_nmda_at_rest():
    nmda = params.with_values(spiking.NMDA())
    v = jnp.array([-70.0, -40.0, 0.0, 40.0])
    # Jahr & Stevens (1990): 1 / (1 + [Mg] / 3.57 exp(-0.062 v)).
    expected = 1 / (1 + np.exp(-0.062 * np.asarray(v)) / 3.57)
    np.testing.assert_allclose(nmda.unblocked(v), expected, rtol=1e-6)
    current = nmda.current((jnp.ones(4), jnp.zeros(4)), v)
    assert current[0] < current[1]  # the current grows on the way up from rest
    assert current[3] < 0  # and turns at 0 mV


def test_short_term_plasticity_settles_where_it_should(x64):
    U, recovery, facilitation, interval = 0.2, 300.0, 500.0, 50.0
    got = response(
        spiking.Exponential(1e12, exact=True),
        0.5,
        10_000,
        times=np.arange(0, 5000, interval),
        short_term=spiking.TsodyksMarkram(U, recovery, facilitation),
    )
    released = np.diff(got)[np.diff(got) > 1e-12][-1]
    f, r = np.exp(-interval / facilitation), np.exp(-interval / recovery)
    y = U + (1 - U) * U / (1 - (1 - U) * f)  # right after a spike
    x = (1 - r) / (1 - r * (1 - y))
    assert released == pytest.approx(x * y, rel=1e-6)


@pytest.mark.parametrize("facilitation", [None, 50.0])
def test_spikes_of_one_step_release_one_after_the_other(facilitation, x64):
    made = params.with_values(spiking.TsodyksMarkram(0.4, 30.0, facilitation))
    state, dt = made.start(4, float), jnp.asarray(0.5)
    counts = np.array([[0, 1, 2, 7], [3, 0, 1, 2], [1, 1, 5, 0]], float)
    x, y = np.ones(4), np.full(4, 0.4)
    for step in counts:
        state, got = made.release(state, jnp.asarray(step), dt)
        x = 1 - (1 - x) * np.exp(-0.5 / 30)
        y = y if facilitation is None else 0.4 + (y - 0.4) * np.exp(-0.5 / facilitation)
        total = np.zeros(4)
        for unit, n in enumerate(step.astype(int)):
            for _ in range(n):
                if facilitation is not None:
                    y[unit] += 0.4 * (1 - y[unit])
                total[unit] += x[unit] * y[unit]
                x[unit] -= x[unit] * y[unit]
        np.testing.assert_allclose(got, total, rtol=1e-12)
        assert (total < 1).all()
    np.testing.assert_allclose(state.x, x, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(state.y, y, rtol=1e-12)


def test_patterns_connect_what_they_say():
    rng = np.random.default_rng(0)
    pre, post = spiking.FixedInDegree(7, self_connections=False).pairs(50, 50, 0, rng)
    assert (np.bincount(post, minlength=50) == 7).all()
    assert (pre != post).all()
    pre, post = spiking.FixedOutDegree(7).pairs(30, 60, None, rng)
    assert (np.bincount(pre, minlength=30) == 7).all()
    pairs = pre * 60 + post
    assert len(np.unique(pairs)) == len(pairs)
    counts = [len(spiking.FixedProbability(0.1).pairs(200, 300, None, rng)[0]) for _ in range(20)]
    sd = np.sqrt(60_000 * 0.09)
    assert abs(np.mean(counts) - 6000) < 4 * sd / np.sqrt(20)
    assert 0.4 * sd < np.std(counts) < 2 * sd
    ring = np.arange(100.0)
    law = spiking.DistanceDependent(ring, lambda d: np.exp(-d / 5), periodic=100.0)
    pre, post = law.pairs(100, 100, 0, rng)
    apart = np.minimum(np.abs(pre - post), 100 - np.abs(pre - post))
    assert (apart > 0).all()
    for d in (1, 5, 10):
        expected = 200 * np.exp(-d / 5)
        assert abs((apart == d).sum() - expected) < 4 * np.sqrt(expected)
    pre, post = spiking.AllToAll(self_connections=False).pairs(4, 4, 0, rng)
    assert len(pre) == 12


def test_dense_and_sparse_weights_are_the_same_and_keep_their_sign():
    def network(format):
        return spiking.Network(
            {
                "E": spiking.Population(spiking.Izhikevich2003(60), ei=1),
                "I": spiking.Population(spiking.Izhikevich2003(20, "FS"), ei=-1),
            },
            synapses={"s": spiking.Exponential(5.0)},
            projections={
                "all": spiking.Projection(
                    "all",
                    "all",
                    "s",
                    W=params.Uniform(0.0, 1.0),
                    connect=spiking.FixedProbability(0.2, self_connections=False),
                    dale=True,
                    format=format,
                )
            },
            bias=10.0,
            key=0,
        )

    sparse = network("csr").projections["all"].weights
    W = np.asarray(sparse.matrix())
    assert (W[:60] >= 0).all()
    assert (W[60:] <= 0).all()
    assert (np.diag(W) == 0).all()
    assert sparse.values.value().shape == ((W != 0).sum(),)
    dense = np.asarray(network("dense").projections["all"].weights.matrix())
    np.testing.assert_array_equal(dense != 0, W != 0)  # the same pairs, with weights of their own
    copy = eqx.tree_at(
        lambda n: n.projections["all"].weights.values, network("dense"), jnp.asarray(W)
    )
    np.testing.assert_array_equal(
        networks.spikes(copy, 0.5, 300), networks.spikes(network("csr"), 0.5, 300)
    )


def test_poisson_sources_fire_at_their_rate():
    network = spiking.Network(
        spiking.LIF(1, threshold=1e6),
        sources={"noise": spiking.Poisson(200, np.r_[np.full(100, 5.0), np.full(100, 45.0)])},
        synapses={"sum": spiking.Exponential(1e9, exact=True)},
        projections={"p": spiking.Projection("noise", "all", "sum", W=1.0)},
    )
    total = integrate(network, dt=0.5, n_steps=4000, key=0, save=Save(("sum",), every=4000))
    assert abs(float(total.variables["sum"][0, 0]) - 10_000) < 4 * np.sqrt(10_000)


def test_plastic_weights_and_decoders_are_part_of_the_run():
    n, steps = 30, 400
    network = spiking.Network(
        spiking.Izhikevich2003(n),
        synapses={"s": spiking.Exponential(5.0)},
        projections={
            "p": spiking.Projection(
                "all", "all", "s", W=0.5, connect=spiking.FixedProbability(0.3), rule=PairSTDP()
            )
        },
        bias=10.0,
        noise=2.0,
        readout=spiking.Readout(1, rule=RLS(2.0), feedback=params.Uniform(-1.0, 1.0)),
        key=0,
    )
    target = np.sin(np.arange(steps) / 20)[:, None]
    drive = nd.drive.Drive(target=jnp.asarray(target, jnp.result_type(float)))
    save = Save(("W_p", "decoder"), every=100)
    run = integrate(network, drive, dt=0.5, key=0, save=save)
    W = np.asarray(run.variables["W_p"])
    assert W.shape == (4, n, n)
    assert np.abs(W[-1] - W[0]).max() > 0.001
    assert ((W[-1] != 0) == (W[0] != 0)).all()
    assert np.abs(run.variables["decoder"][-1]).max() > 0
    early = jax.tree.map(lambda a: a[:200], drive)
    late = jax.tree.map(lambda a: a[200:], drive)
    half = integrate(network, early, dt=0.5, key=0, save=save)
    rest = integrate(network, late, dt=0.5, key=0, save=save, state=half.final_state, start=200)
    assert_equal_to_rounding(rest.variables["W_p"][-1], W[-1], steps)
    assert_equal_to_rounding(rest.variables["decoder"][-1], run.variables["decoder"][-1], steps)


def test_memory_does_not_grow_with_the_length_of_a_run():
    p = networks.arrays(80, 20)
    network = networks.two_currents(p, delay=2.0).sized(0.5)

    def needed(steps):
        def run():
            save = Save(outputs=None)
            return integrate(network, dt=0.5, n_steps=steps, save=save, checkpoint=False)

        memory = jax.jit(run).lower().compile().memory_analysis()
        return memory.temp_size_in_bytes

    assert needed(20_000) < needed(1000) + 20_000 * 4 * 2  # the number of each step, at most twice


def test_runs_in_chunks_and_many_trials_are_the_same():
    network = spiking.izhikevich2003_network(80, 20, published=False)
    whole = nd.simulate(network, dt=0.5, n_steps=200, n_trials=5, key=0, save=("v",))
    cut = nd.simulate(
        network,
        dt=0.5,
        n_steps=200,
        n_trials=5,
        key=0,
        save=nd.Save(("v",), every=1),
        chunk=2,
        chunk_steps=70,
    )
    assert_equal_to_rounding(cut.v, whole.v, n_steps=200)
    for name in ("spike_time", "spike_unit", "spike_trial"):
        a, b = (
            ds.isel(spike=np.lexsort((ds.spike_unit, ds.spike_time, ds.spike_trial)))
            for ds in (whole, cut)
        )
        np.testing.assert_array_equal(a[name], b[name])
    assert list(np.unique(whole.population)) == ["E", "I"]


def test_units_that_explode_are_named():
    network = spiking.Network(
        spiking.LIF(3, threshold=1e30, R=1e3),
        inputs={"x": spiking.CurrentInput(3)},
    )
    x = np.zeros((50, 3), np.float32)
    x[10, 2] = -3e38
    message = r"NaN or infinite values in trial 0 at t = 5\.5 ms, first in unit 2 \(v\)"
    with pytest.raises(SimulationError, match=message):
        nd.simulate(network, x, dt=0.5)


def cells(**options):
    return spiking.Network(
        {"E": spiking.LIF(4), "I": spiking.LIF(2), "X": spiking.LIF(1)},
        synapses={"s": spiking.Exponential(5.0)},
        **options,
    )


def projection(*args, **options):
    return lambda: cells(projections={"p": spiking.Projection(*args, **options)}, key=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (projection("E", "Q", "s", W=1.0), r"Projection 'p': unknown \['Q'\]; there are E, I, X"),
        (projection("E", ("E", "X"), "s", W=1.0), r"must be neighbours"),
        (projection("E", "I", "t", W=1.0), r"unknown synapse 't'; there are s"),
        (projection("E", "I", "s"), r"pass `W=`"),
        (projection("E", "I", "s", W=np.ones((2, 4))), r"(?s)Projection 'p'.*\(2, 4\).*\(4, 2\)"),
        (projection("E", "I", "s", W=1.0, delay=-1.0), r"`delay` must be finite and at least 0"),
        (projection("E", "I", "s", W=1.0, delay=[1.0, 2.0]), r"`delay` must be one number"),
        (projection("E", "I", "s", W=1.0, dale=True), r"`dale` needs populations"),
        (projection("E", "I", "s", W=1.0, connect=spiking.OneToOne()), r"OneToOne needs"),
        (projection("E", "I", "s", W=1.0, connect=spiking.FixedInDegree(5)), r"only 4"),
        (projection("E", "I", "s", W=1.0, format="coo"), r"`format` is"),
        (lambda: cells(inputs={"E": spiking.SpikeInput(1)}), r"share the names \['E'\]"),
        (lambda: cells(inputs={"x": spiking.CurrentInput(3)}), r"say with `W=` how 3 channels"),
        (lambda: spiking.Network({}), r"at least one population"),
        (
            projection(
                "E",
                "E",
                "s",
                W=1.0,
                connect=spiking.DistanceDependent(
                    100.0 * np.arange(4), lambda d: 0.5 + 0 * d, periodic=200.0
                ),
            ),
            r"Projection 'p'.*up to 300 apart.*`periodic`=200",
        ),
        (
            lambda: cells(
                readout=spiking.Readout(1, filter=spiking.Exponential([1.0, 2.0]), W=1.0)
            ),
            r"The filter of the readout has a parameter of shape \(2,\).*7 units",
        ),
        (
            lambda: spiking.Network(spiking.LIF(1), synapses={"v": spiking.Delta()}),
            r"'v' names a variable",
        ),
        (
            lambda: networks.spikes(projection("E", "I", "s", W=1.0, delay=0.1)(), 0.5, 5),
            r"delays below half a step",
        ),
        (
            lambda: networks.spikes(cells(sources={"n": spiking.Poisson(2, 3000.0)}), 0.5, 5),
            r"fires at 3000 Hz, more than once in a step",
        ),
        (
            lambda: (
                integrate(
                    projection("E", "I", "s", W=1.0, delay=2.0)(), dt=jnp.asarray(0.5), n_steps=2
                )
                and jax.jit(
                    lambda dt: integrate(
                        projection("E", "I", "s", W=1.0, delay=2.0)(), dt=dt, n_steps=2
                    )
                )(0.5)
            ),
            r"Delays need a fixed clock",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_random_connections_cannot_be_drawn_under_vmap():
    def build(key):
        return spiking.Network(
            spiking.LIF(4),
            synapses={"s": spiking.Delta()},
            projections={
                "p": spiking.Projection(
                    "all", "all", "s", W=1.0, connect=spiking.FixedProbability(0.5)
                )
            },
            key=key,
        )

    with pytest.raises(ValueError, match="under jit or vmap"):
        eqx.filter_vmap(build)(jax.random.split(jax.random.key(0), 2))


def test_interventions_reach_spiking_networks():
    network = spiking.Network(
        {"E": spiking.Izhikevich2003(6), "I": spiking.Izhikevich2003(2, "FS")},
        synapses={"s": spiking.Exponential(5.0)},
        projections={"p": spiking.Projection("E", "I", "s", W=2.0)},
        inputs={"x": spiking.CurrentInput(1)},
        bias={"E": 10.0},
    )
    e, i = (np.arange(8) < 6), (np.arange(8) >= 6)

    def counts(*interventions):
        x = jnp.zeros((400, 1))
        run = integrate(network, x, dt=0.5, save=Save(spikes="dense"), interventions=interventions)
        return np.asarray(run.spikes).reshape(2, 200, 8).sum(1)

    free = counts()
    assert (free > 0).all()
    silenced = counts(nd.intervene.Silence(e, start=100.0))
    np.testing.assert_array_equal(silenced[:, e], free[:, e])
    assert (silenced[1, i] <= 1).all()
    assert (counts(nd.intervene.Lesion(i))[:, i] == 0).all()
    held = counts(nd.intervene.Clamp(e, -65.0, start=100.0, field="v"))
    assert (held[1, e] <= 1).all()
    driven = counts(nd.intervene.Current(i, 20.0, start=100.0))
    assert (driven[1, i] > free[1, i]).all()
