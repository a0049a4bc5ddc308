"""Products of spikes against loops in NumPy, in every backend."""

import subprocess
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodyn.kernels import (
    backends,
    delayed_spike_product,
    pack_spikes,
    sparse_spike_product,
    spike_product,
)
from tests.kernels.compiler import BACKENDS, needs_compiler

N_PRE, N_POST, N_SLOTS = 70, 13, 5


def connections(dtype=np.float64, n_pre=N_PRE, n_post=N_POST, seed=0):
    """A sparse matrix, the same matrix as rows of synapses, and a delay for each synapse."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((n_pre, n_post)) * (rng.random((n_pre, n_post)) < 0.4)
    W[3], W[:, 2] = 0, 0  # a neuron without targets, and one without sources
    W = W.astype(dtype)
    pre, post = np.nonzero(W)
    indptr = np.searchsorted(pre, np.arange(n_pre + 1)).astype(np.int32)
    delays = rng.integers(0, N_SLOTS, pre.size).astype(np.int32)
    return W, indptr, post.astype(np.int32), W[pre, post], delays


def ordered(spikes, W):
    """Add rows to zero, one after the other."""
    total = np.zeros(W.shape[1], W.dtype)
    for i in np.flatnonzero(spikes):
        total = total + W[i]
    return total


def ordered_ring(ring, head, spikes, indptr, indices, values, delays):
    ring = ring.copy()
    ring[(head - 1) % len(ring)] = 0
    for i in np.flatnonzero(spikes):
        for k in range(indptr[i], indptr[i + 1]):
            ring[(head + delays[k]) % len(ring), indices[k]] += values[k]
    return ring


def compiled(backend, n_post=N_POST):
    """All products for a batch of trials, compiled once."""

    @jax.jit
    def run(spikes, ring, heads, W, indptr, indices, values, delays):
        dense = jax.vmap(lambda s: spike_product(s, W, backend=backend))(spikes)
        sparse = jax.vmap(
            lambda s: sparse_spike_product(s, indptr, indices, values, n_post, backend=backend)
        )(spikes)
        rings = jax.vmap(
            lambda r, h, s: delayed_spike_product(
                r, h, s, indptr, indices, values, delays, backend=backend
            )
        )(ring, heads, spikes)
        single = spike_product(spikes[0], W, backend=backend)
        return dense, sparse, rings, single

    return run


def _bits(number: int) -> np.ndarray:
    return (
        np.frombuffer(number.to_bytes(9, "little"), np.uint8)[:, None] >> np.arange(8) & 1
    ).ravel()[:N_PRE]


patterns = st.one_of(
    st.sampled_from([0, 2**N_PRE - 1]),
    st.integers(0, 2**N_PRE - 1),
    st.sets(st.integers(0, N_PRE - 1), max_size=4).map(lambda units: sum(1 << i for i in units)),
).map(_bits)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_pattern_of_spikes_adds_up_in_order_to_the_last_bit(backend):
    W, *synapses = connections()
    run = compiled(backend)
    rings = np.random.default_rng(1).standard_normal((3, N_SLOTS, N_POST))
    heads = np.array([0, 2, 4], np.int32)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.tuples(patterns, patterns, patterns))
    def check(trials):
        spikes = np.stack(trials).astype(float)
        dense, sparse, ring, single = run(spikes, rings, heads, W, *synapses)
        for b in range(3):
            np.testing.assert_array_equal(dense[b], ordered(spikes[b], W))
            np.testing.assert_array_equal(sparse[b], ordered(spikes[b], W))
            np.testing.assert_array_equal(
                ring[b], ordered_ring(rings[b], heads[b], spikes[b], *synapses)
            )
        np.testing.assert_array_equal(single, dense[0])

    with jax.enable_x64(True):
        check()
        assert run._cache_size() == 1


@needs_compiler
@pytest.mark.parametrize(
    "registers", [(64, 8, 3), (32, 4, 3), None], indirect=True, ids=["512 bits", "256 bits", "any"]
)
@pytest.mark.parametrize("n_post", [3, 16, 77])
def test_every_width_of_registers_gives_the_same(registers, n_post, x64):
    W, *synapses = connections(n_post=n_post)
    rng = np.random.default_rng(2)
    rings, heads = rng.standard_normal((3, N_SLOTS, n_post)), np.array([-1, 2, 9], np.int32)
    spikes = (rng.random((3, N_PRE)) < 0.5).astype(float)
    dense, sparse, ring, _ = compiled("compiled", n_post)(spikes, rings, heads, W, *synapses)
    for b in range(3):
        np.testing.assert_array_equal(dense[b], ordered(spikes[b], W))
        np.testing.assert_array_equal(sparse[b], ordered(spikes[b], W))
        want = ordered_ring(rings[b], heads[b], spikes[b], *synapses)
        np.testing.assert_array_equal(ring[b], want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_are_added_to_given_numbers(x64, backend):
    W = connections()[0]
    rng = np.random.default_rng(4)
    spikes, onto = (rng.random((3, N_PRE)) < 0.2).astype(float), rng.standard_normal((3, N_POST))

    def add(spikes, onto, W):
        return spike_product(spikes, W, onto, backend=backend)

    want = [b + 0.0 for b in onto]
    for b in range(3):
        for i in np.flatnonzero(spikes[b]):
            want[b] = want[b] + W[i]
    found = jax.vmap(add, (0, 0, None))(spikes, onto, W)
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(add(spikes[1], onto[1], W), want[1])
    own = jax.vmap(add)(spikes, onto, np.stack([W] * 3))
    np.testing.assert_array_equal(own, want)
    bar = jax.grad(lambda onto: (add(spikes[0], onto, W) ** 2).sum())(onto[0])
    np.testing.assert_allclose(bar, 2 * np.asarray(want[0]), rtol=1e-12)
    with pytest.raises(
        ValueError, match=r"onto must have dims \(post,\), here \(13,\) as in W, got shape \(12,\)"
    ):
        spike_product(spikes[0], W, onto[0, 1:])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("n_pre", "n_post"), [(1, 1), (32, 40), (1000, 3), (2100, 2)])
def test_sizes_around_whole_words(backend, n_pre, n_post):
    W = np.random.default_rng(0).standard_normal((n_pre, n_post)).astype(np.float32)
    for spikes in (np.ones(n_pre), np.arange(n_pre) == n_pre - 1):
        spikes = spikes.astype(np.float32)
        out = spike_product(spikes, W, backend=backend)
        assert out.dtype == jnp.float32
        np.testing.assert_array_equal(out, ordered(spikes, W))


@pytest.mark.parametrize("backend", BACKENDS)
def test_graded_events_scale_their_rows(x64, backend):
    W, indptr, indices, values, _ = connections()
    spikes = np.where(np.arange(N_PRE) % 3 == 0, np.linspace(0.1, 2, N_PRE), 0)
    np.testing.assert_allclose(spike_product(spikes, W, backend=backend), spikes @ W, rtol=1e-12)
    sparse = sparse_spike_product(spikes, indptr, indices, values, N_POST, backend=backend)
    np.testing.assert_allclose(sparse, spikes @ W, rtol=1e-12)


def test_rows_longer_than_a_chunk(x64):
    # One neuron has all targets and the others have one: a chunk of mean width is too short for it.
    n_post = 500
    rows = [np.arange(n_post), *[np.array([i]) for i in range(60)]]
    indptr = np.cumsum([0, *[r.size for r in rows]]).astype(np.int32)
    indices = np.concatenate(rows).astype(np.int32)
    values = np.random.default_rng(0).standard_normal(indices.size)
    for spikes in (np.eye(61)[0], np.eye(61)[-1], np.ones(61)):
        want = np.zeros(n_post)
        for i in np.flatnonzero(spikes):
            want[rows[i]] += values[indptr[i] : indptr[i + 1]]
        got = sparse_spike_product(spikes, indptr, indices, values, n_post, backend="xla")
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_of_their_own_for_each_trial(x64, backend):
    W, indptr, indices, values, delays = connections()
    spikes = (np.random.default_rng(2).random((3, N_PRE)) < 0.2).astype(float)
    scale = np.array([1.0, -2.0, 0.5])
    out = jax.vmap(lambda s, W: spike_product(s, W, backend=backend))(
        spikes, scale[:, None, None] * W
    )
    ring = np.zeros((3, N_SLOTS, N_POST))
    rings = jax.vmap(
        lambda r, s, v: delayed_spike_product(r, 1, s, indptr, indices, v, delays, backend=backend)
    )(ring, spikes, scale[:, None] * values)
    for b in range(3):
        np.testing.assert_array_equal(out[b], ordered(spikes[b], scale[b] * W))
        want = ordered_ring(ring[b], 1, spikes[b], indptr, indices, scale[b] * values, delays)
        np.testing.assert_array_equal(rings[b], want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_derivatives_are_those_of_the_dense_product(x64, backend):
    W, indptr, indices, values, delays = connections()
    rng = np.random.default_rng(3)
    spikes = (rng.random((2, N_PRE)) < 0.3).astype(float)
    g = rng.standard_normal((2, N_POST))
    pre = np.repeat(np.arange(N_PRE), np.diff(indptr))

    def dense(spikes, W):
        out = jax.vmap(lambda s: spike_product(s, W, backend=backend))(spikes)
        return (out * g).sum()

    got = jax.jit(jax.grad(dense, (0, 1)))(spikes, W)
    np.testing.assert_allclose(got[0], g @ W.T, rtol=1e-12)
    np.testing.assert_allclose(got[1], spikes.T @ g, rtol=1e-12)

    def sparse(spikes, values):
        out = jax.vmap(
            lambda s: sparse_spike_product(s, indptr, indices, values, N_POST, backend=backend)
        )(spikes)
        return (out * g).sum()

    got = jax.jit(jax.grad(sparse, (0, 1)))(spikes, values)
    np.testing.assert_allclose(got[0], g @ W.T, rtol=1e-12)
    np.testing.assert_allclose(got[1], (spikes.T @ g)[pre, indices], rtol=1e-12)

    ring, weight = rng.standard_normal((2, N_SLOTS, N_POST))

    def delayed(ring, spikes, values):
        out = delayed_spike_product(
            ring, 1, spikes, indptr, indices, values, delays, backend=backend
        )
        return (out * weight).sum()

    ring_bar, spikes_bar, values_bar = jax.jit(jax.grad(delayed, (0, 1, 2)))(
        ring, spikes[0], values
    )
    kept = np.ones((N_SLOTS, 1))
    kept[0] = 0
    arriving = weight[(1 + delays) % N_SLOTS, indices]
    np.testing.assert_allclose(ring_bar, weight * kept, rtol=1e-12)
    np.testing.assert_allclose(values_bar, spikes[0, pre] * arriving, rtol=1e-12)
    expected = np.bincount(pre, values * arriving, N_PRE)
    np.testing.assert_allclose(spikes_bar, expected, rtol=1e-12, atol=1e-14)


def test_derivatives_through_a_scan_in_both_modes(x64):
    # A smooth stand-in for spikes, so that finite differences check the whole chain.
    W = connections(n_pre=6, n_post=6)[0]

    def loss(scale):
        def step(v, _):
            v = 0.9 * v + spike_product(jnp.tanh(v), scale * W, backend="xla") + 0.1
            return v, None

        v, _ = jax.lax.scan(step, jnp.linspace(-1, 1, 6), None, length=5)
        return (v**2).sum()

    h = 1e-5
    numeric = (loss(0.7 + h) - loss(0.7 - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(loss)(0.7), numeric, rtol=1e-7)
    np.testing.assert_allclose(jax.jvp(loss, (0.7,), (1.0,))[1], numeric, rtol=1e-7)


def test_other_devices_multiply_matrices():
    W, *synapses = connections(np.float32)

    def run(spikes, ring):
        dense = jax.vmap(lambda s: spike_product(s, W))(spikes)
        rings = jax.vmap(lambda r, s: delayed_spike_product(r, 2, s, *synapses))(ring, spikes)
        return dense, rings

    arguments = jnp.zeros((4, N_PRE)), jnp.zeros((4, N_SLOTS, N_POST))
    lowered = jax.jit(run).trace(*arguments).lower(lowering_platforms=("cuda",)).as_text()
    assert "dot_general" in lowered
    assert "count_leading_zeros" not in lowered


@pytest.mark.parametrize("dtype", [bool, np.float32])
def test_packed_words(dtype):
    spikes = np.random.default_rng(0).random((2, 3, 45)) < 0.5
    given = jnp.asarray(spikes.astype(dtype))
    words = np.asarray(pack_spikes(given))
    mapped = jax.vmap(pack_spikes, in_axes=1, out_axes=1)(given)
    np.testing.assert_array_equal(mapped, words)
    assert words.shape == (2, 3, 2)
    bits = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
    np.testing.assert_array_equal(bits[..., :45], spikes)
    assert not bits[..., 45:].any()


def test_errors_name_the_wrong_argument():
    W, indptr, indices, values, delays = connections(np.float32)
    spikes = np.zeros(N_PRE, np.float32)
    with pytest.raises(ValueError, match=r"vmap"):
        spike_product(spikes[None], W)
    with pytest.raises(ValueError, match=r"\(pre, post\)"):
        spike_product(spikes[1:], W)
    with pytest.raises(TypeError, match=r"spikes int32"):
        spike_product(spikes.astype(np.int32), W)
    with pytest.raises(ValueError, match=r"backend must be one of"):
        spike_product(spikes, W, backend="cuda")
    with pytest.raises(ValueError, match=r"one more number"):
        sparse_spike_product(spikes, indptr[1:], indices, values, N_POST)
    with pytest.raises(ValueError, match=r"one number for each synapse"):
        sparse_spike_product(spikes, indptr, indices, values[1:], N_POST)
    with pytest.raises(TypeError, match=r"indices must be int32"):
        sparse_spike_product(spikes, indptr, indices.astype(np.uint8), values, N_POST)
    ring = np.zeros((N_SLOTS, N_POST), np.float32)
    with pytest.raises(TypeError, match=r"head must be an integer"):
        delayed_spike_product(ring, 0.5, spikes, indptr, indices, values, delays)
    with pytest.raises(ValueError, match=r"share one connectivity"):
        jax.vmap(lambda d: delayed_spike_product(ring, 0, spikes, indptr, indices, values, d))(
            np.stack([delays, delays])
        )


def test_the_environment_chooses_the_backend(monkeypatch):
    monkeypatch.setenv("NEURODYN_KERNELS", "fortran")
    with pytest.raises(ValueError, match="NEURODYN_KERNELS must be one of"):
        spike_product(np.zeros(3, np.float32), np.zeros((3, 3), np.float32))


@needs_compiler
def test_threads_that_need_a_kernel_first_share_it():
    """Runs in a process of its own, because this one may have compiled the kernel."""
    code = """
