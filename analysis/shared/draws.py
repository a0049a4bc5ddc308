"""Random numbers drawn on the host."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from neurodyn.common.random import as_key


def generator(key: Any, *, needed_for: str) -> np.random.Generator:
    """NumPy's generator for a seed or a JAX key."""
    words = np.asarray(jax.random.key_data(as_key(key, needed_for=needed_for))).tolist()
    # A seed gives the numbers of ``np.random.default_rng(seed)``.
    return np.random.default_rng(words[-1] if words[0] == 0 else words)
