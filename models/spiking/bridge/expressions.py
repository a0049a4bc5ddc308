"""Expressions of a Brian2 object as sums of known terms, with numbers in SI units."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from neurodyn.models.spiking.cells.expression import ON_NUMPY, calls_in, evaluate, names_in

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
        from brian2.parsing.sympytools import sympy_to_str

        text = text if isinstance(text, str) else sympy_to_str(text)
        values = {name: self._value(name) for name in sorted(names_in(text))}
        functions = dict(ON_NUMPY)
        for name in sorted(calls_in(text)):
            functions[name] = self._function(name, text)
        with np.errstate(all="ignore"):
            found = np.asarray(evaluate(text, values, functions), float)
        if not np.isfinite(found).all():
            raise ValueError(f"'{text}' is not finite")
        return found

    def _function(self, name: str, text: str) -> Any:
        """A function of constants, without units."""
        from brian2.core.functions import Function

        found = ON_NUMPY.get(name)
        if found is not None:
            return found
        known = self._resolved(name)
        changing = not isinstance(known, Function) or not known.stateless
        if changing or name in ("rand", "randn", "poisson", "timestep"):
            raise ValueError(f"{name}(...) in '{text}' is no constant")
        try:
            code = known.implementations[_numpy_target()].get_code(self.owner)
        except KeyError as error:
            raise ValueError(f"the function {name!r} in '{text}' has no NumPy code") from error
        return code

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
        moving = {*map(str, symbols), *self.changing, "_placeholder_arg"}
        for call in sorted(calls, key=lambda c: (not isinstance(c, sp.exp), str(c))):
            if not {str(symbol) for symbol in call.free_symbols} & moving:
                continue  # of constants
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

    def dimension(self, name: str) -> Any:
        """The dimension of a name, as Brian2 has it."""
        return self._variable(name).dim

    def _variable(self, name: str) -> Any:
        variables = self.owner.variables
        return variables[name] if name in variables else self._resolved(name)

    def value_of_name(self, name: str) -> Any:
        """The value that Brian2 resolves a name to."""
        return self._resolved(name)

    def _resolved(self, name: str) -> Any:
        try:
            return self.owner.resolve_all([name], self.namespace, user_identifiers=set())[name]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{name!r} has no value here: pass `namespace={{{name!r}: ...}}`, a number or "
                "quantity"
            ) from error

    def _value(self, name: str) -> Any:
        from brian2.core.variables import AuxiliaryVariable, Constant, Subexpression

        if name in self.changing:
            raise ValueError(f"{name!r} changes while the network runs")
        variable = self._variable(name)
        if isinstance(variable, AuxiliaryVariable):
            raise ValueError(f"{name!r} is white noise")
        if isinstance(variable, Constant):
            return float(variable.get_value())
        if isinstance(variable, Subexpression):
            return self.numbers(variable.expr)
        if name not in self.owner.variables:
            raise ValueError(f"{name!r} is no constant")
        return np.array(self.owner.state(name, use_units=False)[:], float)


def _numpy_target() -> Any:
    from brian2.codegen.runtime.numpy_rt import NumpyCodeObject

    return NumpyCodeObject


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
