"""A spiking reservoir that learns which event will happen, when, and its probability."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.engine.drive import Drive
from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.models.spiking.network.network import Network
from neurodyn.models.spiking.plasticity import Consolidation, ThreeFactor
from neurodyn.models.spiking.synapses.exponential import DoubleExponential
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse
from neurodyn.params import AbstractParameter
from neurodyn.params.base import changed
from neurodyn.params.bind import bind, constant_or_parameter
from neurodyn.system import AbstractSpiking, State, Variable


class WhatWhenMemory(NamedTuple):
    """Memory of the reservoir and its readouts.

    Attributes
    ----------
    network
        Memory of the network.
    filter
        State of the filter of the readouts.
    W_what, W_when
        Weights of the readouts.
    what, when
        Memory of their rules.
    z_what, z_when
        Their outputs after the last step, before the weights changed.
    """

    network: PyTree
    filter: PyTree
    W_what: Float[Array, "unit output"]
    W_when: Float[Array, "unit output"]
    what: PyTree
    when: PyTree
    z_what: Float[Array, " output"]
    z_when: Float[Array, " output"]


class WhatWhen(AbstractSpiking):
    r"""The product of two readouts of one spiking network: the identity and the time of events.

    With the filtered spikes :math:`r(t)` and their mean :math:`\bar r` over the collected part of
    the trial so far, the output of channel k is

    .. math:: y_k(t) = (w^\mathrm{what}_k \cdot \bar r) \, (w^\mathrm{when}_k \cdot r(t)) .

    ``when`` learns online (:class:`ThreeFactor`), ``what`` once per trial (:class:`Consolidation`);
    the prediction of ``when`` is fed back into the network.

    The drive of a run brings ``input`` for the network, ``target`` as a dict of ``what`` and
    ``when`` ``(output,)`` and ``gate`` as a dict of ``what`` (collect, consolidate, start anew) and
    ``when`` ``(output,)``. Without targets nothing is learned.

    Parameters
    ----------
    network
        A :class:`Network` without a readout of its own.
    n_outputs
        Number of events.
    what, when
        Learning rules. Default rates: 0.05 per trial, a memory of about 20 trials, and 0.002 per
        ms. The rates of the paper are not published.
    filter
        Filter that turns spikes into rates. Default: double exponential of 5 and 50 ms, exact (our
        choice).
    feedback
        Weights ``(output, unit)`` of the feedback current from ``when``: an array or a law, fixed;
        None: no feedback.
    W_what, W_when
        Weights before learning; default zero.
    key
        Seed or key of weights that are drawn.

    Raises
    ------
    ValueError, TypeError
        If the network has a readout already, shapes do not fit, or `what` is another rule.

    References
    ----------
    Yamada & Chao, Commun. Biol. 2026.
    """

    n_inputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    network: Network
    what: Consolidation
    when: AbstractReadoutRule
    filter: AbstractSynapse
    feedback: Float[Array, "output unit"] | AbstractParameter | None
    W_what: Float[Array, "unit output"] | AbstractParameter
    W_when: Float[Array, "unit output"] | AbstractParameter

    reference: ClassVar[tuple[str, ...]] = ("yamada2026",)

    def __init__(
        self,
        network: Network,
        n_outputs: int,
        *,
        what: AbstractReadoutRule | None = None,
        when: AbstractReadoutRule | None = None,
        filter: AbstractSynapse | None = None,
        feedback: Any = None,
        W_what: Any = None,
        W_when: Any = None,
        key: Any = 0,
    ):
        if network.n_outputs:
            raise ValueError(
                "`network` has a readout of its own; build it without `readout=`, since WhatWhen "
                "reads it out."
            )
        if what is not None and not isinstance(what, Consolidation):
            raise TypeError(
                f"`what` learns once per trial, from the mean rate: pass a Consolidation, got "
                f"{type(what).__name__}."
            )
        self.network = network
        self.n_inputs, self.n_units = network.n_inputs, network.n_units
        self.n_outputs = whole("n_outputs", n_outputs)
        self.what = Consolidation(0.05) if what is None else what
        self.when = ThreeFactor(0.002) if when is None else when
        self.filter = DoubleExponential(5.0, 50.0, exact=True) if filter is None else filter
        if not self.filter.exact:
            raise ValueError("`filter` must advance in its exact discrete form: exact=True.")
        keys = jax.random.split(as_key(key, needed_for="WhatWhen"), 3)

        def bound(name, value, shape, own):
            value = constant_or_parameter(0.0 if value is None else value)
            return bind(value, shape, own, name=name, default=None)

        outward = (self.n_units, self.n_outputs)
        self.feedback = None
        if feedback is not None:
            self.feedback = bound("feedback", feedback, outward[::-1], keys[0])
        self.W_what = bound("W_what", W_what, outward, keys[1])
        self.W_when = bound("W_when", W_when, outward, keys[2])

    @property
    def solver(self):
        """The solver of runs that name none."""
        return self.network.solver

    def check_step(self, dt: float) -> None:
        """Raise ValueError where `dt` [ms] is too long for the network."""
        self.network.check_step(dt)

    def sized(self, dt: float) -> "WhatWhen":
        """A copy with buffers for the delays of the network at this step [ms]."""
        return changed(self, network=self.network.sized(dt))

    def initial_state(self, *, dt, trial=None, key=None):
        x, memory = self.network.initial_state(dt=dt, trial=trial, key=key)
        W_what, W_when = self.W_what, self.W_when
        zero = jnp.zeros((self.n_outputs,), W_when.dtype)
        return State(
            x,
            WhatWhenMemory(
                memory,
                self.filter.start(self.n_units, W_when.dtype),
                W_what,
                W_when,
                self.what.start(W_what, key=key),
                self.when.start(W_when, key=key),
                zero,
                zero,
            ),
        )

    def drift(self, t, state, u):
        return self.network.drift(t, self._inner(state), self._seen(state, u))

    def diffusion(self, t, state, u):
        return self.network.diffusion(t, self._inner(state), self._seen(state, u))

    def crossing(self, state):
        return self.network.crossing(self._inner(state))

    def potentials(self, x):
        return self.network.potentials(x)

    def spike(self, crossing):
        return self.network.spike(crossing)

    def after(self, t, dt, state, spikes, u, *, key):
        m = state.memory
        x, inner = self.network.after(
            t, dt, self._inner(state), spikes, self._seen(state, u), key=key
        )
        filter = self.filter.receive(m.filter, spikes, dt)
        r = self.filter.trace(filter)
        # The mean so far, including this step, before consolidation and reset.
        gates, targets = (_by_readout(name, getattr(u, name)) for name in ("gate", "target"))
        collected = m.what
        if "what" in gates:
            collected = m.what.collect(gates["what"][0].astype(r.dtype), r)
        z_what, z_when = collected.mean() @ m.W_what, r @ m.W_when
        drives = {
            name: Drive(target=targets.get(name), gate=gates.get(name), step=u.step)
            for name in ("what", "when")
        }
        what, W_what = m.what, m.W_what
        if "what" in gates:
            what, W_what = self.what.update(
                t, dt, m.what, m.W_what, r, z_what, drives["what"], key=key
            )
        when, W_when = self.when.update(t, dt, m.when, m.W_when, r, z_when, drives["when"], key=key)
        return State(x, WhatWhenMemory(inner, filter, W_what, W_when, what, when, z_what, z_when))

    def readout(self, state):
        return state.memory.z_what * state.memory.z_when

    def observe(self, state):
        m = state.memory
        seen = self.network.observe(self._inner(state))
        seen |= {"rate": self.filter.trace(m.filter), "what": m.z_what, "when": m.z_when}
        return seen | {"W_what": m.W_what, "W_when": m.W_when}

    def variables(self):
        weight = ("unit", "output")
        return self.network.variables() | {
            "rate": Variable(("unit",), "1/ms", "filtered spikes", "rate"),
            "what": Variable(("output",), "1", "what is expected", "output"),
            "when": Variable(("output",), "1", "when it is expected", "output"),
            "W_what": Variable(weight, "1", "readout weights of what", "weight"),
            "W_when": Variable(weight, "1", "readout weights of when", "weight"),
        }

    def unit_coords(self):
        return self.network.unit_coords()

    def _inner(self, state: State) -> State:
        return State(state.x, state.memory.network)

    def _seen(self, state: State, u: Drive) -> Drive:
        """Input of the network: its own, and the feedback of ``when``."""
        if self.feedback is None:
            return Drive(input=u.input, current=u.current, step=u.step)
        current = state.memory.z_when @ self.feedback
        if u.current is not None:
            current = current + u.current
        return Drive(input=u.input, current=current, step=u.step)


def _by_readout(name: str, given: Any) -> dict[str, Any]:
    """The part of the drive for each readout; refuses entries that reach none."""
    if given is None:
        return {}
    if not isinstance(given, dict) or not set(given) <= {"what", "when"}:
        got = sorted(given) if isinstance(given, dict) else type(given).__name__
        raise ValueError(f"WhatWhen: `{name}` must be a dict of 'what' and 'when', got {got}.")
    return given
