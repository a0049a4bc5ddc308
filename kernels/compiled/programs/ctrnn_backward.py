"""The backward pass of `ctrnn_scan` as machine code, as defined in `neurodyn.kernels.rate.adjoint`.

Its phases pack the transposed weights, run through all steps for each part of the batch, and add up
the gradients of the parts.
"""

from neurodyn.kernels.compiled.llvm.team import write_handler
from neurodyn.kernels.compiled.programs import ctrnn_backward_layout as layout
from neurodyn.kernels.compiled.programs.ctrnn_backward_part import Part
from neurodyn.kernels.compiled.programs.ctrnn_shared import Pass, Sizes


def build(form: str, activation: str, dtype: str):
    """Compile the pass."""
    this = Pass(form, activation, dtype, n_factors=1, added=("nothing", "tile"))

    def counts(code, buffers):
        sizes = Sizes(code, buffers, layout.SETTINGS)
        units, inputs = layout.transposed(this, code, buffers, sizes)
        n_packed = units.count + code.choose(sizes.setting(layout.WANT_X) > 0, inputs.count, 0)
        return [n_packed, sizes.n_parts, units.count], sizes.n_parts

    phases = [
        lambda code, buffers, j: _pack(this, code, buffers, j),
        lambda code, buffers, part: Part(this, code, buffers, part).run(),
        lambda code, buffers, j: _reduce(this, code, buffers, j),
    ]
    write_handler(this.program, "backward", (11, 10), counts, phases)
    return this.program.compiled("backward")


def _pack(this, code, buffers, j) -> None:
    sizes = Sizes(code, buffers, layout.SETTINGS)
    units, inputs = layout.transposed(this, code, buffers, sizes)
    with code.when(j < units.count):
        _pack_transposed(code, buffers, sizes, units, buffers.argument(layout.W), j)
        if this.form == "update":
            start, first, n_vectors = units.panel(j)
            row = n_vectors * code.vector_bytes
            stop = code.least(first + n_vectors * code.lanes, sizes.units)
            with code.loop(first, stop) as i:
                place = start + i * row + (i - first) * code.size
                a = code.load(buffers.argument(layout.ALPHA) + i * code.size)
                code.store(code.load(place) + (1 - a), place)
    with code.when(j >= units.count):
        _pack_transposed(code, buffers, sizes, inputs, buffers.argument(layout.U), j - units.count)


def _pack_transposed(code, buffers, sizes, panels, matrix, j) -> None:
    start, first, n_vectors = panels.panel(j)
    row = n_vectors * code.vector_bytes
    with code.loop(0, sizes.units) as k, code.loop(0, n_vectors) as v:
        column = first + v * code.lanes
        last = panels.n_columns - column - 1
        values = code.gather(matrix + column * sizes.row + k * code.size, sizes.row, last)
        a = code.splat(code.load(buffers.argument(layout.ALPHA) + k * code.size))
        code.put_vector(values * a, start + k * row + v * code.vector_bytes)


def _reduce(this, code, buffers, j) -> None:
    """Add up the sums of all parts to the gradients of one panel of units."""
    sizes = Sizes(code, buffers, layout.SETTINGS)
    sums = layout.sums(this, code, buffers, sizes, code.integer(0))
    stride = sums.end - sums.start
    start, first, n_vectors = sums.panel(j)
    row = n_vectors * code.vector_bytes

    def total(place):
        value = code.cell(code.vector_at(place))
        with code.loop(1, sizes.n_parts) as part:
            value.put(value.get() + code.vector_at(place + part * stride))
        return value.get()

    def column(v, k, some):
        a = code.vector_at(buffers.argument(layout.ALPHA) + k * code.size, some)
        weighted = code.cell(code.splat(0.0))
        done = code.integer(0)
        for given, bar, n in (
            (layout.W, layout.W_BAR, sizes.units),
            (layout.U, layout.U_BAR, sizes.inputs),
            (layout.B, layout.B_BAR, code.integer(1)),
        ):
            weights, bars = buffers.argument(given), buffers.result(bar)
            with code.loop(0, n) as i:
                value = total(start + (done + i) * row + v * code.vector_bytes)
                offset = i * sizes.row + k * code.size
                code.put_vector(value * a, bars + offset, some)
                if this.form != "rate":
                    weight = code.vector_at(weights + offset, some)
                    weighted.put(weighted.get() + weight * value)
            done = done + n
        if this.form != "update":
            summed = code.cell(code.splat(0.0))
            with code.loop(0, sizes.n_parts) as part:
                place = Part(this, code, buffers, part).alpha_sum + k * code.size
                summed.put(summed.get() + code.vector_at(place))
        if this.form == "rate":
            alpha_bar = summed.get() / a
        else:
            alpha_bar = weighted.get() if this.form == "update" else weighted.get() - summed.get()
        code.put_vector(alpha_bar, buffers.result(layout.ALPHA_BAR) + k * code.size, some)

    sums.each_vector(first, n_vectors, column)
    if this.form == "update":  # the source of the leak is the state: on the diagonal
        stop = code.least(first + n_vectors * code.lanes, sizes.units)
        with code.loop(first, stop) as i, code.loop(0, sizes.n_parts) as part:
            place = buffers.result(layout.ALPHA_BAR) + i * code.size
            diagonal = start + part * stride + i * row + (i - first) * code.size
            code.store(code.load(place) - code.load(diagonal), place)
