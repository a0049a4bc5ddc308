"""Brian2's expressions in our units and with the names of a neuron's variables."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.scales import scale_of, unit_of
from neurodyn.models.spiking.cells import expression
from neurodyn.models.spiking.cells.equation_cell import RESERVED


class Rewrite:
    """Rewrites the expressions of one group, and collects their constants.

    Parameters
    ----------
    b2, equations, expressions
        Brian2, the equations of the group, and the values of its names.
    renamed
        Our names of its variables.
    drawn
        Parameters that are drawn in each step; they become the current.

    Attributes
    ----------
    constants
        Values in our units by name: a number or one for each unit.
    current
        Name of the current in what was rewritten.
    current_units
        Its units; None: none of the expressions has a current of its own.
    """

    def __init__(
        self,
        b2: Any,
        equations: Any,
        expressions: Expressions,
        renamed: Mapping[str, str],
        drawn: set[str],
    ):
        self.b2, self.equations, self.expressions = b2, equations, expressions
        self.renamed, self.drawn = renamed, drawn
        self.constants: dict[str, Any] = {}
        self.current, self.current_units = "I", None
        self._array: tuple[str, int] | None = None

    @property
    def has_current(self) -> bool:
        """Whether an expression of the group has an array over time in it."""
        if self._array is not None:
            return True
        arrays = []
        for name in self.equations.diff_eq_names:
            tree = self._tree(self.equations[name].expr.code)
            arrays += [n for n in ast.walk(tree) if isinstance(n, ast.Call) and self._timed(n)]
        return bool(arrays)

    def inputs(self, n: int) -> dict[str, tuple[int, np.ndarray]]:
        """The array over time, as `Group.inputs`."""
        return {} if self._array is None else {self._array[0]: (self._array[1], np.ones(n))}

    def names(self, text: str) -> set[str]:
        """Names in an expression after its abbreviations were replaced."""
        return {n.id for n in ast.walk(self._tree(text)) if isinstance(n, ast.Name)}

    def inlined(self, text: str) -> str:
        """An expression without abbreviations."""
        return ast.unparse(self._tree(text))

    def with_zeros(self, text: str, names: list[str]) -> str:
        """An expression in which these names are 0."""
        zeros = {name: ast.Constant(0.0) for name in names}
        return ast.unparse(_Replace(lambda node: zeros.get(node.id)).visit(self._tree(text)))

    def __call__(self, text: str, renamed: Mapping[str, str] | None = None) -> str:
        """The expression in our names and units; `renamed` may have more names than the object."""
        names = self.renamed if renamed is None else renamed

        def replaced(node: ast.Name) -> ast.expr:
            own = names.get(node.id)
            return self._name(node) if own is None else ast.Name(own, ast.Load())

        tree = _Replace(replaced, self._call).visit(self._tree(text))
        return ast.unparse(_Simple().visit(tree))

    def _tree(self, text: str) -> ast.expr:
        short = self.equations

        def inline(node: ast.Name) -> ast.expr | None:
            if node.id in short and short[node.id].type == "subexpression":
                return self._tree(short[node.id].expr.code)
            return None

        return _Replace(inline).visit(copy.deepcopy(expression.parsed(text)))

    def _unit(self, name: str, dim: Any) -> bool:
        """Whether a name is a unit or mathematical constant of Brian2."""
        from brian2.core.functions import DEFAULT_CONSTANTS
        from brian2.groups.group import DEFAULT_UNITS

        if name in self.expressions.owner.variables:
            return False
        if name in DEFAULT_CONSTANTS:
            return True
        unit = DEFAULT_UNITS.get(name)
        value = self.expressions.numbers(name)
        return unit is not None and float(unit) == float(value) and unit.dim == dim

    def _timed(self, node: Any) -> Any:
        """The TimedArray that is called; None for other functions."""
        if node.func.id in expression.FUNCTIONS:
            return None
        try:
            found = self.expressions.value_of_name(node.func.id)
        except ValueError:
            return None
        return found if isinstance(found, self.b2.TimedArray) else None

    def _call(self, node: ast.Call) -> ast.expr | None:
        name = node.func.id  # type: ignore[attr-defined]
        if name in expression.FUNCTIONS:
            return None
        array = self._timed(node)
        if array is None:
            raise ValueError(f"the function {name}(...) has no counterpart")
        if self._array not in (None, (name, self._channels(node, array))) or self.drawn:
            raise ValueError("one array over time or drawn parameter is read, not several")
        self._array = name, self._channels(node, array)
        self.current_units = unit_of(self.b2, array.dim)
        return ast.Name(self.current, ast.Load())

    def _channels(self, node: ast.Call, array: Any) -> int:
        arguments = [ast.unparse(each) for each in node.args]
        if arguments not in (["t"], ["t", "i"]):
            raise ValueError(f"'{ast.unparse(node)}' is read as name(t) or name(t, i)")
        return 1 if len(arguments) == 1 else array.values.shape[1]

    def _name(self, node: ast.Name) -> ast.expr:
        name = node.id
        if name in self.drawn:
            self.current_units = unit_of(self.b2, self.expressions.dimension(name))
            return ast.Name(self.current, ast.Load())
        dim = self.expressions.dimension(name)
        value = exact(np.squeeze(self.expressions.numbers(name)) / scale_of(dim))
        if self._unit(name, dim):
            return ast.Constant(float(value))
        taken = name in RESERVED or name in self.renamed.values() or name.startswith("_")
        own = f"{name.lstrip('_')}_" if taken else name
        same = value.size > 1 and (value == value[0]).all()
        self.constants[own] = float(value[0]) if same else value if value.ndim else float(value)
        return ast.Name(own, ast.Load())


class _Replace(ast.NodeTransformer):
    """Replaces names and calls by what two functions return, where that is not None."""

    def __init__(self, name: Any, call: Any = None):
        self.name, self.call = name, call

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name."""
        return self.name(node) or node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call, whose function is no name to replace."""
        found = None if self.call is None else self.call(node)
        if found is not None:
            return found
        node.args = [self.visit(each) for each in node.args]
        return node


class _Simple(ast.NodeTransformer):
    """Leaves out factors of 1, which units become."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """``x*1``, ``1*x``, ``x/1`` and powers of 1."""
        self.generic_visit(node)
        one = [isinstance(x, ast.Constant) and x.value == 1.0 for x in (node.left, node.right)]
        if one[1] and isinstance(node.op, (ast.Mult, ast.Div)):
            return node.left
        if one[0] and isinstance(node.op, ast.Mult):
            return node.right
        if one[0] and isinstance(node.op, ast.Pow):
            return ast.Constant(1.0)
        return node
