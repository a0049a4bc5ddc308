import os

import pytest


@pytest.fixture
def local_data():
    """Skip where the published recordings are not at hand."""
    if not os.environ.get("NEURODYN_DATA"):
        pytest.skip("NEURODYN_DATA is not set")
