"""Translate networks to Brian2 and back, and label the recordings of its monitors.

Brian2, and the models that its networks become, are imported when they are first needed.
"""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurodyn.common.checks import number
from neurodyn.io.brian2.monitors import from_start, labelled

#: Package that translates networks. It is imported by name, because models lie on a floor above.
_BRIDGE = "neurodyn.models.spiking.bridge"
#: Packages whose functions may lie between the user's call and this module; two check types.
_INSIDE = ("neurodyn", "jaxtyping", "beartype")


def require_brian2() -> Any:
    """Brian2 itself.

    Raises
    ------
    ImportError
        Saying how to install it, if it is missing or cannot be imported with this NumPy.
    """
    try:
        import brian2
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"Brian2 could not be imported ({type(error).__name__}: {error}). Install it with `pip "
            "install 'brian2>=2.9' 'numpy<2.4'`: Brian2 2.9 does not import with numpy 2.4, which "
            f"removed ndarray.ptp; here is numpy {np.__version__}."
        ) from error
    return brian2


def to_brian2(
    network: Any,
    inputs: Any = None,
    *,
    dt: float,
    variables: Sequence[str] = (),
    key: Any = None,
) -> Any:
    """Translate a spiking network to a Brian2 Network that computes the same.

    Potentials are in mV, time in ms, and all variables are numbers without units, so that the
    equations are those in the documentation of the models. Each kind of neuron is one
    NeuronGroup ("cells", or "cells_0", "cells_1"...) with the units of its populations one after
    the other; each projection is a Synapses object of its own name. A SpikeMonitor "spikes" is
    included.

    Parameters
    ----------
    network
        A `neurodyn.models.spiking.Network`.
    inputs
        Inputs ``(time, input)``, or a Drive with them: one trial, as for `integrate`.
    dt
        Step [ms].
    variables
        Variables of all units that a StateMonitor "states" records, by Brian2's names: ``"v"``,
        ``"u"``, ``"g_ampa"`` for a synapse called "ampa".
    key
        Seed or key for random initial states. With the key that `integrate` derives for a trial,
        the initial states are the same.

    Returns
    -------
    brian2.Network
        Run it with ``net.run(duration * brian2.ms)``. In float64 its spikes are those of
        `neurodyn.integrate` if nothing is drawn at random during the run. Groups are
        ``net["cells"]`` and so on, their equations ``net["cells"].equations``.

    Raises
    ------
    ImportError
        If Brian2 cannot be imported; the error explains how to install it.
    TypeError, ValueError
        If a part has no counterpart, which the error names: learning rules, readouts that learn or
        feed back, other schemes than "euler" and "izh2003", neurons or synapses of your own.

    Examples
    --------
    >>> import brian2  # doctest: +SKIP
    >>> from neurodyn.models import spiking
    >>> cell = spiking.Network(spiking.Izhikevich2003(1, "RS"), bias=10.0)
    >>> net = to_brian2(cell, dt=0.5)  # doctest: +SKIP
    >>> net.run(1000 * brian2.ms, namespace={})  # doctest: +SKIP
    """
    b2 = require_brian2()
    number("dt", dt, above=0)
    write = importlib.import_module(f"{_BRIDGE}.write").write
    net = write(network, inputs, dt=float(dt), variables=tuple(variables), key=key)
    from_start([each for each in net.objects if isinstance(each, b2.SpikeMonitor)])
    return net


def from_brian2(
    *objects: Any,
    coords: Mapping[str, Any] | None = None,
    window: Sequence[Any] | None = None,
    namespace: Mapping[str, Any] | None = None,
    scheme: Any = None,
) -> Any:
    """Translate a Brian2 Network to a model, or label the recordings of Brian2's monitors.

    Parameters
    ----------
    *objects
        A Network that has not run yet. Or SpikeMonitors, EventMonitors, StateMonitors and
        PopulationRateMonitors of one run, in any mixture. Units of several groups follow each other
        along ``unit`` in the order of the arguments; those of one group that several monitors or
        parts of the group share are the same units, in the order of their indices.
    coords
        Coordinates of units, such as ``model.unit_coords()`` of the network that was translated.
        Default: ``population``, the names of the groups (or of their parts that were recorded), and
        ``index``, the index in the group. For monitors.
    window
        When the SpikeMonitors recorded: start and stop, as quantities of Brian2 or in ms. Brian2
        keeps neither when a monitor was added to its network nor when it was inactive. Default: not
        known, so that rates ask for it; for the monitors of `to_brian2`, from 0 to the end.
    namespace
        For a Network: values of the names in its equations. Default: the variables in the scope of
        the call, as in Brian2.
    scheme
        For a Network: integration scheme, as of `neurodyn.models.spiking.Network`. Default: Euler's
        if the groups have that method; other methods are refused.

    Returns
    -------
    For a Network, a `neurodyn.models.spiking.Network`. Each NeuronGroup is a population of its
    name; groups are in the order of their names. Potentials are in mV, currents in pA where the
    equations have units. A SpikeGeneratorGroup is an input whose spikes are to be passed to
    `neurodyn.simulate`; a TimedArray is an input of currents likewise; a PoissonGroup is a source.
    For ``v > x`` a unit spikes at x too. Neurons may be Izhikevich's of 2003 or 2007, linear or
    adaptive exponential; see the how-to on spiking networks for what else is read.

    For monitors, a Dataset (trial, time, unit) as `simulate` returns, with one trial:
    ``spike_time`` [ms], ``spike_unit`` and ``spike_trial``; the variables of StateMonitors,
    potentials in mV, currents in pA, numbers without units as they are. `neurodyn.io.to_neo` takes
    it on. Spikes are labelled with the end of their step, as in all runs: Brian2's times plus the
    step. A sample has the time of the state that it is: of a StateMonitor that records before its
    group is advanced (the default) the time that Brian2 gives, else the end of that step. Events of
    an EventMonitor are kept in place of spikes, with their name in the attribute ``event``.
    Where monitors recorded other units or at other times than the rest, a DataTree of ``run`` (the
    spikes) and a node for each StateMonitor, called by its name, with the same unit labels. With
    PopulationRateMonitors a DataTree that holds ``population_rate`` as well.

    Raises
    ------
    ImportError
        If Brian2 cannot be imported.
    TypeError
        If something else is given.
    ValueError
        If a part of a Network has no counterpart; the error gives its name and equation.
    LabelError
        If the monitors' times or events do not fit together, spikes lie outside of `window`, or a
        monitor kept no times.

    Examples
    --------
    >>> run = from_brian2(spike_monitor, state_monitor)  # doctest: +SKIP
    >>> model = from_brian2(brian2.Network(group, synapses))  # doctest: +SKIP
    """
    b2 = require_brian2()
    if len(objects) == 1 and isinstance(objects[0], b2.Network):
        if namespace is None:
            namespace = _variables_of_caller()
        read = importlib.import_module(f"{_BRIDGE}.read").read
        return read(objects[0], namespace, scheme)
    kinds = (b2.EventMonitor, b2.StateMonitor, b2.PopulationRateMonitor)
    wrong = [type(each).__name__ for each in objects if not isinstance(each, kinds)]
    if wrong or not objects:
        raise TypeError(
            "from_brian2 takes a Network, or SpikeMonitors, EventMonitors, StateMonitors and "
            "PopulationRateMonitors of one run, got "
            f" {wrong or 'nothing'}."
        )
    return labelled(b2, objects, coords, window)


def _variables_of_caller() -> dict[str, Any]:
    """Variables in the scope of the call that came from outside of this library."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}
