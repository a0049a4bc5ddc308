"""Readouts: outputs from filtered spikes, trained or learned during a run, with feedback."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from neurodyn.common.checks import whole
from neurodyn.common.reprs import brief
from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.models.spiking.synapses.exponential import DoubleExponential
from neurodyn.models.spiking.synapses.synapse import AbstractSynapse, check_units
from neurodyn.params import as_parameter, only
from neurodyn.params.base import changed, value_of
from neurodyn.params.bind import constant_or_parameter


class ReadoutMemory(NamedTuple):
    """Memory of a readout.

    Attributes
    ----------
    filter
        State of the filter, where it is advanced exactly.
    W
        Weights, where a rule changes them.
    rule
        Memory of the rule.
    z
        Output after the latest step, before the rule changed the weights; None without a rule.
    """

    filter: PyTree
    W: Float[Array, "unit output"] | None
    rule: PyTree
    z: Float[Array, " output"] | None


class Readout(eqx.Module):
    """Outputs ``z = r W + b``, where r are filtered spikes.

    Parameters
    ----------
    n_outputs
        Number of outputs.
    filter
        Filter that turns spikes into rates. Default: the double exponential with 2 and 20 ms of
        Nicola & Clopath, in its exact discrete form and with unit area, so that r is in spikes per
        ms.
    W
        Weights ``(unit, output)``, as of a rate model; default normal with variance
        ``1 / n_units``, or zero where a rule learns them.
    b
        Bias ``(output,)``; default none.
    feedback
        Weights ``(output, unit)`` of the feedback current from the outputs. A number, an array
        or a law stays fixed; a parameter is trained. None: no feedback.
    rule
        Rule that changes W while the network runs; W is then part of the state of a run.

    References
    ----------
    Nicola & Clopath, "Supervised learning in spiking neural networks with FORCE training", Nat.
    Commun. 8:2208, 2017.
    """

    n_outputs: int = eqx.field(static=True)
    filter: AbstractSynapse
    W: Any
    b: Any
    feedback: Any
    rule: AbstractReadoutRule | None
    #: The units that a rule may learn from: those that are not cut.
    reads: Bool[Array, " unit"] | None

    __repr__ = brief

    def __init__(
        self,
        n_outputs: int,
        *,
        filter: AbstractSynapse | None = None,
        W: Any = None,
        b: Any = None,
        feedback: Any = None,
        rule: AbstractReadoutRule | None = None,
    ):
        self.n_outputs = whole("n_outputs", n_outputs, 0)
        self.filter = DoubleExponential(2.0, 20.0, exact=True) if filter is None else filter
        self.W, self.b, self.feedback, self.rule = W, b, feedback, rule
        self.reads = None

    def bound(self, n: int, key: Any) -> "Readout":
        """A copy with weights for ``n`` units."""
        check_units("The filter of the readout", self.filter, n)
        keys = jax.random.split(jax.random.key(0) if key is None else key, 3)
        default = jax.nn.initializers.lecun_normal()
        if self.rule is not None or (key is None and self.W is None):
            default = 0.0
        specs = {
            "W": (as_parameter(self.W, default=default), (n, self.n_outputs)),
            "b": (None if self.b is None else as_parameter(self.b), (self.n_outputs,)),
            "feedback": (constant_or_parameter(self.feedback), (self.n_outputs, n)),
        }
        values = {}
        for (name, (spec, shape)), own in zip(specs.items(), keys, strict=True):
            if spec is None:
                values[name] = None
                continue
            if key is None and spec.random:
                raise ValueError(f"`{name}` of the readout is drawn at random: pass `key=`.")
            try:
                values[name] = spec.build(shape, own)
            except (ValueError, TypeError) as error:
                raise type(error)(f"`{name}` of the readout {shape}: {error}") from error
        bound = Readout(self.n_outputs, filter=self.filter, rule=self.rule, **values)
        return bound if self.rule is None else changed(bound, reads=jnp.ones((n,), bool))

    def only(self, kept: Bool[Array, " unit"]) -> "Readout":
        """A copy without weights from the other units; a rule does not learn them either."""
        W = only(self.W, kept[:, None], name="W")
        reads = kept if self.reads is None else self.reads & kept
        return changed(self, W=W, reads=None if self.rule is None else reads)

    def start(self, dtype: Any, n: int, key: Any) -> tuple[PyTree, ReadoutMemory]:
        """State of the filter that a solver integrates, and memory, before the first step."""
        state = self.filter.start(n, dtype)
        solved, kept = (None, state) if self.filter.exact else (state, None)
        if self.rule is None:
            return solved, ReadoutMemory(kept, None, None, None)
        W = value_of(self.W)
        z = self.output(self.filter.trace(state), W)
        return solved, ReadoutMemory(kept, W, self.rule.start(W, key=key), z)

    def output(self, r: Float[Array, " unit"], W: Float[Array, "unit output"]) -> Array:
        """The outputs for these rates."""
        z = r @ W
        return z if self.b is None else z + self.b

    def rate(self, solved: PyTree, memory: ReadoutMemory) -> Float[Array, " unit"]:
        """Filtered spikes."""
        return self.filter.trace(memory.filter if self.filter.exact else solved)

    def z(self, solved: PyTree, memory: ReadoutMemory) -> Float[Array, " output"]:
        """The outputs in this state."""
        if memory.z is not None:
            return memory.z
        return self.output(self.rate(solved, memory), self.W)

    def after(self, t, dt, solved, memory, spikes, u, *, key) -> tuple[PyTree, ReadoutMemory]:
        """State and memory at the end of a step: filter, output, rule."""
        if self.filter.exact:
            memory = memory._replace(filter=self.filter.receive(memory.filter, spikes, dt))
        else:
            solved = self.filter.receive(solved, spikes, dt)
        if self.rule is None:
            return solved, memory
        r = self.rate(solved, memory)
        r = jnp.where(self.reads, r, jnp.zeros_like(r))
        z = self.output(r, memory.W)
        rule, W = self.rule.update(t, dt, memory.rule, memory.W, r, z, u, key=key)
        W = jnp.where(self.reads[:, None], W, memory.W)
        return solved, memory._replace(W=W, rule=rule, z=z)
