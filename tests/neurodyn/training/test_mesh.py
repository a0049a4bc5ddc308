"""Training on several devices and processes, in processes of their own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from neurodyn import training
from neurodyn.engine import devices
from tests.neurodyn.training import on_mesh

ROOT = Path(__file__).parents[3]
MODELS = ("ctrnn", "alrnn", "pvrnn", "spiking")


def begin(*arguments, n_devices, **variables):
    """Start the script with so many devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={n_devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", **variables}
    command = [sys.executable, "-m", "tests.neurodyn.training.on_mesh", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def told(process):
    """The lines of a script that has ended well, by name."""
    out, _ = process.communicate(timeout=900)
    assert process.returncode == 0, out
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {line.pop("name"): line for line in lines}


def on_two_hosts(folder, names, **variables):
    """What two processes tell that train together."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    both = [
        begin("two_hosts", folder, names, n_devices=1, PROCESS=f"{address},{i}", **variables)
        for i in range(2)
    ]
    return [told(process) for process in both]


def check_two_hosts(both, names):
    """Numbers of one device in both, and what only the first decides."""
    for process, lines in enumerate(both):
        for name in names:
            assert lines[name]["apart"] < 1e-5
            assert lines[name]["seen"] == [25]
            assert lines[name]["written"]
        assert lines["refused"]["process"] == process
        assert "checkpoint" in lines["refused"]["error"]


#: With few optimisations programs are compiled faster.
QUICKLY = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


def test_eight_devices_give_the_numbers_of_one():
    lines = told(begin("every_model", n_devices=8, **QUICKLY))
    for name in MODELS:
        assert lines[name]["moved"] > 0.1
        assert lines[name]["apart"] < 1e-5, name
    assert lines["again"]["apart"] == 0


def test_two_processes_give_the_numbers_of_one(tmp_path):
    check_two_hosts(on_two_hosts(tmp_path, "alrnn", **QUICKLY), ["alrnn"])


@pytest.mark.slow
def test_units_members_and_kernels_over_eight_devices():
    """On every mesh, and the same bits in two runs on one."""
    lines = told(begin("every_mesh", ",".join(MODELS), n_devices=8))
    assert len(lines) == 5 * len(MODELS) + 1
    for name, line in lines.items():
        assert line["apart"] < 1e-5, name
        assert line.get("again", 0) == 0, name


@pytest.mark.slow
def test_two_processes_train_every_model(tmp_path):
    check_two_hosts(on_two_hosts(tmp_path, ",".join(MODELS)), MODELS)


@pytest.mark.slow
def test_a_run_goes_on_with_other_devices(tmp_path):
    assert told(begin("checkpoints", tmp_path, n_devices=8))["checkpoints"]["apart"] < 1e-5


@pytest.mark.parametrize(
    ("axes", "options", "words"),
    [
        ({"trial": 3}, {}, ["batch_size=8", "6 or 9", "1 or 2 along 'trial'"]),
        ({"trial": 3}, {"sampler": "full", "batch_size": None}, ["n_items=16", "15 or 18"]),
        ({"seed": 2}, {}, ["'seed'", "no members of an ensemble", "'trial' or 'unit'"]),
        ({"seed": 2}, {"ensemble": 3}, ["ensemble=3", "2 or 4"]),
        ({"unit": 3}, {}, ["units of this ALRNN=8", "6 or 9"]),
        ({"neuron": 2}, {}, ["'neuron'", "'trial', 'seed' or 'unit'"]),
    ],
)
def test_meshes_that_do_not_fit_are_refused_before_anything_is_compiled(axes, options, words):
    mesh = Mesh(np.arange(np.prod(list(axes.values()))), tuple(axes))
    with pytest.raises(ValueError, match="mesh") as refused:
        on_mesh.train(on_mesh.alrnn, mesh, **options)
    for each in words:
        assert each in str(refused.value)


def test_members_and_units_are_not_both_shared_out(monkeypatch):
    """XLA cannot compile such programs for all models, and ends the process."""
    monkeypatch.setattr(devices, "_check_devices", lambda mesh: None)
    mesh = Mesh(np.arange(4).reshape(2, 2), ("seed", "unit"))
    with pytest.raises(ValueError, match=r"'seed' or with 'unit', not both: without 'seed'"):
        on_mesh.train(on_mesh.alrnn, mesh, ensemble=2)


def test_members_of_a_mesh_run_together():
    mesh = jax.make_mesh((1,), ("seed",))
    with pytest.raises(ValueError, match=r"how='map'.*leave out `how`"):
        on_mesh.train(on_mesh.alrnn, mesh, ensemble=training.Seeds(2, "map"))
