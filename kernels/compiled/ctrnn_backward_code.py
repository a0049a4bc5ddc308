"""The backward pass of `ctrnn_scan` as machine code; `ctrnn_adjoint` says what it computes."""

from neurodyn.kernels.compiled.ctrnn_code import Pass, Sizes
from neurodyn.kernels.compiled.llvm.product import Panels
from neurodyn.kernels.compiled.llvm.team import write_handler

__all__ = ["build"]

_W, _U, _B, _ALPHA, _X, _H0, _NOISE, _H, _GATE, _H_BAR, _SETTINGS = range(11)
_W_BAR, _U_BAR, _B_BAR, _ALPHA_BAR, _X_BAR, _H0_BAR, _NOISE_BAR, _PANELS, _SUMS, _WORK = range(10)
# Places in the settings, after those that `Sizes` knows.
_BLOCK, _HAS_NOISE, _HAS_GATE, _ONLY_LAST, _WANT_X, _WANT_H0, _WANT_NOISE = range(3, 10)


def build(form: str, activation: str, dtype: str):
    """Compile the pass."""
    this = Pass(form, activation, dtype, n_factors=1, added=("nothing", "tile"))

    def counts(code, buffers):
        sizes = Sizes(code, buffers, _SETTINGS)
        units, inputs = _back(this, code, buffers, sizes)
        n_packed = units.count + code.choose(sizes.setting(_WANT_X) > 0, inputs.count, 0)
        return [n_packed, sizes.n_parts, units.count], sizes.n_parts

    phases = [
        lambda code, buffers, j: _pack(this, code, buffers, j),
        lambda code, buffers, part: _Part(this, code, buffers, part).run(),
        lambda code, buffers, j: _reduce(this, code, buffers, j),
    ]
    write_handler(this.program, "backward", (11, 10), counts, phases)
    return this.program.compiled("backward")


def _back(this, code, buffers, sizes) -> tuple[Panels, Panels]:
    """Panels of the transposed W and U, rows scaled by alpha; W with the update form's leak."""
    units = Panels(code, this.products, buffers.result(_PANELS), sizes.units, sizes.units)
    return units, Panels(code, this.products, units.end, sizes.units, sizes.inputs)


def _sums(this, code, buffers, sizes, part) -> Panels:
    """Panels of a part's weight gradient: from W, U and b, one below the other, to units."""
    rows = (sizes.sources + (this.rows - 1)) / this.rows * this.rows
    place = buffers.result(_SUMS) + part * rows * sizes.lanes * code.size
    return Panels(code, this.products, place, rows, sizes.units)


# --- the weights ------------------------------------------------------------------------------


def _pack(this, code, buffers, j) -> None:
    sizes = Sizes(code, buffers, _SETTINGS)
    units, inputs = _back(this, code, buffers, sizes)
    with code.when(j < units.count):
        _pack_transposed(code, buffers, sizes, units, buffers.argument(_W), j)
        if this.form == "update":
            start, first, n_vectors = units.panel(j)
            row = n_vectors * code.vector_bytes
            stop = code.least(first + n_vectors * code.lanes, sizes.units)
            with code.loop(first, stop) as i:
                place = start + i * row + (i - first) * code.size
                a = code.load(buffers.argument(_ALPHA) + i * code.size)
                code.store(code.load(place) + (1 - a), place)
    with code.when(j >= units.count):
        _pack_transposed(code, buffers, sizes, inputs, buffers.argument(_U), j - units.count)


def _pack_transposed(code, buffers, sizes, panels, matrix, j) -> None:
    start, first, n_vectors = panels.panel(j)
    row = n_vectors * code.vector_bytes
    with code.loop(0, sizes.units) as k, code.loop(0, n_vectors) as v:
        column = first + v * code.lanes
        last = panels.n_columns - column - 1
        values = code.gather(matrix + column * sizes.row + k * code.size, sizes.row, last)
        a = code.splat(code.load(buffers.argument(_ALPHA) + k * code.size))
        code.put_vector(values * a, start + k * row + v * code.vector_bytes)


# --- the recursion ----------------------------------------------------------------------------


