"""The check of a mesh, and shardings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh, PartitionSpec

from neurodyn.engine import devices

SIZES = {"trial": ("batch_size", 50), "seed": ("ensemble", 6)}


def mesh_of(*shape, names=("trial",)):
    """A mesh of so many devices, none of which is there."""
    return Mesh(np.arange(np.prod(shape)).reshape(shape), names)


def test_a_mesh_that_fits_is_left_to_the_compiler():
    """JAX makes meshes whose shardings are part of every type, which models cannot have."""
    mesh = jax.make_mesh((1, 1), ("trial", "seed"))
    checked = devices.check_mesh(mesh, SIZES, "training")
    assert checked.axis_types == (AxisType.Auto, AxisType.Auto)
    assert checked.axis_names == ("trial", "seed")
    assert not devices.spans_hosts(checked)
    assert not devices.spans_hosts(None)


@pytest.mark.parametrize(
    ("mesh", "error", "words"),
    [
        (8, TypeError, ["jax.sharding.Mesh", "jax.make_mesh((8,), ('trial',))", "got int"]),
        (mesh_of(4, names=("batch",)), ValueError, ["'batch'", "'trial', 'seed' or 'unit'"]),
        (mesh_of(4, names=("unit",)), ValueError, ["'unit'", "no units to share out", "'seed'"]),
        (mesh_of(8), ValueError, ["batch_size=50", "8 devices", "48 or 56", "1, 2 or 5 along"]),
        (mesh_of(60), ValueError, ["take 60, or", "5, 10, 25 or 50 along 'trial'"]),
        (mesh_of(5), ValueError, ["0, 1, 2 or 3, which is not among the 1 devices"]),
        (mesh_of(5, 4, names=("trial", "seed")), ValueError, ["ensemble=6", "4 devices", "4 or 8"]),
        (Mesh(np.array(jax.devices() * 2), ("trial",)), ValueError, ["a device twice"]),
    ],
)
def test_other_meshes_are_refused_with_the_fix(mesh, error, words):
    with pytest.raises(error) as refused:
        devices.check_mesh(mesh, SIZES, "training")
    for each in words:
        assert each in str(refused.value)


def test_arrays_are_split_by_the_unit_that_they_go_to():
    mesh = jax.make_mesh((1, 1), ("unit", "seed"))
    arrays = {"W": jnp.eye(4), "U": jnp.ones((2, 4)), "out": jnp.ones((4, 3)), "t": jnp.ones(())}
    tree = {**arrays, "name": "a model"}
    specs = jax.tree.map(lambda s: s.spec, devices.unit_shardings(tree, mesh, 4))
    assert specs == {
        "W": PartitionSpec(None, "unit"),
        "U": PartitionSpec(None, "unit"),
        "out": PartitionSpec("unit", None),
        "t": PartitionSpec(),
        "name": None,
    }
    several = {"W": jnp.ones((4, 4, 4)), "tau": jnp.ones((4,))}
    shardings = devices.unit_shardings(several, mesh, 4, leading="seed")
    assert shardings["W"].spec == PartitionSpec("seed", None, "unit")
    assert shardings["tau"].spec == PartitionSpec("seed")


def test_arrays_and_keys_come_back_as_they_were():
    mesh = devices.check_mesh(jax.make_mesh((1,), ("unit",)), {"unit": ("n_units", 4)}, "run")
    tree = {"W": jnp.arange(16.0).reshape(4, 4), "key": jax.random.key(1), "name": "a model"}
    shardings = devices.unit_shardings(tree, mesh, 4)
    on_mesh = devices.placed(tree, shardings)
    assert on_mesh["W"].sharding == shardings["W"]
    back = devices.fetched(on_mesh)
    assert isinstance(back["W"], np.ndarray)
    assert back["name"] == "a model"
    np.testing.assert_array_equal(back["W"], tree["W"])
    np.testing.assert_array_equal(
        jax.random.key_data(back["key"]), jax.random.key_data(tree["key"])
    )
