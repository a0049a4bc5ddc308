"""Models in the files of neurodyn 0.1.0 are those that the same calls build now.

The files in `version_0_1` were written by that version. `tests/models/plrnn/version_1` has older
ones, whose matrices are (post, pre).
"""

from pathlib import Path

import jax
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, params
from neurodyn.models import reference, spiking

OLD = Path(__file__).parent / "version_0_1"


def network():
    """Parameters joined over two populations, weights with fixed signs, and all kinds of noise."""
    return spiking.Network(
        {
            "E": spiking.Population(spiking.LIF(3, tau=params.Free(10.0)), ei=1, refractory=2.0),
            "I": spiking.Population(spiking.LIF(2, tau=params.Bounded(5.0, 20.0, 8.0)), ei=-1),
        },
        synapses={"ampa": spiking.Exponential(5.0)},
        projections={
            "EE": spiking.Projection(
                "E",
                "all",
                "ampa",
                W=params.Free(params.Uniform(0.1, 0.5)),
                connect=spiking.FixedInDegree(2),
                delay=1.0,
                dale=True,
                short_term=spiking.TsodyksMarkram(0.5, 200.0),
            )
        },
        bias={"E": params.Uniform(0.0, 10.0), "I": 4.0},
        current_noise_std={"E": 1.0, "I": 0.5},
        key=0,
    )


MADE = {
    "ctrnn": lambda: models.CTRNN(2, 3, 1, noise_std=0.1, initial=params.Free(0.1), key=0),
    "lorenz63": lambda: reference.Lorenz63(rho=20.0, noise=0.1),
    "network": network,
    "wilson_cowan": reference.WilsonCowan,
}


@pytest.mark.parametrize("name", MADE)
def test_old_models_are_those_built_now(name):
    both = nd.load(OLD / f"{name}.nd"), MADE[name]()
    # Signs may be stored for each unit or for each weight: values are compared.
    old, now = (params.with_values(model) for model in both)
    assert jax.tree.structure(old) == jax.tree.structure(now)
    for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(now), strict=True):
        # Processors round draws differently, and sums of three weights after them.
        np.testing.assert_allclose(a, b, rtol=8 * np.finfo(np.float32).eps)