class _Part:
    """All steps of some rows of the batch, from last to first.

    Sources and p of a block of steps are gathered, then multiplied into the weight gradient.
    """

    def __init__(self, this, code, buffers, part):
        self.this, self.code, self.buffers = this, code, buffers
        self.sizes = sizes = Sizes(code, buffers, _SETTINGS)
        self.units, self.inputs = _back(this, code, buffers, sizes)
        self.sums = _sums(this, code, buffers, sizes, part)
        self.first, self.n_rows = sizes.rows_of(part)
        self.noisy, self.gated, self.only_last, self.want_x, self.want_h0, self.want_noise = (
            sizes.setting(k) > 0 for k in range(_HAS_NOISE, _WANT_NOISE + 1)
        )
        self.every_state = sizes.setting(_ONLY_LAST) <= 0
        self.block = sizes.setting(_BLOCK)
        self.tile, self.tile_row = this.tile_memory(code)
        self.zero = code.integer(0)
        # Private memory: the cotangents l, the sum for alpha, p and sources of a block, a panel.
        self.wide, self.source_row = sizes.wide * code.size, sizes.sources * code.size
        gathered = self.block * sizes.part_rows
        n_floats = (sizes.part_rows + 1 + gathered) * sizes.wide
        n_floats = n_floats + gathered * (sizes.sources + this.products.width) + code.lanes
        n_floats = (n_floats + (code.lanes - 1)) / code.lanes * code.lanes
        self.l = buffers.result(_WORK) + part * n_floats * code.size
        self.alpha_sum = self.l + sizes.part_rows * self.wide
        self.right = self.alpha_sum + self.wide
        self.packed = self.right + gathered * self.wide
        self.left = self.packed + gathered * this.products.width * code.size

    def run(self) -> None:
        code, sizes, buffers = self.code, self.sizes, self.buffers
        code.clear(self.alpha_sum, self.wide)
        offset, h_bar = self.first * sizes.row, buffers.argument(_H_BAR)
        n = sizes.length
        with code.when(n > 0):
            ends = code.choose(self.only_last, h_bar, h_bar + (n - 1) * sizes.step)
            self._rows(ends + offset, sizes.row, self.l, self.wide)
            with code.loop(0, n) as k:
                t, place = n - 1 - k, k % self.block
                self._visit(t, place)
                self._pull(t, place)
                with code.when(t.equals(0) | (place + 1 >= self.block)):
                    self._gather(k < self.block, place + 1)
            with code.when(self.want_h0):
                self._rows(self.l, self.wide, buffers.result(_H0_BAR) + offset, sizes.row)
        with code.when(n <= 0):
            code.clear(self.sums.start, self.sums.end - self.sums.start)
        with code.when((n <= 0) & self.want_h0):
            code.clear(buffers.result(_H0_BAR) + offset, self.n_rows * sizes.row)
            with code.when(self.only_last):  # without a step the last state is h0
                h0_bar = buffers.result(_H0_BAR) + offset
                self._rows(h_bar + offset, sizes.row, h0_bar, sizes.row)
        with code.loop(n, sizes.steps) as t:
            with code.when(self.want_noise):
                noise_bar = buffers.result(_NOISE_BAR) + t * sizes.step + offset
                code.clear(noise_bar, self.n_rows * sizes.row)
            with code.when(self.want_x):
                row = sizes.inputs * code.size
                x_bar = buffers.result(_X_BAR) + (t * sizes.batch + self.first) * row
                code.clear(x_bar, self.n_rows * row)

    def _rows(self, source, source_row, target, target_row) -> None:
        """Copy the part's rows of units."""
        code = self.code
        with code.loop(0, self.n_rows) as r:

            def body(j, some):
                values = code.vector_at(source + r * source_row + j * code.size, some)
                code.put_vector(values, target + r * target_row + j * code.size, some)

            code.columns(self.zero, self.sizes.units, body)

    def _visit(self, t, place) -> None:
        """Sources and p of step t, and what it adds to the gradient of alpha."""
        code, sizes, buffers = self.code, self.sizes, self.buffers
        h = buffers.argument(_H)
        before = code.choose(t > 0, h + (t - 1) * sizes.step, buffers.argument(_H0))
        with code.loop(0, self.n_rows) as r:
            offset = (self.first + r) * sizes.row
            number = place * self.n_rows + r
            source, p = self.left + number * self.source_row, self.right + number * self.wide
            l = self.l + r * self.wide

            def body(j, some):
                place = j * code.size
                given = (before + offset + place, t * sizes.step + offset + place)
                self._visit_vector(given, l + place, source + place, p + place, j, some)

            code.columns(self.zero, sizes.units, body)
            x = buffers.argument(_X) + (t * sizes.batch + self.first + r) * sizes.inputs * code.size
            with code.loop(0, sizes.inputs) as i:
                value = code.load(x + i * code.size)
                code.store(value, source + (sizes.units + i) * code.size)
            one = code.one()
            code.store(one, source + (sizes.sources - 1) * code.size)
            with code.when(self.want_noise):
                place = buffers.result(_NOISE_BAR) + t * sizes.step + offset
                self._row(l, place)

    def _row(self, source, target) -> None:
        code = self.code

        def body(j, some):
            values = code.vector_at(source + j * code.size, some)
            code.put_vector(values, target + j * code.size, some)

        code.columns(self.zero, self.sizes.units, body)

    def _visit_vector(self, given, l, source, p, j, some) -> None:
        code, act, form, buffers = self.code, self.this.act, self.this.form, self.buffers
        before, offset = given
        l = code.vector_at(l)
        h_prev = code.vector_at(before, some)
        if form == "current":
            code.put_vector(act.value(code, h_prev), source, some)
            code.put_vector(l, p)
            self._add_to_alpha(l * h_prev, j)
            return
        code.put_vector(h_prev, source, some)
        h = code.vector_at(buffers.argument(_H) + offset, some)
        noise = code.cell(code.splat(0.0))
        with code.when(self.noisy):
            noise.put(code.vector_at(buffers.argument(_NOISE) + offset, some))
        h = h - noise.get()
        if form == "update":
            code.put_vector(l * act.slope(code, h), p)
            return
        change = h - h_prev
        if act.above is None:
            a = code.vector_at(buffers.argument(_ALPHA) + j * code.size, some)
            slope = act.slope(code, h_prev + change / a)
        else:
            place = buffers.argument(_GATE) + offset / code.size
            slope = code.choose(code.byte_mask(place, some), code.splat(1.0), act.below)
        code.put_vector(l * slope, p)
        self._add_to_alpha(l * change, j)

    def _add_to_alpha(self, summand, j) -> None:
        place = self.alpha_sum + j * self.code.size
        self.code.put_vector(self.code.vector_at(place) + summand, place)

    def _pull(self, t, place) -> None:
        """The cotangent of the state before step t, in place, and that of the inputs."""
        code, this, sizes = self.code, self.this, self.sizes
        size = code.integer(code.size)
        with code.loop(0, self.n_rows, this.rows) as i:
            number = place * self.n_rows + i
            p, source = self.right + number * self.wide, self.left + number * self.source_row
            valid = code.least(self.n_rows - i, this.rows)

            def multiply(panels, k):
                panel, first, n_vectors = panels.panel(k)
                factors = [(p, self.wide, size, sizes.units)]
                to = (panel, self.tile, self.tile_row)
                this.products.tile(code, "nothing", n_vectors, valid, factors, *to)
                return first, n_vectors

            with code.when((t > 0) | self.want_h0), code.loop(0, self.units.count) as k:
                first, n_vectors = multiply(self.units, k)
                with code.loop(0, valid) as r:
                    self._pull_row(t, i + r, r, source + r * self.source_row, first, n_vectors)
            with code.when(self.want_x), code.loop(0, self.inputs.count) as k:
                first, n_vectors = multiply(self.inputs, k)
                with code.loop(0, valid) as r:
                    row = (t * sizes.batch + self.first + i + r) * sizes.inputs
                    self._put_x_bar(row, r, first, n_vectors)

    def _pull_row(self, t, row, r, source, first, n_vectors) -> None:
        code, sizes, this, buffers = self.code, self.sizes, self.this, self.buffers

        def body(v, j, some):
            place = self.l + row * self.wide + j * code.size
            through = code.vector_at(self.tile + self.tile_row * r + v * code.vector_bytes)
            if this.form == "current":
                active = code.vector_at(source + j * code.size, some)
                through = this.act.slope(code, active) * through
            if this.form != "update":
                a = code.vector_at(buffers.argument(_ALPHA) + j * code.size, some)
                through = (1 - a) * code.vector_at(place) + through
            code.put_vector(through, place)
            with code.when(self.every_state & (t > 0)):
                offset = (t - 1) * sizes.step + (self.first + row) * sizes.row + j * code.size
                h_bar = code.vector_at(buffers.argument(_H_BAR) + offset, some)
                code.put_vector(through + h_bar, place)

        self.units.each_vector(first, n_vectors, body)

    def _put_x_bar(self, row, r, first, n_vectors) -> None:
        code = self.code

        def body(v, i, some):
            values = code.vector_at(self.tile + self.tile_row * r + v * code.vector_bytes)
            place = self.buffers.result(_X_BAR) + (row + i) * code.size
            code.put_vector(values, place, some)

        self.inputs.each_vector(first, n_vectors, body)

    def _gather(self, is_first, n_steps) -> None:
        """Add the products of sources and p of the last steps to the weight gradient."""
        code, this, sizes = self.code, self.this, self.sizes
        n = n_steps * self.n_rows
        size = code.integer(code.size)
        with code.loop(0, self.sums.count) as k:
            panel, first, n_vectors = self.sums.panel(k)
            row = n_vectors * code.vector_bytes
            with code.loop(0, n) as i, code.loop(0, n_vectors) as v:
                j = first + v * code.lanes
                p = code.vector_at(self.right + i * self.wide + j * code.size)
                code.put_vector(p, self.packed + i * row + v * code.vector_bytes)
            with code.loop(0, sizes.sources, this.rows) as i:
                valid = code.least(sizes.sources - i, this.rows)
                factors = [(self.left + i * code.size, size, self.source_row, n)]
                to = (self.packed, panel + i * row, row)
                for added, holds in (("nothing", is_first), ("tile", ~is_first)):
                    with code.when(holds):
                        this.products.tile(code, added, n_vectors, valid, factors, *to)


