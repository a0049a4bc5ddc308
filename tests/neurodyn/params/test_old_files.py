"""Files of version 0.1, in which the bound form of a parameter was a class of its own.

Each file in `version_1` holds a tree with objects and the numbers that they gave when it was made.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import params
from neurodyn.io.archive import read_archive
from neurodyn.io.modules import decode, encode

OLD = Path(__file__).parent / "version_1"


def contents(name):
    """The tree of a file; and the same, written and read once more."""
    header, stored = read_archive(OLD / f"{name}.nd", kind="object")
    first = decode(header["object"], stored, header["version"])
    arrays = {}
    return first, decode(encode(first, arrays, "object"), arrays)


def test_every_parameter_keeps_its_value_shape_and_trained_arrays():
    for found in contents("parameters"):
        assert len(found) == 17
        for name, (parameter, value) in found.items():
            assert parameter.bound, name
            # Sigmoids of another processor or program may be rounded differently.
            np.testing.assert_allclose(parameter.value(), value, rtol=1e-6, err_msg=name)
            assert parameter.shape == (value.shape[1:] if name == "indexed" else value.shape)
        kinds = {name: type(parameter).__name__ for name, (parameter, _) in found.items()}
        assert kinds["dale blocks"] == kinds["signed synapses"] == "Dale"
        np.testing.assert_array_equal(params.signs_of(found["dale"][0]), [1, 1, -1, -1])
        marks = params.trainable(found["dale"][0])
        assert (marks.ei, marks.of.mask, marks.of.of) == (False, False, True)


@pytest.mark.parametrize("again", [False, True])
def test_models_run_as_they_did(again):
    found = contents("ctrnn")[again]
    run = nd.integrate(found["model"], jnp.ones((1, 10, 2)), dt=5.0, key=1)
    np.testing.assert_allclose(run.outputs, found["outputs"], rtol=1e-5, atol=1e-6)
    found = contents("spiking")[again]
    run = nd.integrate(found["model"], dt=0.5, n_steps=100, save=nd.Save(variables=("v",)), key=1)
    np.testing.assert_allclose(run.variables["v"], found["v"], rtol=1e-4)
