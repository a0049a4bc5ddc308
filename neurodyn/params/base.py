"""The interface of every parameter."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.reprs import brief
from neurodyn.params.laws import Init, is_concrete


class AbstractParameter(eqx.Module):
    """A parameter of a model: its initial value, and how its value is computed from trained arrays.

    It is made unbound, without a shape (``Bounded(0.0, 1.0)``). A model binds it by :meth:`build`,
    which draws its arrays; from then on the model sees its :meth:`value`. A class of your own
    needs ``trained``, :meth:`draw` and :meth:`value`; the other methods let it take part in Dale's
    law, masks and the like, and have defaults. Derive from :class:`AbstractElementwise` for a
    constraint on each entry, and from :class:`AbstractWrapper` for one on another parameter.

    Attributes
    ----------
    trained
        Names of the fields that training moves; the others (masks, signs, bounds) are constants.
    """

    trained: eqx.AbstractClassVar[tuple[str, ...]]

    __repr__ = brief

    @abc.abstractmethod
    def draw(self, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any = None) -> Any:
        """Bind: a copy with arrays for a value of this shape.

        Parameters
        ----------
        shape
            Shape of the value, ``(pre, post)`` for weights.
        key
            Key of the initial value.
        dtype
            Precision; default JAX's own.

        Returns
        -------
        AbstractParameter, usually of the same class, or an array that needs no constraint.

        Raises
        ------
        ValueError
            If the shape or the initial value does not fit.
        """

    @abc.abstractmethod
    def value(self) -> Array:
        """The value that the model sees."""

    def build(self, shape: tuple[int, ...], key: PRNGKeyArray, dtype: Any = None) -> Any:
        """Bind to a shape by :meth:`draw`; a parameter that is bound already stays as it is.

        Raises
        ------
        ValueError
            If it is bound to another shape, or as :meth:`check` and :meth:`draw`.
        """
        self.check()
        if not self.bound:
            return self.draw(shape, key, dtype)
        if self.shape != shape:
            raise ValueError(
                f"This {type(self).__name__} belongs to a model already, with shape {self.shape}, "
                f"and cannot be used for shape {shape}: make a new one."
            )
        return self

    def check(self) -> None:
        """Refuse fields that cannot be used, before :meth:`build` reads them; default: nothing."""
        return

    @property
    def bound(self) -> bool:
        """Whether it has its arrays; default: whether all its fields but ``init`` do."""
        if any(getattr(self, name) is None for name in self.trained):
            return False
        fields = {name: x for name, x in dynamic_fields(self).items() if name != "init"}
        leaves = [leaf for x in fields.values() for leaf in _leaves(x)]
        return bool(leaves) and all(
            x.bound if isinstance(x, AbstractParameter) else eqx.is_array(x) for x in leaves
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value of a bound parameter."""
        return jax.eval_shape(self.value).shape

    @property
    def elementwise(self) -> bool:
        """Whether each entry may change alone, so that a mask or signs can act on it.

        Default False.
        """
        return False

    @property
    def lower(self) -> float | None:
        """Lower bound of the value; None (default) without one."""
        return None

    @property
    def random(self) -> bool:
        """Whether drawing needs a key; default: whether an initial value is a function."""
        return any(callable(init) for init in self.inits())

    def parts(self) -> "list[AbstractParameter]":
        """Parameters that this one is made of; default: those among its fields."""
        leaves = [leaf for x in dynamic_fields(self).values() for leaf in _leaves(x)]
        return [x for x in leaves if isinstance(x, AbstractParameter)]

    def inits(self) -> tuple[Init, ...]:
        """Initial values, None for the model's default: its own ``init``, or those of its parts."""
        if hasattr(self, "init"):
            return (self.value() if self.bound else self.init,)
        return tuple(init for part in self.parts() for init in part.inits())

    def area_sizes(self) -> Mapping[str, int] | None:
        """Number of units in each area, by name; default: as its parts say, else None."""
        return next((a for part in self.parts() if (a := part.area_sizes()) is not None), None)

    def with_default(self, init: Init, balance: Any = True) -> Any:
        """A copy that starts from the model's default where the user names no initial value.

        Parameters
        ----------
        init
            The default initial value. By default, it is passed on to the parts.
        balance
            The default of ``balance`` of :class:`Dale`.
        """

        def fill(x):
            return x.with_default(init, balance) if isinstance(x, AbstractParameter) else x

        filled = {
            name: jax.tree.map(fill, x, is_leaf=is_parameter)
            for name, x in dynamic_fields(self).items()
            if any(isinstance(leaf, AbstractParameter) for leaf in _leaves(x))
        }
        return changed(self, **filled)

    def hold(self, value: np.ndarray) -> Any:
        """A copy of a bound parameter that has this value, such as one trained elsewhere.

        Raises
        ------
        ValueError
            If no such copy exists; values are never moved to the nearest one that the parameter
            can have. Default: the class does not say how.
        """
        raise ValueError(f"{type(self).__name__} has no `hold`, which finds its arrays by a value.")

    def magnitudes(self) -> "AbstractParameter":
        """The parameter on which :class:`Dale` puts its signs, by ``sign * |value|``.

        Default: itself if it is ``elementwise``; others must say how their values stay >= 0.

        Raises
        ------
        ValueError
            If there is none.
        """
        require_elementwise(self, "Dale", "signs destroy the rank")
        return self

    def scale_rows(self, factors: Float[Array, " pre"]) -> Any:
        """A copy of bound weights with each row multiplied by a number above 0.

        :class:`Dale` balances excitation and inhibition by it.

        Raises
        ------
        ValueError
            By default: the class does not say how.
        """
        raise ValueError(
            f"Dale cannot balance a {type(self).__name__}: pass balance=False and an `init` of "
            "your own."
        )

    def presynaptic_signs(self) -> np.ndarray | None:
        """Sign of all weights of each presynaptic unit; None (default) where nothing fixes them."""
        return None

    def transposed(self) -> Any:
        """A copy with the two axes of the value swapped; None (default): wrap it instead."""
        return None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # NumPy and figures take a parameter for its value, outside of compiled code.
        return np.array(self.value(), dtype)


