"""Compiled programs on disk: found again, with the same bits, by processes that may use them."""

import os
import subprocess
import sys

import pytest

import neurodyn as nd

# Prints how many programs came from disk, how many were compiled, and the bits of a run.
PROGRAM = """
import jax, numpy as np
counts = {"/jax/compilation_cache/cache_hits": 0, "/jax/compilation_cache/cache_misses": 0}
def listen(event, **about):
    if event in counts:
        counts[event] += 1
jax.monitoring.register_event_listener(listen)
import neurodyn as nd
from neurodyn import models
model = models.CTRNN(2, 16, 1, noise_std=0.1, key=0)
run = nd.integrate(model, np.ones((30, 4, 2), np.float32), dt=20.0, key=1)
print(*counts.values(), hash(np.asarray(run.outputs).tobytes()))
"""


def start(folder, **environment):
    """A process that keeps its programs in a folder."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "NEURODYN_CACHE"))},
        **({} if folder is None else {"NEURODYN_CACHE": str(folder)}),
        "PYTHONHASHSEED": "0",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return [int(number) for number in done.stdout.split()]


def test_a_second_process_compiles_nothing_and_gets_the_same_bits(tmp_path):
    hits, misses, plain = start(None)
    assert hits == misses == 0
    _, misses, first = start(tmp_path)
    assert misses > 3
    hits, again, second = start(tmp_path)
    assert (hits, again) == (misses, 0)
    assert plain == first == second
    (here,) = tmp_path.iterdir()
    assert f"neurodyn-{nd.__version__}" in here.name
    # A process held to other instructions shares nothing with these.
    hits, _, _ = start(tmp_path, XLA_FLAGS="--xla_cpu_max_isa=SSE4_2")
    assert hits == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_in_the_way_is_named(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(NotADirectoryError, match=r"taken is no folder.*NEURODYN_CACHE"):
        nd.compilation_cache(taken)
