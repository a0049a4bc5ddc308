"""Names and sizes that both passes of the leaky recurrence share."""

from neurodyn.kernels.compiled.llvm import processor
from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.product import Products
from neurodyn.kernels.compiled.llvm.program import Program
from neurodyn.kernels.compiled.llvm.team import Arrays
from neurodyn.kernels.compiled.llvm.values import I32
from neurodyn.kernels.compiled.programs.activations import ACTIVATIONS


class Pass:
    """The program of one pass for one form and activation, with its matrix products."""

    def __init__(self, form, activation, dtype, n_factors: int, added: tuple[str, ...]):
        self.form, self.act = form, ACTIVATIONS[activation]
        self.registers = processor.registers()
        self.program = Program(dtype, self.registers.vector_bytes)
        self.products = Products(self.program, self.registers, n_factors, added)

    @property
    def rows(self) -> int:
        """Rows of a tile."""
        return self.registers.rows

    def tile_memory(self, code: Code) -> tuple[Number, Number]:
        """Address of a tile on the stack, and its bytes from row to row."""
        width = self.products.width
        return code.stack(self.rows * width), code.integer(width * code.size)


class Sizes:
    """The sizes of a call, whose arguments begin with W, U, b, alpha, x and h0."""

    def __init__(self, code: Code, buffers: Arrays, settings: int):
        self.code, self._settings = code, buffers.argument(settings)
        self.units, self.inputs = buffers.size(1, 1), buffers.size(1, 0)
        self.steps, self.batch = buffers.size(4, 0), buffers.size(4, 1)
        self.sources = self.units + self.inputs + 1
        self.lanes = (self.units + (code.lanes - 1)) // code.lanes * code.lanes
        # Rows of private memory are an odd number of vectors apart, so that they lie in different
        # sets of the cache.
        self.wide = ((self.lanes // code.lanes) | 1) * code.lanes
        self.row = self.units * code.size
        self.step = self.batch * self.row
        self.length, self.n_parts, self.part_rows = (self.setting(k) for k in range(3))

    def setting(self, k: int) -> Number:
        """Entry k of the settings."""
        return self.code.word(self._settings + 4 * k, I32)

    def rows_of(self, part: Number) -> tuple[Number, Number]:
        """First row of a part of the batch, and its number of rows."""
        first = part * self.part_rows
        return first, self.code.least(self.batch - first, self.part_rows)
