"""Recurrent spiking networks to be trained on tasks."""

from typing import Any

import jax.numpy as jnp

from neurodyn.models.spiking.cells.lif import LIF
from neurodyn.models.spiking.cells.neuron import AbstractNeuron
from neurodyn.models.spiking.network.connect import AbstractConnectivity, AllToAll
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.network.population import Population
from neurodyn.models.spiking.network.projection import Projection
from neurodyn.models.spiking.network.readout import Readout
from neurodyn.models.spiking.synapses.exponential import Exponential
from neurodyn.models.spiking.synapses.inputs import CurrentInput
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse
from neurodyn.params import Free, Normal


def recurrent_network(
    n_inputs: int,
    n_units: int,
    n_outputs: int,
    *,
    neuron: AbstractNeuron | None = None,
    refractory: Any = None,
    synapse: AbstractSynapse | None = None,
    filter: AbstractSynapse | None = None,
    W: Any = None,
    U: Any = None,
    W_out: Any = None,
    b_out: Any = None,
    bias: Any = 8.0,
    connect: AbstractConnectivity | None = None,
    key: Any,
    **options: Any,
) -> Network:
    """A recurrent network of one population, with inputs and outputs, to be trained.

    Its weights, bias and readout are trained through surrogate gradients; its neurons and time
    constants are not, unless given as parameters.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        Sizes.
    neuron
        The neurons, ``n_units`` of them; default :class:`LIF`.
    refractory
        Time after a spike during which a unit stays at its reset [ms]; default none.
    synapse
        Kinetics of the recurrent current; default ``Exponential(5.0)``.
    filter
        Filter of the spikes that are read out; default ``Exponential(20.0, exact=True)``, about
        the number of spikes in the last 20 ms.
    W
        Recurrent weights ``(unit, unit)``. Default: normal with standard deviation
        ``5 / sqrt(n_units)``, in the units of the current.
    U
        Input weights ``(input, unit)``. Default: normal with standard deviation 3.
    W_out, b_out
        Readout ``(unit, output)`` and ``(output,)``; default normal with variance ``1 / n_units``,
        and 0.
    bias
        Constant current, trained from this value unless it is a parameter; the default of 8 mV
        is just below the threshold current of the default neuron.
    connect
        Which pairs are connected; default all.
    key
        Seed or key.
    **options
        Further arguments of :class:`Network`, such as `surrogate` or `noise`.

    Returns
    -------
    Network

    References
    ----------
    Neftci, Mostafa & Zenke, "Surrogate gradient learning in spiking neural networks", IEEE Signal
    Process. Mag. 36:51, 2019.

    Examples
    --------
    >>> from neurodyn import tasks
    >>> from neurodyn.models import spiking
    >>> task = tasks.PerceptualDecision(dt=1.0)
    >>> network = spiking.recurrent_network(task.n_inputs, 64, task.n_outputs, key=0)
    >>> network.n_units
    64
    """
    neuron = LIF(n_units) if neuron is None else neuron
    if neuron.n != n_units:
        raise ValueError(f"`neuron` has {neuron.n} units, but n_units={n_units}.")
    recurrent = Projection(
        "cells",
        "cells",
        "recurrent",
        W=Normal(0.0, 5.0 / jnp.sqrt(1.0 * n_units)) if W is None else W,
        connect=AllToAll() if connect is None else connect,
    )
    inputs = {}
    if n_inputs:
        inputs["input"] = CurrentInput(n_inputs, W=Normal(0.0, 3.0) if U is None else U)
    readout = None
    if n_outputs:
        filter = Exponential(20.0, exact=True) if filter is None else filter
        b_out = 0.0 if b_out is None else b_out
        readout = Readout(n_outputs, filter=filter, W=W_out, b=b_out)
    trained = isinstance(bias, (int, float)) and not isinstance(bias, bool)
    return Network(
        {"cells": Population(neuron, refractory=refractory)},
        synapses={"recurrent": Exponential(5.0) if synapse is None else synapse},
        projections={"recurrent": recurrent},
        inputs=inputs,
        bias=Free(float(bias)) if trained else bias,
        readout=readout,
        key=key,
        **options,
    )
