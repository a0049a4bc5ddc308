"""Experiments on several devices and processes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from typer.testing import CliRunner

import neurodyn as nd
from neurodyn import experiments
from neurodyn.cli.app import app
from tests.neurodyn.experiments import waves

FILE = Path(waves.__file__)


@pytest.fixture
def _registered():
    nd.register(waves.WAVES)
    yield
    experiments.EXPERIMENTS._own.clear()


def call(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args], prog_name="neurodyn")


@pytest.mark.usefixtures("_registered")
def test_a_mesh_reaches_the_trainings_of_an_experiment(tmp_path, monkeypatch):
    monkeypatch.setenv("TELL", "1")
    done = call("run", "waves", "--mesh", "trial=1", "--set", "steps=2", "--out", tmp_path / "one")
    assert done.exit_code == 0, done.output
    assert "with {'trial': 1}" in done.stdout
    mesh = jax.make_mesh((1,), ("seed",))  # there are no members
    with pytest.raises(ValueError, match="no members of an ensemble to share out"):
        experiments.run(waves.WAVES, mesh=mesh, progress=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mesh", "trial=2"], "takes 2 devices, but JAX has 1 here"),
        (["--mesh", "trials=1"], "each of trial, seed, unit at most once"),
        (["--mesh", "trial=1,trial=1"], "at most once"),
        (["--mesh", "trial"], "AXIS=N"),
        (["--processes", "2"], "--processes goes with --distributed"),
        (["--distributed", "--processes", "2"], "also needs --coordinator and --process"),
        (
            ["--distributed", "--coordinator", "a:1", "--processes", "2", "--process", "2"],
            "count from 0 to 1",
        ),
    ],
)
@pytest.mark.usefixtures("_registered")
def test_devices_that_do_not_fit_are_wrong_usage(options, words, tmp_path):
    done = call("run", "waves", "--out", tmp_path / "none", *options)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_two_processes_run_an_experiment_together(tmp_path):
    """Process 0 writes and tells, and a finished run is found by both."""
    alone = experiments.run(waves.WAVES, progress=False).summary["loss"]

    folder = tmp_path / "run"

    def both(*more):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            address = f"localhost:{free.getsockname()[1]}"
        given = ("--distributed", "--coordinator", address, "--processes", "2", "--process")
        command = (sys.executable, "-m", "neurodyn", "--load", FILE, "run", "waves", "--out")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = os.environ | {"TELL": "1", "JAX_PLATFORMS": "cpu"}
        running = [
            subprocess.Popen([*command, folder, *given, str(i), *more], env=environment, **pipes)
            for i in range(2)
        ]
        ended = [(*process.communicate(timeout=600), process.returncode) for process in running]
        for out, error, code in ended:
            assert code == 0, out + error
        return [out for out, _, _ in ended]

    first, second = both()
    assert "process True with {'trial': 2}" in first
    assert abs(float(first.split("loss")[1].split()[0]) - float(alone)) < 1e-5
    assert second.split("\n")[-2:] == ["process False with {'trial': 2}", ""]
    files = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert files == ["loss.png", "networks.ckpt", "report.html", "result.nc"]
    again, nothing = both("--resume")
    assert "process True" not in again
    assert "process False" not in nothing
    assert "loss" in again
