"""Izhikevich's network of 2003: a thousand randomly coupled cortical neurons."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.models.spiking.cells.izhikevich2003 import Izhikevich2003
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.network.population import Population
from neurodyn.models.spiking.network.projection import Projection
from neurodyn.models.spiking.synapses.delta import Delta, Pulse
from neurodyn.params import Fixed


def izhikevich2003_network(
    n_e: int = 800, n_i: int = 200, *, published: bool = True, key: Any = 0, **options: Any
) -> Network:
    """Izhikevich's network of randomly coupled neurons, all to all.

    Excitatory units (population "E") lie between regular spiking and chattering, ``c = -65 + 15
    r^2`` and ``d = 8 - 6 r^2`` with one uniform r for each; inhibitory ones ("I") between
    low-threshold and fast spiking, ``a = 0.02 + 0.08 r`` and ``b = 0.25 - 0.05 r``. Weights are
    uniform, up to 0.5 from excitatory and down to -1 from inhibitory units.

    Parameters
    ----------
    n_e, n_i
        Numbers of excitatory and of inhibitory units; as published by default.
    published
        The published program, to be run with ``dt=1``: a normal current of standard deviation 5 (E)
        or 2 (I), drawn anew in each step; spikes are currents for one step; the scheme "izh2003".
        False: its equivalent for any step: white noise of 5 or 2 mV per square root of ms, spikes
        that move the potential at once, the scheme "euler".
    key
        Seed or key of the random numbers. NumPy's generator, started with the seed (of a key: with
        its data), draws in this order: r of the excitatory units, r of the inhibitory units, and
        the weights of both, row by row.
    **options
        Further arguments of :class:`Network`, such as a readout.

    Returns
    -------
    Network

    Notes
    -----
    The published program resets a unit at the beginning of the step after its spike; here the reset
    ends the step of the spike. The dynamics are the same.

    References
    ----------
    Izhikevich, "Simple model of spiking neurons", IEEE Trans. Neural Netw. 14:1569, 2003.

    Examples
    --------
    >>> import neurodyn as nd
    >>> from neurodyn.models import spiking
    >>> network = spiking.izhikevich2003_network(80, 20)
    >>> run = nd.simulate(network, dt=1.0, n_steps=20, key=1, save=())
    >>> run.sizes["unit"]
    100
    """
    n_e, n_i = whole("n_e", n_e, 1), whole("n_i", n_i, 1)
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        rng = np.random.default_rng(key)
    else:
        words = jax.random.key_data(as_key(key, needed_for="izhikevich2003_network"))
        rng = np.random.default_rng(np.asarray(words))
    r_e, r_i = rng.random(n_e), rng.random(n_i)
    n = n_e + n_i
    W = np.concatenate([0.5 * rng.random((n_e, n)), -rng.random((n_i, n))])
    excitatory = Izhikevich2003(n_e, a=0.02, b=0.2, c=-65 + 15 * r_e**2, d=8 - 6 * r_e**2)
    inhibitory = Izhikevich2003(n_i, a=0.02 + 0.08 * r_i, b=0.25 - 0.05 * r_i, c=-65.0, d=2.0)
    noise = {"E": 5.0, "I": 2.0}
    kind: Any = Pulse if published else Delta
    synapse = kind()
    return Network(
        {
            "E": Population(excitatory, ei=1, cell_type="RS-CH"),
            "I": Population(inhibitory, ei=-1, cell_type="LTS-FS"),
        },
        synapses={"pulse": synapse},
        projections={
            "recurrent": Projection(
                "all", "all", "pulse", W=Fixed(jnp.asarray(W, jnp.result_type(float)))
            )
        },
        noise=None if published else noise,
        current_noise_std=noise if published else None,
        scheme="izh2003" if published else "euler",
        **options,
    )