import threading
import jax, numpy as np
from neurodyn.kernels import spike_product
errors = []
def first(n):
    try:
        W = np.ones((9, n), np.float32)
        run = jax.jit(lambda s: spike_product(s, W, backend="compiled"))
        assert (run(np.ones(9, np.float32)) == 9).all()
    except Exception as error:
        errors.append(error)
threads = [threading.Thread(target=first, args=(n,)) for n in range(5, 9)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not errors, errors
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


def test_an_old_compiler_is_passed_over(monkeypatch):
    spec = SimpleNamespace(origin="somewhere")
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(backends.importlib.metadata, "version", lambda name: "0.43.0")
    monkeypatch.setattr(backends, "_warned", [])
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)
    backends.obstacle.cache_clear()
    try:
        W = np.ones((3, 3), np.float32)
        with pytest.warns(RuntimeWarning, match="need llvmlite 0.45 or later"):
            product = spike_product(np.ones(3, np.float32), W)
        np.testing.assert_array_equal(product, [3, 3, 3])
        with pytest.raises(ModuleNotFoundError, match=r"llvmlite 0.45 or later \(found: 0.43.0\)"):
            spike_product(np.ones(3, np.float32), W, backend="compiled")
    finally:
        backends.obstacle.cache_clear()


def test_the_ring_turns_without_neurons():
    ring, none = np.ones((N_SLOTS, 2), np.float32), np.zeros(0, np.int32)
    nobody = np.zeros(0, np.float32)
    found = delayed_spike_product(ring, 0, nobody, np.zeros(1, np.int32), none, nobody, none)
    np.testing.assert_array_equal(found, np.vstack([ring[:-1], np.zeros((1, 2))]))
