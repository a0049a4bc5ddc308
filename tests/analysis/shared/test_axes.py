"""Leading axes against SciPy's singular vectors, where products keep the digits and where not."""

import numpy as np
import pytest
import scipy.linalg

from neurodyn.analysis.shared.axes import leading_axes


@pytest.mark.parametrize("smallest", [1e-2, 1e-7, 1e-12])
@pytest.mark.parametrize("shape", [(500, 8), (8, 8), (6, 30)])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_leading_axes(smallest, shape, scale):
    rng = np.random.default_rng(0)
    sizes = np.geomspace(1, smallest, min(shape))
    left, right = (np.linalg.qr(rng.standard_normal((n, len(sizes))))[0] for n in shape)
    x = scale * (left * sizes) @ right.T
    found = leading_axes(x, 4)
    wanted = scipy.linalg.svd(x, full_matrices=False)[2][:4].T
    np.testing.assert_allclose(np.abs((found * wanted).sum(0)), 1.0, rtol=1e-9)
    np.testing.assert_allclose(found.T @ found, np.eye(4), atol=1e-12)
