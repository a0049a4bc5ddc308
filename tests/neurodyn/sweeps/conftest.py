"""A cluster in this process, where starting costs nothing."""

import distributed
import pytest


@pytest.fixture(scope="package")
def client():
    """Client of a cluster of one thread in this process."""
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with (
        distributed.LocalCluster(dashboard_address=":0", memory_limit=0, **options) as cluster,
        distributed.Client(cluster, set_as_default=False) as connection,
    ):
        yield connection
