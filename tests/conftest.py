"""Test configuration: runtime-checked shapes, strict promotion, fixed seeds."""

import gc
import os

os.environ.setdefault("MPLBACKEND", "agg")

from jaxtyping import install_import_hook

install_import_hook("neurodyn", "beartype.beartype")

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs():
    """Compiled programs of one module are of no use to the next, and fill gigabytes."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture
def key():
    """A fixed JAX key."""
    return jax.random.key(0)


@pytest.fixture
def x64():
    """Run the test in float64."""
    with jax.enable_x64(True):
        yield
