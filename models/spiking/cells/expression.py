"""Arithmetic written as text, computed without executing it as a program.

The text is parsed to a syntax tree, of which numbers, names, operators, comparisons and the
functions listed here are allowed. Nothing is compiled or evaluated by Python, so that equations out
of a file can do no harm.
"""

import ast
import functools
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import jax.numpy as jnp
import numpy as np


def _power(base: Any, exponent: Any) -> Any:
    # Whole exponents are products, also where they are written as 2.0.
    if isinstance(exponent, float) and exponent.is_integer() and abs(exponent) < 64:
        exponent = int(exponent)
        return 1 / base**-exponent if exponent < 0 else base**exponent
    return base**exponent


_BINARY: dict[type[ast.AST], Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_COMPARE = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SAME = (
    *("abs", "arccos", "arcsin", "arctan", "ceil", "clip", "cos", "cosh", "exp", "expm1", "floor"),
    *("log", "log10", "log1p", "sign", "sin", "sinh", "sqrt", "tan", "tanh"),
)


def exprel(x: Any, xp: Any = jnp) -> Any:
    """``(exp(x) - 1) / x``, 1 at 0; differentiable there."""
    small = abs(x) < 1e-5
    safe = xp.where(small, 1.0, x)
    return xp.where(small, 1 + x / 2 + x * x / 6, xp.expm1(safe) / safe)


def _functions(xp: Any) -> dict[str, Callable]:
    """The functions of expressions, of NumPy or JAX."""

    def whole(x):
        x = xp.asarray(x)
        return xp.where(x, 1.0, 0.0) if x.dtype == bool else xp.trunc(x)

    named = {name: getattr(xp, name) for name in _SAME}
    return named | {
        "exprel": functools.partial(exprel, xp=xp),
        "int": whole,
        "min": xp.minimum,
        "max": xp.maximum,
        "heaviside": lambda x: xp.where(x >= 0, 1.0, 0.0),
    }


#: Of arrays of JAX, and of NumPy.
ON_JAX, ON_NUMPY = _functions(jnp), _functions(np)
#: Names of functions.
FUNCTIONS = tuple(sorted(ON_JAX))


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> ast.expr:
    """The syntax tree of an expression.

    Raises
    ------
    ValueError
        If it is no expression, or has parts that are no arithmetic.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"'{text}' is no expression: {error.msg}") from error
    for node in ast.walk(tree):
        if not _allowed(node):
            what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise ValueError(
                f"'{what}' in '{text}' is no arithmetic: numbers, names, + - * / ** // %, "
                "comparisons, and, or, not, and calls of functions by name are."
            )
    return tree


def _allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and abs(node.value) < 1e300
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and not node.keywords
    kinds = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Name, ast.Load)
    signs = (ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or)
    return isinstance(node, (*kinds, *signs)) or type(node) in _BINARY or type(node) in _COMPARE


def names_in(text: str) -> set[str]:
    """Names of values in an expression, without those of functions."""
    called = {id(n.func) for n in ast.walk(parsed(text)) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(parsed(text)) if isinstance(n, ast.Name) and id(n) not in called}


def check_names(owner: str, text: str, known: Collection[str]) -> None:
    """Raise ValueError if an expression has a name that is not known, or a function not listed."""
    unknown = sorted(names_in(text) - set(known))
    if unknown:
        raise ValueError(f"{owner}: {unknown} in '{text}' have no value: give them as `constants`.")
    functions = sorted(calls_in(text) - set(FUNCTIONS))
    if functions:
        raise ValueError(
            f"{owner}: there are no functions {functions} ('{text}'); there are "
            f"{', '.join(FUNCTIONS)}."
        )


def calls_in(text: str) -> set[str]:
    """Names of functions in an expression."""
    return {n.func.id for n in ast.walk(parsed(text)) if isinstance(n, ast.Call)}  # type: ignore[attr-defined]


def evaluate(
    text: str | ast.AST, values: Mapping[str, Any], functions: Mapping[str, Callable] = ON_JAX
) -> Any:
    """Value of an expression.

    Parameters
    ----------
    text
        The expression, or its tree.
    values
        Values of names.
    functions
        Functions by name.

    Raises
    ------
    ValueError
        For a name or function that is not known.
    """
    node: Any = parsed(text) if isinstance(text, str) else text
    value = functools.partial(evaluate, values=values, functions=functions)
    if isinstance(node, ast.Constant):
        return float(cast(float, node.value))
    if isinstance(node, ast.Name):
        if node.id not in values:
            raise ValueError(f"{node.id!r} has no value; there are {', '.join(values)}.")
        return values[node.id]
    if isinstance(node, ast.Call):
        name = cast(ast.Name, node.func).id
        if name not in functions:
            raise ValueError(
                f"the function {name!r} is not known; there are {', '.join(functions)}."
            )
        return functions[name](*map(value, node.args))
    if isinstance(node, ast.UnaryOp):
        return _unary(node.op, value(node.operand))
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](value(node.left), value(node.right))
    if isinstance(node, ast.BoolOp):
        join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        return functools.reduce(join, map(value, node.values))
    sides = [value(each) for each in (node.left, *node.comparators)]
    pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
    return functools.reduce(operator.and_, (_COMPARE[type(op)](a, b) for op, a, b in pairs))


def _unary(op: ast.AST, value: Any) -> Any:
    if isinstance(op, ast.Not):
        return value == 0 if not hasattr(value, "dtype") or value.dtype != bool else ~value
    return -value if isinstance(op, ast.USub) else +value


def margin(text: str | ast.AST, values: Mapping[str, Any]) -> Any:
    """How far a condition is from failing: at least 0 exactly where it holds.

    Of ``a > b`` it is ``a - b``; ``and`` takes the smaller and ``or`` the larger of two margins.
    """
    node: Any = parsed(text) if isinstance(text, str) else text
    if isinstance(node, ast.BoolOp):
        join = jnp.minimum if isinstance(node.op, ast.And) else jnp.maximum
        return functools.reduce(join, (margin(each, values) for each in node.values))
    if not isinstance(node, ast.Compare) or any(
        isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops
    ):
        return jnp.where(evaluate(node, values), 0.0, -1.0)
    found = []
    sides = [evaluate(each, values) for each in (node.left, *node.comparators)]
    for op, a, b in zip(node.ops, sides[:-1], sides[1:], strict=True):
        over = jnp.asarray(a - b if isinstance(op, (ast.Gt, ast.GtE)) else b - a)
        strict = isinstance(op, (ast.Gt, ast.Lt))
        found.append(jnp.where(over == 0, -jnp.finfo(over.dtype).eps, over) if strict else over)
    return functools.reduce(jnp.minimum, found)
