"""Tasks that version 0.1.0 saved, whose fields had other names, are read with their numbers."""

from operator import attrgetter
from pathlib import Path

import pytest

import neurodyn as nd

OLD = Path(__file__).parent / "version_1"
NUMBERS = {
    "decision": {"noise_std": 0.25, "noise_tau": 50.0},
    "reach": {"aim_std": 0.1, "moving_noise_std": 0.2, "staying_noise_std": 0.3},
    "windows": {"noise_std": 0.5},
    "attractor": {"windows.noise_std": 0.5},
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_task_of_version_0_1_is_read(name):
    task = nd.load(OLD / f"{name}.nd")
    for field, value in NUMBERS[name].items():
        assert attrgetter(field)(task) == pytest.approx(value)
    if name == "attractor":
        assert task.train.attrs["noise_std"] == 0.1
    assert task.batch(0, 2).targets.shape[0] == 2
