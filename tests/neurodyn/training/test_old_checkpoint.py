"""A run that version 0.1.0 began is finished; its constraints and noise had other names."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, params, tasks
from neurodyn.io import archive
from neurodyn.training import CheckpointError

OLD = Path(__file__).parent / "version_2" / "flip_flop.ckpt"


def finish(path, n_units=4):
    task = tasks.FlipFlop(n_bits=1, noise_std=0.1)
    W = params.Dale(0.5, params.Masked(0.8))
    tau = params.Bounded(20.0, 100.0, init=50.0)
    model = models.CTRNN(task.n_inputs, n_units, task.n_outputs, W=W, tau=tau, key=0)
    options = {"batch_size": 2, "evaluate": False, "key": 1, "progress": False}
    return nd.fit(model, task, steps=6, checkpoint=path, resume=True, **options)


def test_a_run_of_version_0_1_goes_on(tmp_path):
    """It keeps what it had and goes on; the noise of its trials is drawn by other numbers now."""
    path = Path(shutil.copy(OLD, tmp_path / "run.ckpt"))
    began = archive.read_archive(path, kind="checkpoint")[1]["history/loss"][0]
    with pytest.warns(UserWarning, match=r"written by neurodyn 0\.1.*same arguments"):
        resumed = finish(path)
    loss = resumed.history.loss
    np.testing.assert_array_equal(loss[: len(began)], began)
    # Six steps of two trials each lose about as much as those of a run that begins anew.
    whole = finish(tmp_path / "new.ckpt").history.loss
    assert loss.shape == whole.shape
    np.testing.assert_allclose(loss, whole, rtol=0.3)
    assert not np.allclose(loss[len(began) :], began[-1])
    other = Path(shutil.copy(OLD, tmp_path / "other.ckpt"))
    with (
        pytest.warns(UserWarning, match="0.1"),
        pytest.raises(CheckpointError, match="arrays of this run"),
    ):
        finish(other, n_units=5)
