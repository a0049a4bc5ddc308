"""Both backends of the spike products run a whole network alike."""

import jax
import numpy as np
import pytest

import neurodyn as nd
from neurodyn.kernels import backends
from tests.benchmarks.peers import library, workloads
from tests.rounding import assert_equal_to_rounding


@pytest.mark.skipif(backends.obstacle() is not None, reason=str(backends.obstacle()))
def test_a_network_spikes_alike_in_plain_and_compiled_code(x64, monkeypatch):
    model = library.network(workloads.w2(320, 80))
    runs = {}
    for backend in ("xla", "compiled"):
        monkeypatch.setenv("NEURODYN_KERNELS", backend)
        jax.clear_caches()
        save = nd.Save(("v",), every=100, spikes="packed")
        runs[backend] = nd.integrate(model, dt=0.5, n_steps=400, save=save)
    assert library.count(runs["xla"].spikes) > 300
    np.testing.assert_array_equal(runs["xla"].spikes, runs["compiled"].spikes)
    v = (runs[backend].variables["v"] for backend in ("xla", "compiled"))
    assert_equal_to_rounding(*v, n_steps=400)
