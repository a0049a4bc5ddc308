"""Tests that compile much may ask for quick compilation: few optimisations halve its time."""

import jax
import pytest


@pytest.fixture(scope="module")
def quick_compilation():
    """Compile quickly, and leave nothing of it to other tests."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()
