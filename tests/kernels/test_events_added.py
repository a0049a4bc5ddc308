"""Spikes through several sets of synapses at once, against loops in NumPy, in every backend."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.kernels import Rows, add_spikes
from tests.kernels.compiler import BACKENDS
from tests.kernels.test_events import connections

N_PRE = 70
# First neuron, number of neurons, target array, first entry and number of entries there. Two sets
# add to the same array, and neurons belong to several sets.
PARTS = ((0, 50, 0, 0, 20), (30, 40, 1, 3, 15), (45, 25, 0, 7, 13))
SIZES = (20, 18)


def synapses(dtype):
    """The parts as matrices and as rows."""
    drawn = [connections(dtype, n, m, seed) for seed, (_, n, _, _, m) in enumerate(PARTS)]
    rows = [
        Rows(first, onto, shift, *map(jnp.asarray, each[1:4]))
        for (first, _, onto, shift, _), each in zip(PARTS, drawn, strict=True)
    ]
    longest = int(np.diff(drawn[0][1]).max())  # known for one set only
    rows[0] = rows[0]._replace(longest=longest)
    return [each[0] for each in drawn], rows


def ordered(onto, spikes, matrices):
    """One part after the other, one neuron after the other."""
    onto = [a.copy() for a in onto]
    for (first, n, i, shift, m), W in zip(PARTS, matrices, strict=True):
        for pre in np.flatnonzero(spikes[first : first + n]):
            onto[i][shift : shift + m] += W[pre]
    return onto


def drawn(n_trials, dtype, seed=0):
    rng = np.random.default_rng(seed)
    spikes = (rng.random((n_trials, N_PRE)) < 0.3).astype(dtype)
    spikes[-1] = 1  # all neurons spike
    return [rng.standard_normal(n).astype(dtype) for n in SIZES], spikes


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_spikes_add_up_in_order_to_the_last_bit(x64, backend, dtype):
    matrices, rows = synapses(dtype)
    onto, spikes = drawn(3, dtype)

    def add(onto, spikes):
        return add_spikes(onto, spikes, rows, backend=backend)

    together = jax.jit(jax.vmap(add, (None, 0)))(onto, spikes)
    alone = jax.jit(add)
    for b in range(len(spikes)):
        found = alone(onto, spikes[b])
        for i, want in enumerate(ordered(onto, spikes[b], matrices)):
            assert found[i].dtype == dtype
            np.testing.assert_array_equal(found[i], want)
            np.testing.assert_array_equal(together[i][b], want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_their_own_for_each_trial(x64, backend):
    matrices, rows = synapses(np.float64)
    onto, spikes = drawn(3, np.float64)
    scale = np.array([1.0, -2.0, 0.5])

    def add(spikes, scale):
        scaled = [each._replace(values=scale * each.values) for each in rows]
        return add_spikes(onto, spikes, scaled, backend=backend)

    found = jax.vmap(add)(spikes, scale)
    for b in range(len(spikes)):
        want = ordered(onto, spikes[b], [scale[b] * W for W in matrices])
        for i in range(len(onto)):
            np.testing.assert_array_equal(found[i][b], want[i])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_adds_in_place(x64, backend):
    _, rows = synapses(np.float64)
    onto, spikes = drawn(5, np.float64)

    def step(state, spikes):
        return add_spikes([0.9 * a for a in state], spikes, rows, backend=backend), None

    def run(onto, spikes):
        return jax.lax.scan(step, onto, spikes)[0]

    found, want = jax.jit(run)(onto, spikes), onto
    for b in range(len(spikes)):
        want = add_spikes([0.9 * a for a in want], spikes[b], rows, backend="xla")
    for a, b in zip(found, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)  # XLA may fuse the product with the sum


@pytest.mark.parametrize("backend", BACKENDS)
def test_derivatives_are_those_of_dense_products(x64, backend):
    matrices, rows = synapses(np.float64)
    onto, spikes = drawn(2, np.float64)
    rng = np.random.default_rng(5)
    weight = [rng.standard_normal(n) for n in SIZES]

    def loss(onto, spikes, values):
        own = [each._replace(values=v) for each, v in zip(rows, values, strict=True)]
        out = jax.vmap(lambda s: add_spikes(onto, s, own, backend=backend))(spikes)
        return sum((w[None] * a).sum() for w, a in zip(weight, out, strict=True))

    values = [each.values for each in rows]
    bars = jax.jit(jax.grad(loss, (0, 1, 2)))(onto, spikes, values)
    spikes_bar = np.zeros(N_PRE)
    for (first, n, i, shift, m), W, each, bar in zip(PARTS, matrices, rows, bars[2], strict=True):
        arriving = weight[i][shift : shift + m]
        spikes_bar[first : first + n] += W @ arriving
        pre = np.repeat(np.arange(n), np.diff(each.indptr))
        sent = spikes[:, first : first + n].sum(0)
        np.testing.assert_allclose(bar, sent[pre] * arriving[each.indices], rtol=1e-12)
    for bar, w in zip(bars[0], weight, strict=True):
        np.testing.assert_allclose(bar, 2 * w, rtol=1e-12)
    for bar in bars[1]:
        np.testing.assert_allclose(bar, spikes_bar, rtol=1e-12)


def test_other_devices_do_without_loops_over_spikes():
    _, rows = synapses(np.float32)
    onto, spikes = drawn(2, np.float32)
    add = jax.jit(jax.vmap(lambda s: add_spikes(onto, s, rows)))
    lowered = add.trace(spikes).lower(lowering_platforms=("cuda",)).as_text()
    assert "count_leading_zeros" not in lowered


def test_nothing_to_add():
    _, rows = synapses(np.float32)
    onto, spikes = drawn(1, np.float32)
    for found, given in zip(add_spikes(onto, spikes[0], []), onto, strict=True):
        np.testing.assert_array_equal(found, given)
    only = add_spikes(onto, spikes[0], rows[:1])
    np.testing.assert_array_equal(only[1], onto[1])


def test_errors_name_the_wrong_argument():
    _, rows = synapses(np.float32)
    onto, spikes = drawn(1, np.float32)
    spikes = spikes[0]
    with pytest.raises(
        ValueError, match=r"rows\[0\] belong to neurons 30 to 79, .* has 70 neurons"
    ):
        add_spikes(onto, spikes, [rows[0]._replace(first=30)])
    with pytest.raises(ValueError, match=r"rows\[2\] begin at entry 19 of array 1, which has 18"):
        add_spikes(onto, spikes, [*rows[:2], rows[2]._replace(onto=1, shift=19)])
    with pytest.raises(ValueError, match=r"rows\[1\] add to array 2, but onto has 2 arrays"):
        add_spikes(onto, spikes, [rows[0], rows[1]._replace(onto=2)])
    with pytest.raises(TypeError, match=r"spikes float32, values int32"):
        add_spikes(onto, spikes, [rows[0]._replace(values=rows[0].indices)])
    with pytest.raises(ValueError, match=r"share one connectivity"):
        jax.vmap(lambda i: add_spikes(onto, spikes, [rows[0]._replace(indices=i)]))(
            jnp.stack([rows[0].indices] * 2)
        )