# --- the sum over parts -----------------------------------------------------------------------


def _reduce(this, code, buffers, j) -> None:
    """Gradients of one panel of units, from the sums of all parts."""
    sizes = Sizes(code, buffers, _SETTINGS)
    sums = _sums(this, code, buffers, sizes, code.integer(0))
    stride = sums.end - sums.start
    start, first, n_vectors = sums.panel(j)
    row = n_vectors * code.vector_bytes

    def total(place):
        value = code.cell(code.vector_at(place))
        with code.loop(1, sizes.n_parts) as part:
            value.put(value.get() + code.vector_at(place + part * stride))
        return value.get()

    def column(v, k, some):
        a = code.vector_at(buffers.argument(_ALPHA) + k * code.size, some)
        weighted = code.cell(code.splat(0.0))
        done = code.integer(0)
        for given, bar, n in (
            (_W, _W_BAR, sizes.units),
            (_U, _U_BAR, sizes.inputs),
            (_B, _B_BAR, code.integer(1)),
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
                place = _Part(this, code, buffers, part).alpha_sum + k * code.size
                summed.put(summed.get() + code.vector_at(place))
        if this.form == "rate":
            alpha_bar = summed.get() / a
        else:
            alpha_bar = weighted.get() if this.form == "update" else weighted.get() - summed.get()
        code.put_vector(alpha_bar, buffers.result(_ALPHA_BAR) + k * code.size, some)

    sums.each_vector(first, n_vectors, column)
    if this.form == "update":  # the state is the source of the leak: it is on the diagonal
        stop = code.least(first + n_vectors * code.lanes, sizes.units)
        with code.loop(first, stop) as i, code.loop(0, sizes.n_parts) as part:
            place = buffers.result(_ALPHA_BAR) + i * code.size
            diagonal = start + part * stride + i * row + (i - first) * code.size
            code.store(code.load(place) - code.load(diagonal), place)
