"""Expressions of a Brian2 object as sums of known terms, with numbers in SI units."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

#: Relative error of a few operations in double precision.
_ROUNDING = 8 * np.finfo(float).eps


class Expressions:
    """Names and values in the expressions of one NeuronGroup or Synapses.

    Parameters
    ----------
    owner
        The object.
    namespace
        Values of names that the object does not define.
    changing
        Names of variables that change in a run and are therefore no constants.
    """

    def __init__(self, owner: Any, namespace: Mapping[str, Any], changing: Collection[str] = ()):
        self.owner, self.namespace = owner, namespace
        self.changing = {"t", "t_in_timesteps", "lastspike", "not_refractory", *changing}

    def parsed(self, text: Any) -> Any:
        """An expression of sympy, from a string or an expression."""
        from brian2.parsing.sympytools import str_to_sympy

        return str_to_sympy(text) if isinstance(text, str) else text

    def numbers(self, text: Any) -> np.ndarray:
        """Value of an expression of constants: one number, or one for each unit or synapse.

        Raises
        ------
        ValueError
            If it contains a variable that changes, or a name without a value.
        """
        import sympy as sp
        from sympy.core.function import AppliedUndef

        expression = self.parsed(text)
        calls = expression.atoms(AppliedUndef)
        if calls:
            raise ValueError(f"{', '.join(map(str, calls))} in '{expression}' is no constant")
        symbols = sorted(expression.free_symbols, key=str)
        values = [self._value(str(symbol)) for symbol in symbols]
        function = sp.lambdify(symbols, expression, "numpy")
        found = np.asarray(function(*values), float)
        if not np.isfinite(found).all():
            raise ValueError(f"'{expression}' is not finite")
        return found

    def terms(self, text: Any, names: Collection[str]) -> dict[str, np.ndarray]:
        """The factor of each product of the named variables, such as ``v**2``, ``g*v`` or ``1``.

        A function of time that is a TimedArray counts as a variable, and so does an exponential of
        something linear in a variable, written ``exp(...)``.
        """
        import sympy as sp
        from sympy.core.function import AppliedUndef

        expression = self.parsed(text)
        symbols = {sp.Symbol(name, real=True) for name in names}
        # Exponentials first, whole: there may be other functions in them.
        calls = expression.atoms(AppliedUndef, sp.exp)
        for call in sorted(calls, key=lambda c: (not isinstance(c, sp.exp), str(c))):
            if isinstance(call, sp.exp) and not call.free_symbols & symbols:
                continue
            whole = sp.Symbol(str(call), real=True)
            expression, symbols = expression.subs(call, whole), symbols | {whole}
        factors: dict[str, Any] = {}
        for term in sp.Add.make_args(sp.expand(expression)):
            factor, product = term.as_independent(*symbols, as_Add=False)
            factors[str(product)] = factors.get(str(product), 0) + factor
        return {product: self.numbers(sp.sympify(f)) for product, f in factors.items() if f != 0}

    def timed_array(self, call: str) -> Any:
        """The TimedArray of a term ``name(t)`` or ``name(t, i)``; None for other terms."""
        import brian2 as b2

        name, bracket, _ = call.partition("(")
        if not bracket or not call.endswith(("(t)", "(t, i)")) or not name.isidentifier():
            return None
        found = self._resolved(name)
        return found if isinstance(found, b2.TimedArray) else None

    def resolved(self, names: Collection[str]) -> dict[str, Any]:
        """The values that Brian2 resolves the names to."""
        return {name: self._resolved(name) for name in names}

    def _resolved(self, name: str) -> Any:
        try:
            return self.owner.resolve_all([name], self.namespace, user_identifiers=set())[name]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{name!r} has no value here: pass `namespace={{{name!r}: ...}}`, a number or "
                "quantity"
            ) from error

    def _value(self, name: str) -> Any:
        from brian2.core.variables import Constant, Subexpression

        if name in self.changing:
            raise ValueError(f"{name!r} changes while the network runs")
        variable = self.owner.variables.get(name) or self._resolved(name)
        if isinstance(variable, Constant):
            return float(variable.get_value())
        if isinstance(variable, Subexpression) or name not in self.owner.variables:
            raise ValueError(f"{name!r} is no constant")
        return np.array(self.owner.state(name, use_units=False)[:], float)


def exact(values: Any, scale: Any = 0.0) -> np.ndarray:
    """Numbers without the rounding of the conversion through SI units: 5.000000000000001 is 5.

    `scale` is the size of the numbers of which they are differences.
    """
    values = np.asarray(values, float)
    size = np.maximum(np.abs(values), scale)
    values = np.broadcast_to(values, size.shape)
    with np.errstate(divide="ignore", over="ignore"):
        digits = np.asarray(12 - np.ceil(np.log10(np.where(size == 0, 1.0, size))))
    short = np.array(
        [round(v, int(d)) for v, d in zip(values.ravel(), digits.ravel(), strict=True)]
    )
    short = short.reshape(values.shape)
    return np.where(np.abs(short - values) <= _ROUNDING * size, short, values)
