"""Simulations in parts: the file of results so far, and the state to go on from."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.resume import Resumed
from neurodyn.io.archive import write_archive

STATE = {"x": jnp.arange(3.0), "memory": (jnp.ones((2, 2)), None)}


@dataclasses.dataclass
class Settings:
    duration: float = 2.0
    sizes: tuple[int, ...] = (4, 5)


def test_results_and_state_come_back(tmp_path):
    done, like = Resumed(Run(tmp_path, True), "net", Settings()), jax.eval_shape(lambda: STATE)
    assert done.load(like) == ({}, None)
    done.save({"rate": np.ones(4)}, STATE)
    results, state = done.load(like)
    np.testing.assert_array_equal(results["rate"], np.ones(4))
    assert jax.tree.structure(state) == jax.tree.structure(STATE)
    assert all(map(np.array_equal, jax.tree.leaves(state), jax.tree.leaves(STATE)))
    with pytest.raises(ValueError, match="does not fit this version; overwrite it"):
        done.load({"x": like["x"]})
    with pytest.raises(ValueError, match=r"was made with other settings.*'duration': 2.0"):
        Resumed(Run(tmp_path, True), "net", Settings(duration=3.0)).load(like)
    assert Resumed(Run(tmp_path, False), "net", Settings()).load(like) == ({}, None)
    done.save({"rate": np.zeros(4)}, None)  # the last part
    assert done.load(like)[1] is None


def test_files_of_0_1_numbered_the_leaves(tmp_path):
    arrays = {f"s.{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(STATE))}
    header = {"settings": {"duration": 2.0, "sizes": [4, 5]}, "leaves": len(arrays)}
    write_archive(tmp_path / "net.ckpt", header, arrays, kind="simulation")
    _, state = Resumed(Run(tmp_path, True), "net", Settings()).load(STATE)
    assert all(map(np.array_equal, jax.tree.leaves(state), jax.tree.leaves(STATE)))
