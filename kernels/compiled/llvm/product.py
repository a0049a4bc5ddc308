"""Matrix products whose right-hand side is packed once and used many times.

The right-hand side is cut into panels of a few vectors of columns, each stored row after row, and a
product makes a tile of a few rows by one panel, with all of its sums in registers (Goto & van de
Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008). A recurrence multiplies
by the same weights at every step, so that packing these costs next to nothing. The rows of the
left-hand side are read where they are, and a step finds its product in the cache.
"""

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.processor import Registers
from neurodyn.kernels.compiled.llvm.program import Program


class Products:
    """The functions of a program that multiply matrices.

    Parameters
    ----------
    program : Program
        Program that they are added to.
    registers : Registers
        Vector registers, which the sums of a tile fill.
    n_factors : int
        Number of left-hand sides, which stand side by side.
    added : tuple of {"nothing", "tile", "row"}
        Summands to prepare functions for: none, the tile's earlier content, or the panel's last
        row. The summand is added to the finished sums, because small terms lose digits when they
        are added to a large number one by one.
    """

    def __init__(self, program: Program, registers: Registers, n_factors: int, added: tuple):
        self.rows, self.vectors = registers.rows, registers.vectors
        self.width = registers.vectors * program.lanes
        widths = range(registers.vectors, 0, -1)
        self._functions = {
            name: {n: _product(program, registers.rows, n, n_factors, name) for n in widths}
            for name in added
        }

    def tile(
        self,
        code: Code,
        added: str,
        n_vectors: Number,
        valid: Number,
        factors: list[tuple[Number, Number, Number, Number]],
        panel: Number,
        tile: Number,
        tile_step: Number,
    ) -> None:
        """Write a product to a tile.

        Parameters
        ----------
        n_vectors
            Width of the panel.
        valid
            Number of rows that are wanted; the other rows of the tile repeat the last of them.
        factors
            Left-hand sides: address, bytes from row to row, bytes from column to column, number of
            columns.
        panel, tile
            Addresses.
        tile_step
            Bytes from row to row of the tile.
        """
        arguments = (valid, panel, tile, tile_step, *(n for factor in factors for n in factor))
        for n, function in self._functions[added].items():
            with code.when(n_vectors.equals(n)):
                code.call(function, *arguments)


def _product(program: Program, n_rows: int, n_vectors: int, n_factors: int, added: str):
    code = Code(program, f"product_{added}_{n_vectors}", 4 + 4 * n_factors)
    valid, panel, tile, tile_step, *factors = code.arguments
    width = n_vectors * code.vector_bytes
    columns = [v * code.vector_bytes for v in range(n_vectors)]
    places = [tile + tile_step * r + c for r in range(n_rows) for c in columns]
    sums = [code.splat(0.0)] * len(places)
    row = [code.least(code.integer(r), valid - 1) for r in range(n_rows)]
    for k in range(n_factors):
        start, row_step, step, length = factors[4 * k : 4 * k + 4]
        lefts = [start + row_step * r for r in row]

        def turn(values, lefts=lefts, step=step):
            offset, panel, *sums = values
            right = [code.vector_at(panel + c) for c in columns]
            new = []
            for r, left in enumerate(lefts):
                factor = code.splat(code.load(left + offset))
                old = sums[r * n_vectors : (r + 1) * n_vectors]
                new += [code.fused(factor, *pair) for pair in zip(right, old, strict=True)]
            return [offset + step, panel + width, *new]

        _, panel, *sums = code.fold(length, [code.integer(0), panel, *sums], turn)
    if added == "tile":
        sums = [total + code.vector_at(place) for total, place in zip(sums, places, strict=True)]
    elif added == "row":
        last = [code.vector_at(panel + c) for c in columns] * n_rows
        sums = [total + value for total, value in zip(sums, last, strict=True)]
    for total, place in zip(sums, places, strict=True):
        code.put_vector(total, place)
    code.return_()
    return code.function


class Panels:
    """Addresses of the panels of a matrix with `n_rows` rows and `n_columns` columns."""

    def __init__(self, code: Code, products: Products, start: Number, n_rows, n_columns):
        self.code, self.start = code, start
        self.n_rows, self.n_columns = n_rows, n_columns
        self.products = products
        self.count = (n_columns + (products.width - 1)) // products.width
        self.n_lanes = (n_columns + (code.lanes - 1)) // code.lanes * code.lanes

    def panel(self, j: Number) -> tuple[Number, Number, Number]:
        """Address of panel j, its first column, its width in vectors."""
        first = j * self.products.width
        vectors = (self.n_lanes - first) // self.code.lanes
        n_vectors = self.code.least(vectors, self.products.vectors)
        return self.start + first * self.n_rows * self.code.size, first, n_vectors

    @property
    def end(self) -> Number:
        """Address after the last panel."""
        return self.start + self.n_lanes * self.n_rows * self.code.size

    def each_vector(self, first: Number, n_vectors: Number, body) -> None:
        """Call ``body(v, j, some)`` for each vector v of a panel; j and `some` as in `columns`."""
        code = self.code
        with code.loop(0, n_vectors) as v:
            j = first + v * code.lanes
            whole = j + code.lanes <= self.n_columns
            with code.builder.if_else(whole.value) as (yes, no):
                with yes:
                    body(v, j, None)
                with no:
                    body(v, j, self.n_columns - j)
