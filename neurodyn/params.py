"""Parametrisations: a constraint is a way of building a parameter.

A user passes a *spec* (:class:`Bounded`, :class:`Dale`, :class:`LowRank`...); a model binds it with
``spec.build(shape, key)``, which returns a raw array or a bound parameter; :func:`resolve` replaces
every bound parameter by its value once, before the time loop, so that models read ``self.W`` as an
array. Weight matrices have shape ``(pre, post)`` and are used as ``rates @ W``.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

__all__ = [
    "AbstractParameter",
    "AbstractSpec",
    "Blocks",
    "BlocksParameter",
    "Bounded",
    "BoundedParameter",
    "Clamped",
    "ClampedParameter",
    "Dale",
    "DaleParameter",
    "Fixed",
    "FixedParameter",
    "Free",
    "Grouped",
    "GroupedParameter",
    "Indexed",
    "IndexedParameter",
    "LowRank",
    "LowRankParameter",
    "Masked",
    "MaskedParameter",
    "Shared",
    "as_spec",
    "resolve",
    "trainable",
]

Init = Any  # a number, an array, or a callable (key, shape, dtype) -> array (jax.nn.initializers)


# --- bound parameters: what a model holds ------------------------------------------------------


class AbstractParameter(eqx.Module):
    """A parameter whose value is computed from raw arrays.

    Attributes
    ----------
    trained
        Names of the fields that training moves; the others (masks, signs, bounds) are constants.
    """

    trained: eqx.AbstractClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def value(self) -> Array:
        """The value the model sees."""


class FixedParameter(AbstractParameter):
    """A value that training leaves alone."""

    trained: ClassVar = ()
    raw: Array

    def value(self) -> Array:
        """The stored array, with no gradient."""
        return jax.lax.stop_gradient(self.raw)


class BoundedParameter(AbstractParameter):
    """``low + (high - low) sigmoid(raw)``."""

    trained: ClassVar = ("raw",)
    raw: Float[Array, "..."]
    low: Float[Array, ""]
    high: Float[Array, ""]

    def value(self) -> Array:
        """The value, inside the open interval."""
        low, high = jax.lax.stop_gradient((self.low, self.high))
        # Clipping keeps the ends reachable by rounding out of divisions such as dt / tau.
        return jnp.clip(low + (high - low) * jax.nn.sigmoid(self.raw), low, high)


class ClampedParameter(AbstractParameter):
    """``max(raw, minimum)``: the raw value may drift below, where its gradient is zero."""

    trained: ClassVar = ("raw",)
    raw: Float[Array, "..."]
    minimum: Float[Array, ""]

    def value(self) -> Array:
        """The clamped value."""
        minimum = jax.lax.stop_gradient(self.minimum)
        return jnp.where(self.raw > minimum, self.raw, minimum)


class MaskedParameter(AbstractParameter):
    """``mask * inner``: entries outside the mask are exactly zero."""

    trained: ClassVar = ("inner",)
    inner: Any
    mask: Float[Array, "..."]

    def value(self) -> Array:
        """The masked value."""
        return jax.lax.stop_gradient(self.mask) * _value(self.inner)


class DaleParameter(AbstractParameter):
    """``sign[pre] * |inner|``: each presynaptic unit excites or inhibits all its targets."""

    trained: ClassVar = ("inner",)
    inner: Any
    sign: Float[Array, " pre"]

    def value(self) -> Array:
        """The signed weights."""
        return jax.lax.stop_gradient(self.sign)[:, None] * jnp.abs(_value(self.inner))


class LowRankParameter(AbstractParameter):
    """``n m^T / pre``, of rank at most ``m.shape[1]``."""

    trained: ClassVar = ("n", "m")
    n: Float[Array, "pre rank"]
    m: Float[Array, "post rank"]
    nonnegative: bool = eqx.field(static=True)

    def value(self) -> Array:
        """The weight matrix ``(pre, post)``."""
        n, m = (jnp.abs(self.n), jnp.abs(self.m)) if self.nonnegative else (self.n, self.m)
        return n @ m.T / self.n.shape[0]


class BlocksParameter(AbstractParameter):
    """A matrix made of blocks between areas; absent blocks are zero."""

    trained: ClassVar = ("blocks",)
    blocks: tuple[tuple[Any, ...], ...]
    sizes: tuple[int, ...] = eqx.field(static=True)

    def value(self) -> Array:
        """The assembled matrix."""
        dtype = jnp.result_type(float)
        rows = [
            [
                jnp.zeros((self.sizes[i], self.sizes[j]), dtype) if b is None else _value(b)
                for j, b in enumerate(row)
            ]
            for i, row in enumerate(self.blocks)
        ]
        return jnp.block(rows)


class GroupedParameter(AbstractParameter):
    """One value per group (or one shared value), spread over the units."""

    trained: ClassVar = ("inner",)
    inner: Any
    index: Int[Array, " unit"]

    def value(self) -> Array:
        """The value of every unit."""
        return _value(self.inner)[self.index]


class IndexedParameter(AbstractParameter):
    """A value for each sequence or subject; the row of the running trial is what the model sees."""

    trained: ClassVar = ("values",)
    values: Float[Array, "row ..."]
    by: str = eqx.field(static=True)

    def value(self) -> Array:
        """All rows (``resolve`` with a trial picks one)."""
        return self.values

    def row(self, trial: PyTree) -> Array:
        """The row of this trial."""
        return self.values[self.index(trial)]

    def index(self, trial: PyTree) -> Int[Array, "..."]:
        """Which row (or rows, for a batch) this trial uses."""
        index = trial.item if self.by == "sequence" else trial.conditions.get(self.by)
        if index is None:
            raise ValueError(
                f"A parameter is indexed by {self.by!r}, but the trials do not say which "
                f"{self.by} they are: set `item` (data tasks do) or conditions[{self.by!r}]."
            )
        return index


# --- specs: what a user passes -----------------------------------------------------------------


class AbstractSpec(eqx.Module):
    """How to build a parameter.

    Attributes
    ----------
    elementwise
        Whether entries are free of each other, so that masks and signs may be laid over them.
    """

    elementwise: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def build(self, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any = None) -> Any:
        """Draw the initial value: a raw array or an :class:`AbstractParameter`."""


class Free(AbstractSpec):
    """An unconstrained, trained parameter.

    Parameters
    ----------
    init
        A number, an array of the right shape, or a callable ``(key, shape, dtype)`` such as those
        of ``jax.nn.initializers``. None: the model's own default.
    """

    init: Init = None
    elementwise = True

    def build(self, shape, key, dtype=None):
        """A raw array."""
        return _draw(self.init, shape, key, dtype)


class Fixed(AbstractSpec):
    """A parameter that is not trained (see :class:`Free` for ``init``)."""

    init: Init = None
    elementwise = True

    def build(self, shape, key, dtype=None):
        """A :class:`FixedParameter`."""
        return FixedParameter(_draw(self.init, shape, key, dtype))


class Bounded(AbstractSpec):
    """A trained parameter kept inside ``(low, high)`` by a scaled sigmoid.

    Parameters
    ----------
    low, high
        The open interval.
    init
        As for :class:`Free`; must lie strictly inside. None: the model's default.
    """

    low: float | int
    high: float | int
    init: Init = None
    elementwise = True

    def __check_init__(self):
        if not self.low < self.high:
            raise ValueError(f"Bounded needs low < high, got low={self.low}, high={self.high}.")

    def build(self, shape, key, dtype=None):
        """A :class:`BoundedParameter`."""
        x = _draw(self.init, shape, key, dtype)
        outside = ~((x > self.low) & (x < self.high))
        if bool(jnp.any(outside)):
            raise ValueError(
                f"Bounded({self.low}, {self.high}): the initial value must lie strictly inside; "
                f"got {_extremes(x)}. Pass another `init` or wider bounds."
            )
        low, high = jnp.asarray(self.low, x.dtype), jnp.asarray(self.high, x.dtype)
        raw = jnp.log(x - low) - jnp.log(high - x)
        return BoundedParameter(raw, low, high)


class Clamped(AbstractSpec):
    """A trained parameter with a hard lower clamp in the forward pass.

    Parameters
    ----------
    minimum
        The clamp.
    init
        As for :class:`Free`.

    References
    ----------
    Khajehabdollahi, Zeraati et al., "Emergent mechanisms for long timescales depend on training
    curriculum and affect performance in memory tasks", ICLR 2024.
    """

    minimum: float | int
    init: Init = None
    elementwise = True

    def build(self, shape, key, dtype=None):
        """A :class:`ClampedParameter`."""
        raw = _draw(self.init, shape, key, dtype)
        return ClampedParameter(raw, jnp.asarray(self.minimum, raw.dtype))


class Masked(AbstractSpec):
    """A weight matrix with absent connections.

    Parameters
    ----------
    mask
        ``(pre, post)`` of 0/1 or bool; or a number in (0, 1], the connection probability.
    of
        Spec of the entries that exist.
    """

    mask: Any
    of: AbstractSpec = Free()

    @property
    def elementwise(self):
        """Masks may be stacked."""
        return True

    def __check_init__(self):
        _require_elementwise(self.of, "Masked", "a mask destroys the rank")

    def build(self, shape, key, dtype=None):
        """A :class:`MaskedParameter`."""
        k_mask, k_inner = jax.random.split(key)
        inner = self.of.build(shape, k_inner, dtype)
        dtype = _value(inner).dtype
        if np.ndim(self.mask) == 0 and not isinstance(self.mask, bool):
            p = float(self.mask)
            if not 0 < p <= 1:
                raise ValueError(f"Masked: a connection probability lies in (0, 1], got {p}.")
            mask = jax.random.bernoulli(k_mask, p, shape).astype(dtype)
        else:
            mask = _mask(self.mask, shape, dtype)
        return MaskedParameter(inner, mask)


class Dale(AbstractSpec):
    """Weights that obey Dale's law: the sign belongs to the presynaptic unit.

    Parameters
    ----------
    ei
        Sign of each presynaptic unit (+1 or -1), ``(pre,)``; or the fraction of excitatory units,
        which come first.
    of
        Spec of the magnitudes; over :class:`LowRank` both factors are kept non-negative.

    References
    ----------
    Song, Yang & Wang, "Training excitatory-inhibitory recurrent neural networks for cognitive
    tasks", PLoS Comput. Biol. 2016.
    """

    ei: Any
    of: AbstractSpec = Free()

    @property
    def elementwise(self):
        """As of what lies below."""
        return self.of.elementwise

    def __check_init__(self):
        if not isinstance(self.of, LowRank):
            _require_elementwise(self.of, "Dale", "signs destroy the rank")

    def signs(self, n: int) -> np.ndarray:
        """Sign of each of ``n`` presynaptic units."""
        if np.ndim(self.ei) == 0:
            fraction = float(self.ei)
            if not 0 <= fraction <= 1:
                raise ValueError(
                    f"Dale: the excitatory fraction lies in [0, 1], got {fraction}. "
                    "Pass signs as an array of +1 and -1."
                )
            return np.where(np.arange(n) < round(fraction * n), 1.0, -1.0)
        ei = np.asarray(self.ei, float)
        if ei.shape != (n,) or not np.isin(ei, (-1.0, 1.0)).all():
            raise ValueError(
                f"Dale: `ei` must hold +1 or -1 for each of the {n} presynaptic units, "
                f"got shape {ei.shape} with values {np.unique(ei)[:5]}."
            )
        return ei

    def build(self, shape, key, dtype=None):
        """A :class:`DaleParameter`."""
        inner = self.of.build(shape, key, dtype)
        if isinstance(inner, LowRankParameter):
            inner = LowRankParameter(inner.n, inner.m, nonnegative=True)
        return DaleParameter(inner, jnp.asarray(self.signs(shape[0]), _value(inner).dtype))


class LowRank(AbstractSpec):
    """A weight matrix of given rank, ``n m^T / pre``.

    Parameters
    ----------
    rank
        Number of components.
    init
        As for :class:`Free`, for both factors; None: standard normal entries.

    References
    ----------
    Mastrogiuseppe & Ostojic, "Linking connectivity, dynamics, and computations in low-rank
    recurrent neural networks", Neuron 2018.
    """

    rank: int
    init: Init = None
    elementwise = False

    def __check_init__(self):
        if self.rank < 1:
            raise ValueError(f"LowRank: rank must be at least 1, got {self.rank}.")

    def build(self, shape, key, dtype=None):
        """A :class:`LowRankParameter`."""
        if len(shape) != 2 or self.rank > min(shape):
            raise ValueError(
                f"LowRank({self.rank}) needs a matrix at least that large, got {shape}."
            )
        init = jax.nn.initializers.normal(1.0) if self.init is None else self.init
        k_n, k_m = jax.random.split(key)
        return LowRankParameter(
            _draw(init, (shape[0], self.rank), k_n, dtype),
            _draw(init, (shape[1], self.rank), k_m, dtype),
            nonnegative=False,
        )


class Blocks(AbstractSpec):
    """A multi-area weight matrix.

    Parameters
    ----------
    areas
        Number of units in each area, in order, e.g. ``{"V1": 80, "PFC": 40}``.
    within
        Spec of the connections inside an area.
    between
        Specs of the connections from one area to another, ``{("V1", "PFC"): Masked(0.1)}``;
        pairs that are not named are not connected.
    """

    areas: Mapping[str, int]
    within: AbstractSpec = Free()
    between: Mapping[tuple[str, str], AbstractSpec] = eqx.field(default_factory=dict)

    @property
    def elementwise(self):
        """Whether every block is."""
        return self.within.elementwise and all(s.elementwise for s in self.between.values())

    def __check_init__(self):
        for pair in self.between:
            if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(self.areas):
                raise ValueError(
                    f"Blocks: `between` is keyed by (from, to) of two of the areas "
                    f"{list(self.areas)}, got {pair!r}."
                )

    def build(self, shape, key, dtype=None):
        """A :class:`BlocksParameter`."""
        sizes = tuple(self.areas.values())
        if shape != (sum(sizes), sum(sizes)):
            raise ValueError(
                f"Blocks: the areas {dict(self.areas)} hold {sum(sizes)} units, "
                f"but the matrix is {shape}."
            )
        names = list(self.areas)
        keys = jax.random.split(key, (len(names), len(names)))

        def block(i: int, j: int) -> Any:
            spec = self.within if i == j else self.between.get((names[i], names[j]))
            return None if spec is None else spec.build((sizes[i], sizes[j]), keys[i, j], dtype)

        n = range(len(names))
        return BlocksParameter(tuple(tuple(block(i, j) for j in n) for i in n), sizes)


class Grouped(AbstractSpec):
    """One value per group of units.

    Parameters
    ----------
    groups
        Group number (0, 1, ...) of each unit.
    of
        Spec of the group values.
    """

    groups: Sequence[int] | np.ndarray | Array
    of: AbstractSpec = Free()
    elementwise = False

    def build(self, shape, key, dtype=None):
        """A :class:`GroupedParameter`."""
        groups = np.asarray(self.groups)
        if shape != groups.shape or not np.issubdtype(groups.dtype, np.integer) or groups.min() < 0:
            raise ValueError(
                f"Grouped: `groups` must give a group number >= 0 for each of the units "
                f"{shape}, got {groups.dtype} of shape {groups.shape}."
            )
        inner = self.of.build((int(groups.max()) + 1,), key, dtype)
        return GroupedParameter(inner, jnp.asarray(groups, jnp.int32))


class Shared(AbstractSpec):
    """One value for all units (see :class:`Grouped`)."""

    of: AbstractSpec = Free()
    elementwise = False

    def build(self, shape, key, dtype=None):
        """A :class:`GroupedParameter` with a single group."""
        return GroupedParameter(self.of.build((1,), key, dtype), jnp.zeros(shape, jnp.int32))


class Indexed(AbstractSpec):
    """Own values for each sequence or subject, trained together with the shared weights.

    Parameters
    ----------
    n
        Number of sequences (or subjects).
    by
        ``"sequence"``: the trial's ``item``; any other name: ``trial.conditions[name]``.
    init
        As for :class:`Free`; a callable draws all rows at once.
    """

    n: int
    by: str = "sequence"
    init: Init = 0.0
    elementwise = False

    def build(self, shape, key, dtype=None):
        """An :class:`IndexedParameter`."""
        return IndexedParameter(_draw(self.init, (self.n, *shape), key, dtype), self.by)


# --- use -----------------------------------------------------------------------------------------


def as_spec(value: Any, *, default: Init = None) -> AbstractSpec:
    """Make a spec of what a user passed, filling in the model's default initial value.

    Parameters
    ----------
    value
        A spec, or anything that :class:`Free` takes as ``init`` (then the parameter is trained).
    default
        Initial value where the innermost spec names none.
    """
    spec = value if isinstance(value, AbstractSpec) else Free(value)
    return _fill(spec, default)


def resolve(system: PyTree, trial: PyTree = None) -> PyTree:
    """Replace every bound parameter by its value.

    Parameters
    ----------
    system
        A model (or any pytree).
    trial
        The running trial, whose rows of :class:`Indexed` parameters are taken. None leaves indexed
        parameters as they are, to be resolved per trial later.
    """

    def value(leaf):
        if isinstance(leaf, IndexedParameter):
            return leaf if trial is None else leaf.row(trial)
        return leaf.value() if isinstance(leaf, AbstractParameter) else leaf

    return jax.tree.map(value, system, is_leaf=_is_parameter)


def trainable(system: PyTree) -> PyTree:
    """Which leaves training may move: True for float arrays outside fixed parts.

    Returns
    -------
    PyTree of bool
        Same structure as ``system``; pass it to ``equinox.partition``.
    """

    def marks(x):
        if not _is_parameter(x):
            return eqx.is_inexact_array(x)
        frozen = jax.tree.map(lambda _: False, x)
        if not x.trained:
            return frozen
        return eqx.tree_at(
            lambda p: [getattr(p, name) for name in x.trained],
            frozen,
            [trainable(getattr(x, name)) for name in x.trained],
        )

    return jax.tree.map(marks, system, is_leaf=_is_parameter)


def _is_parameter(x: Any) -> bool:
    return isinstance(x, AbstractParameter)


def _value(x: Any) -> Array:
    return x.value() if isinstance(x, AbstractParameter) else x


def _fill(spec: AbstractSpec, default: Init) -> AbstractSpec:
    if isinstance(spec, (Masked, Dale, Grouped, Shared)):
        return eqx.tree_at(lambda s: s.of, spec, _fill(spec.of, default))
    if isinstance(spec, Blocks):
        between = {pair: _fill(s, default) for pair, s in spec.between.items()}
        return Blocks(spec.areas, _fill(spec.within, default), between)
    if isinstance(spec, (Free, Fixed, Bounded, Clamped)) and spec.init is None:
        fields = {name: getattr(spec, name) for name in spec.__dataclass_fields__}
        return type(spec)(**(fields | {"init": default}))
    return spec


def _draw(init: Init, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any) -> Array:
    dtype = jnp.result_type(float) if dtype is None else dtype
    if init is None:
        raise ValueError("No initial value: pass `init=` (a number, an array or an initializer).")
    if isinstance(init, Callable):
        value = jnp.asarray(init(key, shape, dtype), dtype)
    else:
        value = jnp.asarray(init, dtype)
        if value.ndim == 0:
            value = jnp.full(shape, value)
    if value.shape != shape:
        raise ValueError(f"`init` has shape {value.shape}, but the parameter has shape {shape}.")
    if not bool(jnp.isfinite(value).all()):
        raise ValueError("`init` holds NaN or infinite values.")
    return value


def _mask(mask: Any, shape: tuple[int, ...], dtype: Any) -> Float[Array, "..."]:
    mask = np.asarray(mask)
    if mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"Masked: the mask must be 0/1 of shape {shape}, got {mask.dtype} of shape {mask.shape}."
        )
    return jnp.asarray(mask, dtype)


def _require_elementwise(spec: AbstractSpec, name: str, why: str) -> None:
    if not spec.elementwise:
        raise ValueError(
            f"{name} cannot be laid over {type(spec).__name__}: {why}. Constrain the blocks or "
            "factors instead, or use a full-rank spec."
        )


def _extremes(x: Bool[Array, "..."] | Float[Array, "..."]) -> str:
    return f"values from {float(x.min()):.6g} to {float(x.max()):.6g}"
