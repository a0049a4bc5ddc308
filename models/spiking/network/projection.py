"""Projections: connections between populations, with weights, delays and plasticity."""

import dataclasses
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.common.reprs import brief
from neurodyn.kernels import Rows
from neurodyn.models.spiking.network.connect import AbstractConnectivity, AllToAll
from neurodyn.models.spiking.network.divided import Divided
from neurodyn.models.spiking.network.weights import Dense, Weights, present
from neurodyn.models.spiking.plasticity.base import AbstractProjectionRule
from neurodyn.models.spiking.synapses.short_term import TsodyksMarkram
from neurodyn.params import Fixed
from neurodyn.params.base import value_of

#: Tolerance, in steps, when a delay is converted to a number of steps.
_EDGE = 1e-6


class Projection(eqx.Module):
    """A projection from one population to another, before it is drawn.

    Parameters
    ----------
    pre
        Population that sends, ``"all"``, a tuple of neighbouring populations, or a source of spikes
        (an input or a Poisson source).
    post
        Population that receives, ``"all"``, or a tuple of neighbouring populations.
    synapse
        Name of the synapse that the spikes reach.
    W
        Weights: a number, a matrix ``(pre, post)``, one number for each synapse of `connect`, a law
        or an initializer; these are trained; or a parameter of :mod:`neurodyn.params`
        (``params.Fixed(...)`` for weights that training leaves alone).
    connect
        Which pairs are connected; default all.
    delay
        Delay [ms], rounded to whole steps: one for all, or one for each synapse (an array like
        `W`, a law, or a function of (NumPy generator, size)). None: spikes arrive in the step in
        which they occur.
    short_term
        Depression and facilitation of release.
    rule
        Rule that changes the weights while the network runs. It receives presynaptic spikes when
        they arrive, after the delay, which must then be the same for all synapses.
    dale
        Whether the weights keep the sign ``ei`` of the sending population. They may then be given
        as magnitudes.
    format
        ``"dense"``, ``"csr"`` (a list of synapses), or ``"auto"``: a list where fewer than half of
        the pairs are connected.
    """

    pre: str | tuple[str, ...] = eqx.field(static=True)
    post: str | tuple[str, ...] = eqx.field(static=True)
    synapse: str = eqx.field(static=True)
    W: Any = None
    connect: AbstractConnectivity = AllToAll()
    delay: Any = None
    short_term: TsodyksMarkram | None = None
    rule: AbstractProjectionRule | None = None
    dale: bool = eqx.field(static=True, default=False)
    format: str = eqx.field(static=True, default="auto")

    __repr__ = brief

    def __check_init__(self):
        if self.format not in ("auto", "dense", "csr"):
            raise ValueError(f'`format` is "auto", "dense" or "csr", got {self.format!r}.')
        if not isinstance(self.connect, AbstractConnectivity):
            raise TypeError(
                "`connect` is a connectivity, e.g. spiking.FixedProbability(0.1), got "
                f"{self.connect!r}."
            )


class ProjectionMemory(NamedTuple):
    """Memory of a projection.

    Attributes
    ----------
    ring
        Spikes under way: summed weights ``(slot, post)``, or with a rule the spikes themselves
        ``(slot, pre)``, because the weights at the time of arrival are used. None without delays.
    head
        The slot that arrives next.
    short_term
        State of the terminals.
    W
        Plastic weights: a matrix, or one number for each synapse; None where they do not change.
    rule
        Memory of the rule.
    """

    ring: Float[Array, "slot unit"] | None
    head: Int[Array, ""] | None
    short_term: PyTree
    W: Array | None
    rule: PyTree


