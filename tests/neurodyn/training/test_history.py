import numpy as np

from neurodyn.training.history import History


def test_what_was_not_recorded_is_not_kept():
    buffer = np.zeros(1024, np.float32)
    history = History({})
    history.add_steps([{"loss": buffer, "grad_norm": buffer}], 3)
    buffer[:] = 7.0
    kept = history._steps[0][0]["loss"]
    assert kept.base is None
    assert kept.nbytes == 12
    np.testing.assert_array_equal(history.arrays()["loss"], [[0, 0, 0]])
