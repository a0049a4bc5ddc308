"""Data that all measures of similarity are tried on."""

import numpy as np
import pytest


@pytest.fixture
def toy():
    """Two noisy views of five latents."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 5))
    x = z @ rng.standard_normal((5, 12)) + 0.5 * rng.standard_normal((60, 12))
    y = z @ rng.standard_normal((5, 8)) + 0.5 * rng.standard_normal((60, 8))
    assert x.sum() == pytest.approx(66.502438, abs=1e-6)
    assert y.sum() == pytest.approx(-177.489870, abs=1e-6)
    return x, y
