"""What models and training do with parametrisations: bind them, read them, mark what is trained."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
from jaxtyping import PyTree

from neurodyn.common.checks import whole
from neurodyn.params.base import AbstractDistribution, AbstractParameter, AbstractSpec, Init
from neurodyn.params.dale import Dale
from neurodyn.params.entries import Bounded, Clamped, Fixed, Free, Grouped, IndexedParameter, Shared
from neurodyn.params.scaled import Scaled
from neurodyn.params.weights import Blocks, Masked

__all__ = ["as_spec", "indexed_parameters", "resolve", "rows", "trainable", "whole_model"]


def as_spec(value: Any, *, default: Init = None, balance: Any = True) -> AbstractSpec:
    """Make a spec of what a user passed, filling in the model's default initial value.

    Parameters
    ----------
    value
        A spec, or anything that :class:`Free` takes as ``init`` (then the parameter is trained).
    default
        Initial value where the innermost spec names none.
    balance
        What ``balance=None`` of :class:`Dale` is where it draws that default.
    """
    spec = value if isinstance(value, AbstractSpec) else Free(value)
    return _fill(spec, default, balance)


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


def rows(system: PyTree, **numbers: int) -> PyTree:
    """The model of one subject (or sequence): its rows in the place of all.

    Parameters
    ----------
    system
        A model with :class:`Indexed` parameters.
    **numbers
        Which row, by what the parameters are indexed by, such as ``subject=3``.

    Returns
    -------
    PyTree
        The model, with plain arrays in the place of these parameters.

    Raises
    ------
    ValueError
        If no parameter is indexed by that, or there is no such row.

    Examples
    --------
    >>> from neurodyn import models, params
    >>> model = models.ALRNN(0, 4, 2, n_relu=1, h=params.Indexed(5, by="subject"), key=0)
    >>> params.rows(model, subject=3).h.shape
    (4,)
    """
    known = {x.by: len(x.values) for x in indexed_parameters(system)}
    for by, row in numbers.items():
        if by not in known:
            raise ValueError(
                f"No parameter of this {type(system).__name__} is indexed by {by!r}; there are: "
                f"{', '.join(map(repr, known)) or 'none that are indexed'}."
            )
        whole(by, row, 0, known[by] - 1)

    def chosen(leaf):
        if isinstance(leaf, IndexedParameter) and leaf.by in numbers:
            return leaf.values[int(numbers[leaf.by])]
        return leaf

    return jax.tree.map(chosen, system, is_leaf=_is_parameter)


def whole_model(system: PyTree) -> PyTree:
    """The model with the values of its parameters, for measures that need one model of its own.

    Raises
    ------
    ValueError
        If every subject has its own.
    """
    indexed = sorted({x.by for x in indexed_parameters(system)})
    if indexed:
        example = ", ".join(f"{by}=0" for by in indexed)
        raise ValueError(
            f"This {type(system).__name__} has other parameters for each {' and '.join(indexed)}: "
            f"choose one model out of them with neurodyn.params.rows(model, {example})."
        )
    return resolve(system)


def indexed_parameters(system: PyTree) -> list[IndexedParameter]:
    """The parameters of which every trial has its own row."""

    def indexed(x):
        return isinstance(x, IndexedParameter)

    return [x for x in jax.tree.leaves(system, is_leaf=indexed) if indexed(x)]


def trainable(system: PyTree) -> PyTree:
    """Which leaves training may move: True for float arrays outside fixed parts.

    Returns
    -------
    PyTree of bool
        Same structure as ``system``; pass it to ``equinox.partition``.
    """

    def marks(x):
        if isinstance(x, AbstractDistribution):
            return jax.tree.map(lambda _: False, x)
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

    return jax.tree.map(
        marks, system, is_leaf=lambda x: _is_parameter(x) or isinstance(x, AbstractDistribution)
    )


def _is_parameter(x: Any) -> bool:
    return isinstance(x, AbstractParameter)


def _fill(spec: AbstractSpec, default: Init, balance: Any) -> AbstractSpec:
    if isinstance(spec, Dale):
        if spec.balance is not None:
            balance = spec.balance
        elif _names_init(spec.of):
            balance = False
        return Dale(spec.ei, _fill(spec.of, default, balance), balance)
    if isinstance(spec, Blocks):
        between = {pair: _fill(s, default, balance) for pair, s in spec.between.items()}
        return Blocks(spec.areas, _fill(spec.within, default, balance), between)
    if isinstance(spec, (Masked, Grouped, Scaled, Shared)):
        return dataclasses.replace(spec, of=_fill(spec.of, default, balance))
    if isinstance(spec, (Free, Fixed, Bounded, Clamped)) and spec.init is None:
        return dataclasses.replace(spec, init=default)
    return spec


def _names_init(spec: AbstractSpec) -> bool:
    if isinstance(spec, Blocks):
        return any(_names_init(s) for s in (spec.within, *spec.between.values()))
    if hasattr(spec, "of"):
        return _names_init(spec.of)
    return getattr(spec, "init", None) is not None
