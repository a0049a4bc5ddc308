"""Parameters as models and training use them: bound, read, and marked as trained or constant."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import PyTree

from neurodyn.common.checks import whole
from neurodyn.params.base import AbstractParameter, changed, is_parameter
from neurodyn.params.entries import Free
from neurodyn.params.laws import AbstractDistribution, Init
from neurodyn.params.shared import Indexed


def as_parameter(value: Any, *, default: Init = None, balance: Any = True) -> AbstractParameter:
    """Make a parameter of anything a user may pass, with the model's default initial value.

    Parameters
    ----------
    value
        A parameter, or anything that :class:`Free` takes as ``init`` (then it is trained).
    default
        Initial value where the user names none.
    balance
        Default of ``balance`` of :class:`Dale`, where it draws that initial value.
    """
    parameter = value if isinstance(value, AbstractParameter) else Free(value)
    return parameter if parameter.bound else parameter.with_default(default, balance)


def with_values(system: PyTree, trial: PyTree = None) -> PyTree:
    """The same model with the value of every parameter in its place, as a plain array.

    The drivers do so once, before the time loop, so that models read ``self.W`` as an array.

    Parameters
    ----------
    system
        A model (or any pytree).
    trial
        The running trial, whose rows of :class:`Indexed` parameters are taken. None leaves these
        parameters as they are.

    Examples
    --------
    >>> from neurodyn import models, params
    >>> model = models.CTRNN(1, 4, 1, W=params.Dale(0.5), key=0)
    >>> type(model.W).__name__, params.with_values(model).W.shape
    ('Dale', (4, 4))
    """

    def value(leaf):
        if isinstance(leaf, Indexed):
            return leaf if trial is None else leaf.row(trial)
        return leaf.value() if isinstance(leaf, AbstractParameter) else leaf

    return jax.tree.map(value, system, is_leaf=is_parameter)


def rows(system: PyTree, **numbers: int) -> PyTree:
    """The model of one subject (or sequence): its rows in the place of all.

    Parameters
    ----------
    system
        A model with :class:`Indexed` parameters.
    **numbers
        Number of the row, by the name of the index, such as ``subject=3``.

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
        if isinstance(leaf, Indexed) and leaf.by in numbers:
            return leaf.values[int(numbers[leaf.by])]
        return leaf

    return jax.tree.map(chosen, system, is_leaf=is_parameter)


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
    return with_values(system)


def indexed_parameters(system: PyTree) -> list[Indexed]:
    """The parameters that have a row for each sequence or subject."""
    return [x for x in jax.tree.leaves(system, is_leaf=is_indexed) if is_indexed(x)]


def is_indexed(x: Any) -> bool:
    """Whether this is a parameter with a row for each sequence or subject."""
    return isinstance(x, Indexed)


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
        if not is_parameter(x):
            return eqx.is_inexact_array(x)
        frozen = jax.tree.map(lambda _: False, x)
        return changed(frozen, **{name: trainable(getattr(x, name)) for name in x.trained})

    return jax.tree.map(
        marks, system, is_leaf=lambda x: is_parameter(x) or isinstance(x, AbstractDistribution)
    )
