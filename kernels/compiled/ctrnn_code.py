"""The leaky recurrence as machine code: what its two passes share."""

from llvmlite import ir

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.functions import Program, machine
from neurodyn.kernels.compiled.llvm.math import ACTIVATIONS
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.product import Products
from neurodyn.kernels.compiled.llvm.team import Arrays

__all__ = ["Pass", "Sizes"]


class Pass:
    """A program for one form and activation, with the function that multiplies."""

    def __init__(self, form, activation, dtype, n_factors: int, added: tuple[str, ...]):
        self.form, self.act = form, ACTIVATIONS[activation]
        self.machine = machine()
        self.program = Program(dtype, self.machine.vector_bytes)
        self.products = Products(self.program, self.machine, n_factors, added)

    @property
    def rows(self) -> int:
        """Rows of a tile."""
        return self.machine.rows

    def tile_memory(self, code: Code) -> tuple[Number, Number]:
        """Address of a tile on the stack, and bytes from row to row."""
        width = self.products.width
        return code.stack(self.rows * width), code.integer(width * code.size)


class Sizes:
    """The sizes of a call, whose arguments begin with W, U, b, alpha, x and h0."""

    def __init__(self, code: Code, buffers: Arrays, settings: int):
        self.code, self._settings = code, buffers.argument(settings)
        self.units, self.inputs = buffers.size(1, 1), buffers.size(1, 0)
        self.steps, self.batch = buffers.size(4, 0), buffers.size(4, 1)
        self.sources = self.units + self.inputs + 1
        self.lanes = (self.units + (code.lanes - 1)) / code.lanes * code.lanes
        # Rows of private memory an odd number of vectors apart: they do not share the cache's sets.
        self.wide = ((self.lanes / code.lanes) | 1) * code.lanes
        self.row = self.units * code.size
        self.step = self.batch * self.row
        self.length, self.n_parts, self.part_rows = (self.setting(k) for k in range(3))

    def setting(self, k: int) -> Number:
        """Entry k of the settings."""
        return self.code.word(self._settings + 4 * k, ir.IntType(32))

    def rows_of(self, part: Number) -> tuple[Number, Number]:
        """First row of a part of the batch, and how many it has."""
        first = part * self.part_rows
        return first, self.code.least(self.batch - first, self.part_rows)