class Connection(eqx.Module):
    """A projection after its connections and weights were drawn.

    Attributes
    ----------
    weights
        The weights.
    source
        Name of the input or source that sends; None if units of the network send.
    pre, post
        First unit and the one after the last, on both sides.
    synapse
        Name of the synapse that the spikes reach.
    delay
        Delay [ms], one or one for each synapse; None without.
    longest
        The longest delay [ms].
    n_slots
        Number of steps that spikes under way are kept; None until the step is known.
    short_term, rule
        As given.
    """

    weights: Weights | Divided
    source: str | None = eqx.field(static=True)
    pre: tuple[int, int] = eqx.field(static=True)
    post: tuple[int, int] = eqx.field(static=True)
    synapse: str = eqx.field(static=True)
    delay: Fixed | Float[Array, "..."] | None
    longest: float = eqx.field(static=True)
    n_slots: int | None = eqx.field(static=True)
    short_term: TsodyksMarkram | None
    rule: AbstractProjectionRule | None

    __repr__ = brief

    @property
    def n_pre(self) -> int:
        """Number of units that send."""
        return self.pre[1] - self.pre[0]

    @property
    def n_post(self) -> int:
        """Number of units that receive."""
        return self.post[1] - self.post[0]

    @property
    def at_once(self) -> bool:
        """Whether spikes of the network pass unchanged, in the step in which they occur."""
        return None is self.source is self.delay is self.short_term is self.rule

    @property
    def reaches(self) -> tuple[int, int]:
        """First unit of its sums, and the one after the last: with divided synapses, all units."""
        if isinstance(self.weights, Divided):
            return 0, self.weights.n_parts * self.weights.block
        return self.post

    def rows(self, onto: int) -> Rows:
        """The synapses of a sparse projection, as rows over the units of the network."""
        weights: Any = self.weights
        synapses = weights.indptr, weights.indices, present(weights)
        return Rows(self.pre[0], onto, self.post[0], *synapses, weights.longest)

    def sized(self, dt: float) -> "Connection":
        """A copy with buffers for the delays at this step [ms]."""
        if self.delay is None:
            return self
        return dataclasses.replace(self, n_slots=math.floor(self.longest / dt + 0.5 + _EDGE) + 1)

    def with_room(self) -> "Connection":
        """A copy with arrays of the same size as those of other draws of the same law."""
        several = self.delay is not None and jnp.ndim(value_of(self.delay)) > 0
        if isinstance(self.weights, Dense) or several or self.rule is not None:
            return self
        return dataclasses.replace(self, weights=self.weights.with_room())

    def start(self, dtype: Any) -> ProjectionMemory:
        """Memory before the first step."""
        ring = head = None
        if self.delay is not None:
            if self.n_slots is None:
                raise ValueError(
                    "Delays need a fixed clock: use nd.integrate or nd.simulate with a step `dt` "
                    "that is a plain number."
                )
            width = self.n_pre if self.rule is not None else self.reaches[1] - self.reaches[0]
            ring = jnp.zeros((self.n_slots, width), dtype)
            head = jnp.zeros((), jnp.int32)
        terminals = None if self.short_term is None else self.short_term.start(self.n_pre, dtype)
        if self.rule is None:
            return ProjectionMemory(ring, head, terminals, None, None)
        W = value_of(self.weights.values)
        rule = self.rule.start(self.with_values(W), self.n_pre, self.n_post)
        return ProjectionMemory(ring, head, terminals, W, rule)

    def with_values(self, W: Array | None) -> Weights:
        """The weights, with these values if given."""
        return self.weights if W is None else dataclasses.replace(self.weights, values=W)

    def deliver(
        self, memory: ProjectionMemory, events: Float[Array, " pre"], dt: Float[Array, ""]
    ) -> tuple[Float[Array, " reached"], Float[Array, " pre"], ProjectionMemory]:
        """Arrivals of this step, the spikes that a rule receives, and the spikes under way."""
        late = self.delay is not None
        if late and self.rule is not None:
            memory = self._sent(memory, events, dt)
            events, late = memory.ring[memory.head - 1], False
        seen = events
        if self.short_term is not None:
            counts = self.source is not None
            terminals, events = self.short_term.release(
                memory.short_term, events, dt, counts=counts
            )
            memory = memory._replace(short_term=terminals)
        weights: Any = self.with_values(memory.W)
        if self.rule is not None:
            rule, learned, sent = self.rule.arrive(dt, memory.rule, weights, seen)
            kept = self._kept(learned.values, learned.exists, memory)
            memory = memory._replace(rule=rule, W=kept)
            weights = self.with_values(sent)
        if not late:
            return weights.product(events), seen, memory
        if jnp.ndim(value_of(self.delay)) == 0:
            memory = self._sent(memory, weights.product(events), dt)
        else:
            ring = weights.delayed(memory.ring, memory.head, events, self._steps(dt))
            memory = memory._replace(ring=ring, head=(memory.head + 1) % self.n_slots)
        # Arrived entries are overwritten in a later step: reading comes after writing, so that the
        # ring is not copied.
        return memory.ring[memory.head - 1], seen, memory

    def _steps(self, dt: Float[Array, ""]) -> Int[Array, "..."]:
        """Delays in steps."""
        steps = jnp.floor(value_of(self.delay) / dt + (0.5 + _EDGE)).astype(jnp.int32)
        return jnp.minimum(steps, self.n_slots - 1)  # rounding in single precision

    def _sent(self, memory: ProjectionMemory, what: Array, dt: Any) -> ProjectionMemory:
        """The buffer one step later, with new spikes; slot ``head - 1`` has then arrived."""
        slot = (memory.head + self._steps(dt)) % self.n_slots
        ring, head = memory.ring.at[slot].set(what), (memory.head + 1) % self.n_slots
        return memory._replace(ring=ring, head=head)

    def learn(self, t, dt, memory, pre, post, state, u, *, key) -> ProjectionMemory:
        """Memory after the rule has processed the spikes of this step."""
        if self.rule is None:
            return memory
        rule, weights = self.rule.update(
            t, dt, memory.rule, self.with_values(memory.W), pre, post, state, u, key=key
        )
        return memory._replace(rule=rule, W=self._kept(weights.values, weights.exists, memory))

    def _kept(self, W: Array, exists: Array | None, memory: ProjectionMemory) -> Array:
        """Learned weights of the synapses that exist and are not cut for now."""
        return W if exists is None or W is memory.W else jnp.where(exists, W, memory.W)

    def only(self, kept: Any, *, incoming: bool, outgoing: bool) -> "Connection":
        """A copy without the connections of some units; ``kept`` is a mask over the network."""
        rows = jnp.ones((self.n_pre,), bool)
        if outgoing and self.source is None:
            rows = kept[self.pre[0] : self.pre[1]]
        columns = kept[self.post[0] : self.post[1]] if incoming else jnp.ones((self.n_post,), bool)
        return dataclasses.replace(self, weights=self.weights.only(rows, columns))


def checked_delay(delay: Any) -> tuple[Fixed | None, float]:
    """Delays as an array that is not trained, and the longest of them."""
    if delay is None:
        return None, 0.0
    numbers = np.asarray(delay, float)
    if numbers.size and not (np.isfinite(numbers).all() and numbers.min() >= 0):
        raise ValueError(f"`delay` must be finite and at least 0 ms, got {numbers.min():g}.")
    longest = float(numbers.max()) if numbers.size else 0.0
    return Fixed(raw=jnp.asarray(numbers, jnp.result_type(float))), longest
