"""What several processes do together, in one alone (training on meshes tests two)."""

import pytest

from neurodyn.common import hosts


def test_one_process_decides_for_itself():
    assert hosts.is_first()
    assert not hosts.several()
    assert hosts.by_first(lambda: {"steps": [1, 2]}) == {"steps": [1, 2]}
    hosts.check_same("The model", "a", "Build it from one seed.")
    with pytest.raises(KeyError, match="lost"):
        hosts.by_first(lambda: {}["lost"])
