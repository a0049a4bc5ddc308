"""The two classes that most parameters derive from."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.arrays import as_array
from neurodyn.params.base import (
    AbstractParameter,
    changed,
    dynamic_fields,
    require_parameter,
    scale_rows,
    turned_array,
)
from neurodyn.params.held import CannotHold, differs, first_refused, refuse_entries
from neurodyn.params.laws import Init, all_finite, initial_value, is_concrete


class AbstractElementwise(AbstractParameter):
    """A constraint on each entry, by a function from any real number to those allowed.

    A class of your own needs the fields ``init`` and ``raw``, both with default None, and the
    methods :meth:`constrain` and :meth:`unconstrain`. Numbers in other fields become arrays that
    training leaves alone.

    Attributes
    ----------
    init
        The initial value before binding: a number, an array, or a callable ``(key, shape, dtype)``;
        None for the model's default.
    raw
        The trained array after binding, of the shape of the value.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from neurodyn import params
    >>> class Positive(params.AbstractElementwise):
    ...     init: params.Init = None
    ...     raw: jax.Array | None = None
    ...
    ...     def constrain(self, raw):
    ...         return jnp.exp(raw)
    ...
    ...     def unconstrain(self, value):
    ...         return jnp.log(value)
    >>> Positive(2.0).build((3,), jax.random.key(0)).value().round(3).tolist()
    [2.0, 2.0, 2.0]
    """

    if TYPE_CHECKING:  # type checkers would take abstract variables for the first fields

        @property
        def init(self) -> Init: ...
        @property
        def raw(self) -> Any: ...
    else:
        init: eqx.AbstractVar[Init]
        raw: eqx.AbstractVar[Array | None]
    trained: ClassVar[tuple[str, ...]] = ("raw",)

    @abc.abstractmethod
    def constrain(self, raw: Float[Array, "..."]) -> Float[Array, "..."]:
        """The value of each entry."""

    @abc.abstractmethod
    def unconstrain(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        """The inverse of :meth:`constrain`; raise ValueError for a value that is not allowed."""

    def value(self) -> Array:
        """The constrained value."""
        if self.raw is None:
            raise ValueError(
                f"This {type(self).__name__} has no value yet: a model, or build(shape, key), "
                "draws it."
            )
        return self.constrain(self.raw)

    def draw(self, shape, key, dtype=None):
        """Bind: draw the initial value and store it without its constraint."""
        value = initial_value(self.init, shape, key, dtype)
        constants = {
            name: as_array(x, value.dtype)
            for name, x in dynamic_fields(self).items()
            if name != "init"
            and isinstance(x, (int, float, np.generic, np.ndarray))
            and not isinstance(x, (bool, np.bool_))
        }
        new = changed(self, **constants)
        raw = new.unconstrain(value)
        if is_concrete(raw) and not all_finite(raw):
            raise ValueError(
                f"{type(self).__name__} does not allow the initial values, from "
                f"{float(value.min()):.6g} to {float(value.max()):.6g}: pass another `init`."
            )
        return changed(new, init=None, raw=raw)

    def hold(self, value: np.ndarray) -> Any:
        """A copy with this value, by :meth:`unconstrain`."""
        value = np.asarray(value)

        def raw(value):
            found = self.unconstrain(jnp.asarray(value, self.raw.dtype))
            if not np.isfinite(np.asarray(found)).all():
                raise ValueError("it does not allow that.")
            return found

        try:
            new = changed(self, raw=raw(value))
        except ValueError as error:
            index = first_refused(raw, value)
            why = str(error).partition(": ")[2] or str(error)
            raise CannotHold(type(self).__name__, float(value[index]), index, why) from error
        wrong = differs(np.asarray(new.value()), value)
        refuse_entries(self, value, wrong, "its constraint would change it.")
        return new

    @property
    def bound(self) -> bool:
        """Whether the initial value has been drawn."""
        return self.raw is not None

    @property
    def elementwise(self) -> bool:
        """True."""
        return True

    def with_default(self, init: Init, balance: Any = True) -> Any:
        """A copy that starts from ``init`` where the user named no initial value."""
        del balance
        return changed(self, init=init) if self.init is None and not self.bound else self

    def scale_rows(self, factors: Float[Array, " pre"]) -> Any:
        return changed(self, raw=self.unconstrain(self.value() * factors[:, None]))

    def transposed(self):
        return changed(self, raw=turned_array(self.raw))


class AbstractWrapper(AbstractParameter):
    """A constraint on another parameter.

    Attributes
    ----------
    of
        The other parameter; after binding, it may be an array.
    """

    if TYPE_CHECKING:

        @property
        def of(self) -> Any: ...
    else:
        of: eqx.AbstractVar[Any]
    trained: ClassVar[tuple[str, ...]] = ("of",)

    def __check_init__(self):
        require_parameter(self, "of", self.of, or_array=True)

    def check(self) -> None:
        """Refuse an array in the place of a parameter that is still to be drawn."""
        require_parameter(self, "of", self.of, or_array=self.bound)

    @property
    def elementwise(self) -> bool:
        """Whether the wrapped parameter is."""
        return self.of.elementwise if isinstance(self.of, AbstractParameter) else True

    def scale_rows(self, factors: Float[Array, " pre"]) -> Any:
        return changed(self, of=scale_rows(self.of, factors))
