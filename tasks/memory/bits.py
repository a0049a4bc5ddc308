"""Memory of a stream of bits: the base of N-parity and N-DMS.

One length is drawn for the whole batch; data start at step 0 and steps from ``length`` on are
padding. Each head answers the same question for its own N.
"""

import abc
from dataclasses import replace
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from neurodyn.common.checks import numbers, whole
from neurodyn.common.random import as_key
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.base import N_VALIDATION, VALIDATION_SEED
from neurodyn.tasks.losses import cross_entropy, weighted_sum
from neurodyn.tasks.memory.arguments import (
    bucket,
    ns_of_heads,
    probability_range,
    two_levels,
    used_ns,
)
from neurodyn.tasks.timeline import check_step

__all__ = ["AbstractBitTask"]


class AbstractBitTask(AbstractTask):
    """Bits in, one two-class answer per head.

    Attributes
    ----------
    ns
        N of every head, in steps of one bit; 0: the head is not in use.
    p
        Range of the probability of a 1, drawn uniformly for every sequence.
    length
        Length of all sequences in bits, or None to draw it for every batch.
    burn_in
        Bits before the first one that is scored (``scored="every"``).
    levels
        Inputs that stand for 0 and 1.
    n_bits
        Size of the buffer in bits.
    hold
        Steps that each bit lasts.
    """

    ns: Int[Array, " head"]
    p: Float[Array, "2"]
    length: Int[Array, ""] | None
    burn_in: Int[Array, ""]
    levels: Float[Array, "2"]
    n_bits: int = eqx.field(static=True)
    hold: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    scored: Literal["every", "last"] = eqx.field(static=True)
    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "sequence start"
    input_names: ClassVar[tuple[str, ...]] = ("bit",)
    n_inputs: ClassVar[int] = 1
    least: eqx.AbstractClassVar[int]
    default_p: eqx.AbstractClassVar[Any]

    def __init__(
        self,
        ns: Any = 2,
        *,
        n_heads: Any = None,
        capacity: Any = None,
        p: Any = None,
        length: Any = None,
        burn_in: Any = 0,
        scored: Any = "last",
        hold: Any = 1,
        levels: Any = (0.0, 1.0),
        dt: float | int = 1.0,
    ):
        check_step(dt)
        if scored not in ("every", "last"):
            raise ValueError(f"`scored` must be 'every' or 'last', got {scored!r}.")
        used = used_ns(ns, self.least)
        n_heads = len(used) if n_heads is None else whole("n_heads", n_heads)
        self.ns = ns_of_heads(used, n_heads)
        self.p = probability_range(self.default_p if p is None else p)
        largest = max(*used, 0 if capacity is None else whole("capacity", capacity))
        burn_in = whole("burn_in", burn_in, 0)
        if burn_in and scored == "last":
            raise ValueError("`burn_in` goes with scored='every' only.")
        if burn_in and length is None:
            raise ValueError("`burn_in` goes with a `length`: drawn ones may end before it does.")
        if length is not None and whole("length", length) <= max(*used, burn_in):
            raise ValueError(
                f"`length` must exceed the largest N ({max(used)}) and `burn_in` ({burn_in}), "
                f"got {length}."
            )
        self.n_bits = bucket(4 * largest + 1) if length is None else length
        self.length = None if length is None else jnp.asarray(length, jnp.int32)
        self.burn_in = jnp.asarray(burn_in, jnp.int32)
        self.levels = two_levels(levels)
        self.scored, self.hold, self.dt = scored, whole("hold", hold), float(dt)

    @abc.abstractmethod
    def answers(
        self, bits: Int[Array, " bit"], stop: Int[Array, " stop"]
    ) -> Int[Array, "stop head"]:
        """Right class of each head after each ``stop``; arbitrary after fewer than N bits."""

    @property
    def n_heads(self) -> int:
        """Number of heads."""
        return self.ns.shape[0]

    @property
    def n_outputs(self) -> int:
        """Two logits per head."""
        return 2 * self.n_heads

    @property
    def n_steps(self) -> int:
        """Steps of the buffer."""
        return self.n_bits * self.hold

    @property
    def active(self) -> Bool[Array, " head"]:
        """Heads in use."""
        return self.ns > 0

    @property
    def n_max(self) -> Int[Array, ""]:
        """The largest N in use."""
        return jnp.max(self.ns)

    def with_ns(self, ns: Any) -> "AbstractBitTask":
        """The task for other values of N, at heads 0, 1, ...; the other heads rest.

        The buffer grows to the next size where it must; until then nothing recompiles. (Inside
        compiled code replace ``ns`` itself, within the ``capacity``.)

        Raises
        ------
        ValueError
            If there are more values than heads, or none, or one is too small.
        """
        return type(self)(
            ns,
            n_heads=self.n_heads,
            capacity=(self.n_bits - 1) // 4,
            p=self.p.tolist(),
            length=None if self.length is None else int(self.length),
            burn_in=int(self.burn_in),
            scored=self.scored,
            hold=self.hold,
            levels=self.levels.tolist(),
            dt=self.dt,
        )

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One sequence; can be given: ``p`` and ``length`` [bits]."""
        trials = self.batch(key, 1, **conditions)
        length = trials.length
        one = jax.tree.map(lambda a: a[0], replace(trials, length=None))
        return replace(one, length=length)

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` sequences of one length.

        Parameters
        ----------
        key
            Seed or key. Sequence i depends on ``(key, i)`` only, and the length on ``key``.
        n
            Number of sequences.
        **conditions
            ``p``: probability of a 1, one value or ``n``; ``length``: in bits, one value, at least
            the largest N. Drawn otherwise: the length from ``[n_max + 2, 4 n_max + 1]``, both
            included.
        """
        whole("n", n)
        if unknown := set(conditions) - {"p", "length"}:
            raise ValueError(f"Unknown condition {min(unknown)!r}; this task takes: p, length.")
        p = conditions.get("p")
        if p is not None:
            if not isinstance(p, jax.core.Tracer):
                numbers("p", p, low=0, high=1, ndim=np.ndim(p))
            p = jnp.asarray(p).astype(self.p.dtype)
            if p.shape not in ((), (n,)):
                raise ValueError(f"`p` must be one value or {n} values, got shape {p.shape}.")
            p = jnp.broadcast_to(p, (n,))
        length = conditions.get("length", self.length)
        if length is not None:
            if "length" in conditions and not isinstance(length, jax.core.Tracer):
                # The N of a traced task are unknown; too short a sequence gets no weight.
                known = not isinstance(self.ns, jax.core.Tracer)
                least = int(self.n_max) if known else 1
                length = whole("length", np.asarray(length).tolist(), least, self.n_bits)
            length = jnp.asarray(length).astype(jnp.int32)
        return _draw(self, as_key(key, needed_for="A batch of trials"), n, p, length).of(self)

    def validation(self) -> Trial:
        """512 sequences of the middle length."""
        length = (5 * self.n_max + 3) // 2 if self.length is None else self.length
        trials = _draw(self, as_key(VALIDATION_SEED), N_VALIDATION, None, length)
        return trials.of(self)

    def loss(
        self, outputs: Float[Array, "trial scored output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Cross-entropy summed over the heads in use; per head, the mean over its scored steps."""
        return weighted_sum(cross_entropy(outputs, trials.targets), trials.mask)

    def score(
        self, outputs: Float[Array, "trial scored output"], trials: Trial
    ) -> dict[str, Array]:
        """Accuracy.

        Returns
        -------
        dict
            ``correct``: mean over the heads in use and their scored steps; ``correct_largest``:
            of the head with the largest N; ``correct_by_head`` (trial, head), NaN for heads not in
            use.
        """
        logits = outputs.reshape(*trials.targets.shape, 2)
        named = (logits[..., 1] > logits[..., 0]).astype(trials.targets.dtype)
        right = (named == trials.targets).astype(outputs.dtype)
        mask = trials.mask.astype(outputs.dtype)
        # Each head's weights sum to 1, or are all 0.
        by_head, used = jnp.sum(right * mask, axis=1), jnp.any(mask > 0, axis=1)
        by_head = jnp.where(used, by_head, jnp.nan)
        return {
            "correct": jnp.nanmean(by_head, axis=1),
            "correct_largest": by_head[:, jnp.argmax(self.ns)],
            "correct_by_head": by_head,
        }

    @property
    def output_names(self) -> tuple[str, ...]:
        """The two logits of each head."""
        return tuple(f"head_{i}_class_{c}" for i in range(self.n_heads) for c in range(2))


@eqx.filter_jit
def _draw(
    task: AbstractBitTask,
    key: PRNGKeyArray,
    n: int,
    p: Float[Array, " trial"] | None,
    length: Int[Array, ""] | None,
) -> Trial:
    k_length, k_trials = jax.random.split(key)
    if length is None:
        length = jax.random.randint(k_length, (), task.n_max + 2, 4 * task.n_max + 2, jnp.int32)
    dtype, step = task.p.dtype, jnp.arange(task.n_bits, dtype=jnp.int32)

    def bits_of(i, p):
        k_p, k_bits = jax.random.split(jax.random.fold_in(k_trials, i))
        if p is None:
            p = jax.random.uniform(k_p, (), dtype, task.p[0], task.p[1])
        drawn = jax.random.uniform(k_bits, (task.n_bits,), dtype) < p
        return p, (drawn & (step < length)).astype(jnp.int32)

    p, bits = jax.vmap(bits_of)(jnp.arange(n, dtype=jnp.uint32), p)
    stop = length[None] if task.scored == "last" else step + 1
    targets = jax.vmap(lambda b: task.answers(b, stop))(bits)
    enough = (stop[:, None] >= task.ns[None, :]) & (stop <= length)[:, None] & task.active[None, :]
    mask = (enough & (stop > task.burn_in)[:, None]).astype(dtype)
    # Every head in use counts the same, however many of its steps are scored.
    mask = mask / jnp.maximum(jnp.sum(mask, axis=0, keepdims=True), 1)
    low, high = task.levels[0], task.levels[1]
    given = jnp.where(step < length, low + (high - low) * bits.astype(dtype), jnp.zeros((), dtype))
    inputs = jnp.repeat(given, task.hold, axis=1)[..., None]
    if task.scored == "every":
        # A bit that lasts several steps is answered at its last one.
        at_end = jnp.arange(task.n_steps, dtype=jnp.int32) % task.hold == task.hold - 1
        targets = jnp.repeat(targets, task.hold, axis=1)
        mask = jnp.repeat(mask, task.hold, axis=0) * at_end[:, None].astype(dtype)
    mask = jnp.broadcast_to(mask[None], targets.shape)
    stop_time = (length * task.hold).astype(dtype) * task.dt
    epochs = jnp.broadcast_to(jnp.stack([jnp.zeros_like(stop_time), stop_time]), (n, 2))
    return Trial(inputs, targets, mask, {"p": p}, {"sequence": epochs}, length * task.hold)
