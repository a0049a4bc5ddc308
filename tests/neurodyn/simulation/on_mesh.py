"""Runs on eight virtual devices against the same runs on one; `test_mesh.py` starts this file."""

import sys

import jax
import numpy as np

import neurodyn as nd
from neurodyn import models, tasks

#: Runs on several devices may differ from those on one by this.
BAR = 1e-5


def mesh(**axes: int) -> jax.sharding.Mesh:
    """A mesh with these axes."""
    grid = np.array(jax.devices()[: int(np.prod(list(axes.values())))])
    return jax.sharding.Mesh(grid.reshape(list(axes.values())), tuple(axes))


def difference(found, expected) -> float:
    """The largest difference between two labelled runs, of which all labels are equal."""
    assert found.sizes == expected.sizes, (found.sizes, expected.sizes)
    assert found.attrs == expected.attrs
    assert set(found.variables) == set(expected.variables)
    largest = 0.0
    for name, variable in expected.variables.items():
        assert found[name].dims == variable.dims, name
        assert found[name].attrs == variable.attrs, name
        if variable.dtype.kind == "f" and name != "time":
            gap = np.abs(found[name].values - variable.values)
            largest = max(largest, np.nanmax(gap, initial=0.0))
        else:
            np.testing.assert_array_equal(found[name], variable, err_msg=name)
    return largest


def same(model, source, meshes, **options) -> None:
    """Check the runs on some meshes against the run on one device."""
    expected = nd.simulate(model, source, **options)
    for axes in meshes:
        found = nd.simulate(model, source, mesh=mesh(**axes), **options)
        gap = difference(found, expected)
        print(type(model).__name__, axes, gap)
        assert gap <= BAR, (axes, gap)


def small() -> None:
    """One run along trials and units, and an ensemble along all axes."""
    task = tasks.PerceptualDecision()
    sizes = task.n_inputs, 16, task.n_outputs
    members = [models.CTRNN(*sizes, noise_std=0.1, key=seed) for seed in range(2)]
    options = {"n_trials": 8, "key": 3}
    same(members[0], task, [{"unit": 4, "trial": 2}], **options, chunk=4)
    same(nd.Ensemble(members), task, [{"seed": 2, "trial": 2, "unit": 2}], **options)


PARTS = {"small": [small]}

if __name__ == "__main__":
    for part in PARTS[sys.argv[1]]:
        part()