def layers(parameter: AbstractParameter) -> list[AbstractParameter]:
    """A parameter and all parameters that it is made of, from the outside in."""
    return [parameter, *(x for part in parameter.parts() for x in layers(part))]


def changed(x: Any, **fields: Any) -> Any:
    """A copy of a module with other fields, without the checks of its constructor."""
    new = object.__new__(type(x))
    for field in dataclasses.fields(x):
        object.__setattr__(new, field.name, fields.get(field.name, getattr(x, field.name)))
    return new


def value_of(x: Any) -> Array:
    """The value of a bound parameter; arrays stay as they are."""
    return x.value() if isinstance(x, AbstractParameter) else x


def held(x: Any, value: np.ndarray) -> Any:
    """A bound parameter, or an array, with another value of the same shape."""
    return x.hold(value) if isinstance(x, AbstractParameter) else jnp.asarray(value, x.dtype)


def numbers_of(x: Any) -> np.ndarray | None:
    """The numbers of a bound parameter or an array; None where they are not known."""
    value = value_of(x)
    return np.asarray(value) if is_concrete(value) else None


def scale_rows(x: Any, factors: Float[Array, " pre"]) -> Any:
    """Weights, an array or a bound parameter, with each row multiplied."""
    return x.scale_rows(factors) if isinstance(x, AbstractParameter) else x * factors[:, None]


def turned_array(x: Any) -> Any:
    """An array with its last two axes swapped; None stays."""
    if x is None:
        return None
    if x.ndim < 2:
        raise ValueError(f"Only matrices can be transposed, got an array of shape {x.shape}.")
    return jnp.swapaxes(x, -1, -2)


def require_parameter(owner: Any, name: str, part: Any, *, or_array: bool = False) -> None:
    """Refuse a part that is no parameter, nor the array of a bound one where that is allowed."""
    if not isinstance(part, AbstractParameter | jax.Array if or_array else AbstractParameter):
        kind = type(owner).__name__
        raise TypeError(
            f"{kind}: `{name}` takes a parameter such as params.Free, got {type(part).__name__}. "
            f"For initial values write {kind}(..., {name}=params.Free(...))."
        )


def require_elementwise(parameter: AbstractParameter, name: str, why: str) -> None:
    """Refuse a mask or signs over entries that are tied to each other."""
    if not parameter.elementwise:
        raise ValueError(
            f"{name} cannot be laid over {type(parameter).__name__}: {why}. Constrain the blocks "
            "or factors instead, or use a full-rank parameter."
        )


def dynamic_fields(x: Any) -> dict[str, Any]:
    """Fields that are not static."""
    return {
        field.name: getattr(x, field.name)
        for field in dataclasses.fields(x)
        if not field.metadata.get("static", False)
    }


def is_parameter(x: Any) -> bool:
    """Whether this is a parameter, for trees in which parameters are leaves."""
    return isinstance(x, AbstractParameter)


def _leaves(x: Any) -> list[Any]:
    return jax.tree.leaves(x, is_leaf=is_parameter)
