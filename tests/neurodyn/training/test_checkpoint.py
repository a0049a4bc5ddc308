"""Checkpoints: the same bits after any interruption, and never half a file."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

from neurodyn.io.archive import read_archive, write_archive
from neurodyn.io.trees import named_leaves, with_leaves
from neurodyn.training import CheckpointError, Seeds, Supervised, Threshold, fit
from neurodyn.training.fingerprint import fingerprint
from tests.neurodyn.training.killed import STEPS, train
from tests.neurodyn.training.test_fit import same_bits
from tests.systems import Filter, Leaky, Sequences

ROOT = Path(__file__).parents[3]


def start(path, when):
    """Run the script until it is at the point where it is to die."""
    command = [sys.executable, "-m", "tests.neurodyn.training.killed", str(path), when]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert line.strip() == "now", line
    return process


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_in_training_and_in_writing_and_resumed(tmp_path):
    whole = train(None)
    path = tmp_path / "run.checkpoint"

    kill(start(path, "training"))
    header, _ = read_archive(path, kind="checkpoint")
    assert header["step"] == 30

    process = start(path, "writing")
    partial = [p for p in tmp_path.rglob("*") if p.is_file() and p != path]
    assert partial  # it really is in the middle of a file,
    before = read_archive(path, kind="checkpoint")[0]["step"]  # and the old one is whole
    kill(process)
    assert read_archive(path, kind="checkpoint")[0]["step"] == before >= 30

    resumed = train(path, resume=True)
    assert same_bits(resumed.model, whole.model)
    assert resumed.history.identical(whole.history)
    assert read_archive(path, kind="checkpoint")[0]["step"] == STEPS

    again = train(path, resume=True)  # nothing is left to do
    assert same_bits(again.model, whole.model)
    assert again.history.identical(whole.history)
    assert again.seconds["train"] == 0


def test_curriculum_and_aux_are_resumed(tmp_path):
    def run(path, steps, resume=False):
        return fit(
            Leaky(),
            Filter(gain=0.5),
            steps=steps,
            evaluate_every=10,
            optimizer=optimizer,
            curriculum=Threshold(
                "gain", [0.5, 1.0, 1.5, 2.0], threshold=0.15, metric="validation_mse", lower=True
            ),
            checkpoint=path,
            resume=resume,
            key=0,
        )

    optimizer = optax.adam(1e-2)
    whole = run(None, 120)
    path = tmp_path / "run.checkpoint"
    first = run(path, 60)
    assert float(first.task.gain) > 0.5
    longer = run(path, 120, resume=True)
    assert longer.history.identical(whole.history)
    assert same_bits(longer.model, whole.model)
    assert same_bits(longer.task, whole.task)


def test_resuming_without_a_file_starts(tmp_path):
    path = tmp_path / "run.checkpoint"
    done = fit(Leaky(), Filter(), steps=3, key=0, checkpoint=path, resume=True)
    assert done.history.sizes["step"] == 3
    assert path.exists()


def test_an_existing_checkpoint_is_not_overwritten(tmp_path):
    path = tmp_path / "run.checkpoint"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match=r"resume=True"):
        fit(Leaky(), Filter(), steps=1, key=0, checkpoint=path)
    assert path.read_text() == "precious"
    with pytest.raises(CheckpointError, match="was not written by"):
        fit(Leaky(), Filter(), steps=1, key=0, checkpoint=path, resume=True)
    assert path.read_text() == "precious"


OTHER = {
    "model": {"model": Leaky(key=1)},
    "task": {"task": Filter(gain=1.1)},
    "objective": {"objective": Supervised(rate_penalty=0.1)},
    "optimizer": {"optimizer": optax.adam(2e-3)},
    "key": {"key": 1},
    "batch_size": {"batch_size": 65},
    "evaluate_every": {"evaluate_every": 3},
    "select": {"select": "best:validation_loss"},
    "patience": {"patience": 3},
    "sampler": {"sampler": "full", "task": Sequences(10)},
    "ensemble": {"ensemble": 1},
    "curriculum": {"curriculum": Threshold("gain", [1.0, 2.0], threshold=1)},
    "evaluate": {"evaluate": lambda model, task, *, key: {"loss": task.gain}},
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.checkpoint"
    fit(Leaky(), Filter(), steps=4, evaluate_every=2, key=0, checkpoint=path)
    return path


@pytest.mark.parametrize("name", OTHER)
def test_another_run_is_not_resumed(checkpoint, name):
    options = {"model": Leaky(), "task": Filter(), "evaluate_every": 2, "key": 0, "steps": 8}
    before = checkpoint.read_bytes()
    with pytest.raises(CheckpointError, match=name):
        fit(**(options | OTHER[name]), checkpoint=checkpoint, resume=True)
    assert checkpoint.read_bytes() == before


def test_what_is_not_passed_is_kept(tmp_path):
    """Numbers and words come from the file, and more steps go on to the bits of one long run."""
    path = tmp_path / "run.checkpoint"
    chosen = {
        "batch_size": 4,
        "sampler": "shuffle",
        "evaluate_every": 4,
        "select": "min:validation_mse",
        "patience": 50,
        "ensemble": Seeds(2, how="vmap"),
    }
    make, task = (lambda k: Leaky(key=k)), Sequences(10)
    whole = fit(make, task, steps=16, key=0, **chosen)
    fit(make, task, steps=8, key=0, checkpoint=path, **chosen)
    resumed = fit(make, task, steps=16, key=0, checkpoint=path, resume=True)
    assert same_bits(resumed.model, whole.model)
    assert resumed.history.identical(whole.history)


def test_defaults_that_follow_steps_are_kept(tmp_path):
    for i, evaluate in enumerate((None, False)):
        path = tmp_path / str(i)
        options = {"key": 0, "checkpoint": path, "resume": True}
        fit(Leaky(), Filter(), steps=40, evaluate=evaluate, **options)
        longer = fit(Leaky(), Filter(), steps=80, **options)
        assert longer.history.sizes["step"] == 80
        if evaluate is None:  # a twentieth of 40, as before
            np.testing.assert_array_equal(longer.history.evaluation, np.arange(2, 81, 2))
        else:
            assert "evaluation" not in longer.history.dims


def test_fewer_steps_than_taken_are_refused(checkpoint):
    with pytest.raises(CheckpointError, match=r"at step 4, beyond steps=2: pass steps=4"):
        fit(Leaky(), Filter(), steps=2, evaluate_every=2, key=0, checkpoint=checkpoint, resume=True)


def test_damaged_checkpoints_are_refused(checkpoint, tmp_path):
    options = {"steps": 8, "evaluate_every": 2, "key": 0, "resume": True}
    damaged = tmp_path / "damaged"
    whole = checkpoint.read_bytes()
    for content in (whole[:-100], whole[: len(whole) // 2], b"", b"\x80\x04K\x01."):
        damaged.write_bytes(content)
        with pytest.raises(CheckpointError, match="cannot resume"):
            fit(Leaky(), Filter(), checkpoint=damaged, **options)
        assert damaged.read_bytes() == content
    header, arrays = read_archive(checkpoint, kind="checkpoint")
    arrays.pop(next(name for name in arrays if name.startswith("state")))
    header = {k: v for k, v in header.items() if k not in ("format", "version", "kind")}
    write_archive(damaged, header, arrays, kind="checkpoint", overwrite=True)
    with pytest.raises(CheckpointError, match="does not hold the arrays of this run"):
        fit(Leaky(), Filter(), checkpoint=damaged, **options)


def test_bad_places_are_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    for path, kind in (
        (tmp_path / "nowhere" / "x", FileNotFoundError),
        (tmp_path, CheckpointError),
        (tmp_path / "file" / "x", (FileNotFoundError, NotADirectoryError)),
    ):
        with pytest.raises(kind, match="checkpoint"):
            fit(Leaky(), Filter(), steps=1, key=0, checkpoint=path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="cannot be written to"):
        fit(Leaky(), Filter(), steps=1, key=0, checkpoint=tmp_path / "x")


def test_random_keys_survive():
    state = {"key": jax.random.key(3), "x": jax.numpy.asarray(2.5)}
    stored = named_leaves(state, "s")
    back = with_leaves(state, stored | {"other": stored["s['x']"]}, "s")
    assert (jax.random.key_data(back["key"]) == jax.random.key_data(state["key"])).all()
    assert back["x"] == state["x"]
    with pytest.raises(KeyError, match="are not those of the tree"):
        with_leaves({"x": state["x"]}, stored, "s")


@pytest.mark.parametrize("ensemble", [None, 2])
def test_a_run_that_a_callback_ended_stays_ended_until_none_ends_it(tmp_path, ensemble):
    options = {"evaluate_every": 10, "optimizer": optax.adam(1e-2), "key": 0, "ensemble": ensemble}

    def run(steps, end, resume=True):
        at = tmp_path / "run.checkpoint"
        saved = {"checkpoint": at, "resume": resume, "callbacks": lambda now: now.step >= end}
        return fit(Leaky(), Filter(), steps=steps, **options, **saved)

    first = run(60, 20, resume=False)
    again = run(60, 20)
    assert again.history["evaluation"].values.tolist() == [10, 20]
    assert same_bits(again.model, first.model)
    assert again.history.identical(first.history)
    assert run(80, 20).history["evaluation"].values.tolist() == [10, 20]  # more steps end no later
    assert run(60, 30).history["evaluation"].values.tolist() == [10, 20, 30]
    whole = fit(Leaky(), Filter(), steps=60, **options)
    assert same_bits(run(60, 99).model, whole.model)


def test_a_class_may_learn_more_about_itself_while_a_run_waits():
    """Attributes of classes are no settings, so that runs go on after an update."""

    def law(**attributes):
        space = {"__annotations__": {"x": float} | dict.fromkeys(attributes, ClassVar[float])}
        names = {"__module__": "here", "__qualname__": "Law"}
        return type("Law", (eqx.Module,), space | attributes | names)

    same = {fingerprint(law()(1.0)), fingerprint(law(chance=0.5)(1.0))}
    assert len(same) == 1
    assert fingerprint(law()(2.0)) not in same
