"""Simulation on several devices."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

import neurodyn as nd
from neurodyn import models

HERE = Path(__file__).parent


def on_devices(n: int, *arguments: str) -> subprocess.Popen:
    """Start a part of `on_mesh.py` in a process that has some virtual devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={n}"
    return subprocess.Popen(
        [sys.executable, "-W", "error", HERE / "on_mesh.py", *arguments],
        env=os.environ | {"XLA_FLAGS": flags},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check_passed(*processes: subprocess.Popen) -> None:
    """Wait for processes, and show what they said if one failed."""
    said = [process.communicate()[0] for process in processes]
    assert not any(process.returncode for process in processes), "\n".join(said)


def test_eight_devices_give_the_run_of_one():
    check_passed(on_devices(8, "small"))


@pytest.mark.slow
def test_eight_devices_give_the_run_of_one_for_every_model():
    check_passed(on_devices(8, "full"))


@pytest.mark.slow
def test_two_processes_give_the_run_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    check_passed(*(on_devices(4, "hosts", str(i), str(tmp_path), port) for i in range(2)))


def network(n: int = 8):
    return models.CTRNN(1, n, 1, key=0)


def mesh_of(*shape, names=("trial",)):
    """A mesh of so many devices, none of which is there."""
    return Mesh(np.arange(np.prod(shape)).reshape(shape), names)


@pytest.mark.parametrize(
    ("mesh", "options", "error", "words"),
    [
        (8, {}, TypeError, "jax.sharding.Mesh"),
        (mesh_of(2, names=("batch",)), {}, ValueError, "the axis 'batch'"),
        (mesh_of(4), {}, ValueError, "the number of trials=6.*4 or 8, or a mesh with 1, 2 or 3"),
        (mesh_of(3, names=("unit",)), {}, ValueError, "number of units of this CTRNN=8.*6 or 9"),
        (mesh_of(2, names=("seed",)), {}, ValueError, "no members of an ensemble"),
        (mesh_of(2), {}, ValueError, "not among the 1 devices"),
    ],
)
def test_a_mesh_that_does_not_fit_is_refused(mesh, options, error, words):
    with pytest.raises(error, match=words):
        nd.simulate(network(), np.zeros((5, 6, 1), np.float32), dt=10.0, mesh=mesh, **options)


def test_one_device_is_a_mesh_too():
    inputs = np.ones((5, 2, 1), np.float32)
    mesh = jax.make_mesh((1, 1), ("unit", "trial"))
    found = nd.simulate(network(), inputs, dt=10.0, mesh=mesh)
    expected = nd.simulate(network(), inputs, dt=10.0)
    np.testing.assert_allclose(found.rate, expected.rate, atol=1e-6)
    assert found.rate.dims == expected.rate.dims
