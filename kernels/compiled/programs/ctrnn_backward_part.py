"""The steps of the backward pass of `ctrnn_scan` for a part of the batch."""

from neurodyn.kernels.compiled.programs import ctrnn_backward_layout as layout
from neurodyn.kernels.compiled.programs.ctrnn_shared import Sizes


class Part:
    """All steps of some rows of the batch, from the last step to the first.

    `neurodyn.kernels.rate.adjoint` defines source and p of a step. Those of a block of steps are
    gathered, and their product is then added to the weight gradient.
    """

    def __init__(self, this, code, buffers, part):
        self.this, self.code, self.buffers = this, code, buffers
        self.sizes = sizes = Sizes(code, buffers, layout.SETTINGS)
        self.units, self.inputs = layout.transposed(this, code, buffers, sizes)
        self.sums = layout.sums(this, code, buffers, sizes, part)
        self.first, self.n_rows = sizes.rows_of(part)
        self.gated, self.only_last, self.want_x, self.want_h0, self.want_noise = (
            sizes.setting(k) > 0 for k in range(layout.HAS_GATE, layout.WANT_NOISE + 1)
        )
        self.noisy = sizes.setting(layout.HAS_NOISE).equals(1)  # in the state
        self.noise_inside = sizes.setting(layout.HAS_NOISE) > 1
        self.every_state = sizes.setting(layout.ONLY_LAST) <= 0
        self.block = sizes.setting(layout.BLOCK)
        self.tile, self.tile_row = this.tile_memory(code)
        self.zero = code.integer(0)
        # Private memory: the cotangents l, the sum for alpha, p of a block, a panel of this p, and
        # the sources of the block.
        self.wide, self.source_row = sizes.wide * code.size, sizes.sources * code.size
        gathered = self.block * sizes.part_rows
        n_floats = (sizes.part_rows + 1 + gathered) * sizes.wide
        n_floats = n_floats + gathered * (sizes.sources + this.products.width) + code.lanes
        n_floats = (n_floats + (code.lanes - 1)) // code.lanes * code.lanes
        self.l = buffers.result(layout.WORK) + part * n_floats * code.size
        self.alpha_sum = self.l + sizes.part_rows * self.wide
        self.right = self.alpha_sum + self.wide
        self.packed = self.right + gathered * self.wide
        self.left = self.packed + gathered * this.products.width * code.size

    def run(self) -> None:
        code, sizes, buffers = self.code, self.sizes, self.buffers
        code.clear(self.alpha_sum, self.wide)
        offset, h_bar = self.first * sizes.row, buffers.argument(layout.H_BAR)
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
                self._rows(self.l, self.wide, buffers.result(layout.H0_BAR) + offset, sizes.row)
        with code.when(n <= 0):
            code.clear(self.sums.start, self.sums.end - self.sums.start)
        with code.when((n <= 0) & self.want_h0):
            code.clear(buffers.result(layout.H0_BAR) + offset, self.n_rows * sizes.row)
            with code.when(self.only_last):  # without a step, the last state is h0
                h0_bar = buffers.result(layout.H0_BAR) + offset
                self._rows(h_bar + offset, sizes.row, h0_bar, sizes.row)
        with code.loop(n, sizes.steps) as t:
            with code.when(self.want_noise):
                noise_bar = buffers.result(layout.NOISE_BAR) + t * sizes.step + offset
                code.clear(noise_bar, self.n_rows * sizes.row)
            with code.when(self.want_x):
                row = sizes.inputs * code.size
                x_bar = buffers.result(layout.X_BAR) + (t * sizes.batch + self.first) * row
                code.clear(x_bar, self.n_rows * row)

    def _rows(self, source, source_row, target, target_row) -> None:
        """Copy the part's rows of units."""
        with self.code.loop(0, self.n_rows) as r:
            rows = source + r * source_row, target + r * target_row
            self.code.copy(*rows, self.sizes.units)

    def _visit(self, t, place) -> None:
        """Gather source and p of step t, and add its part of the gradient of alpha."""
        code, sizes, buffers = self.code, self.sizes, self.buffers
        h = buffers.argument(layout.H)
        before = code.choose(t > 0, h + (t - 1) * sizes.step, buffers.argument(layout.H0))
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
            x = (
                buffers.argument(layout.X)
                + (t * sizes.batch + self.first + r) * sizes.inputs * code.size
            )
            with code.loop(0, sizes.inputs) as i:
                value = code.load(x + i * code.size)
                code.store(value, source + (sizes.units + i) * code.size)
            one = code.one()
            code.store(one, source + (sizes.sources - 1) * code.size)
            noise_bar = buffers.result(layout.NOISE_BAR) + t * sizes.step + offset
            with code.when(self.want_noise & ~self.noise_inside):
                code.copy(l, noise_bar, sizes.units)
            with code.when(self.want_noise & self.noise_inside):
                self._put_noise_bar(p, noise_bar)

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
        h = code.vector_at(buffers.argument(layout.H) + offset, some)
        noise = code.cell(code.splat(0.0))
        with code.when(self.noisy):
            noise.put(code.vector_at(buffers.argument(layout.NOISE) + offset, some))
        h = h - noise.get()
        if form == "update":
            code.put_vector(l * act.slope(code, h), p)
            return
        change = h - h_prev
        if act.above is None:
            a = code.vector_at(buffers.argument(layout.ALPHA) + j * code.size, some)
            slope = act.slope(code, h_prev + change / a)
        else:
            place = buffers.argument(layout.GATE) + offset // code.size
            slope = code.choose(code.byte_mask(place, some), code.splat(1.0), act.below)
        code.put_vector(l * slope, p)
        self._add_to_alpha(l * change, j)

    def _put_noise_bar(self, p, noise_bar) -> None:
        """Cotangents of a row of the noise inside the activation, p times alpha."""
        code = self.code

        def body(j, some):
            place = j * code.size
            a = code.vector_at(self.buffers.argument(layout.ALPHA) + place, some)
            code.put_vector(code.vector_at(p + place) * a, noise_bar + place, some)

        code.columns(self.zero, self.sizes.units, body)

    def _add_to_alpha(self, summand, j) -> None:
        place = self.alpha_sum + j * self.code.size
        self.code.put_vector(self.code.vector_at(place) + summand, place)

    def _pull(self, t, place) -> None:
        """Replace l by the cotangent of the state before step t; write that of the inputs."""
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
                a = code.vector_at(buffers.argument(layout.ALPHA) + j * code.size, some)
                through = (1 - a) * code.vector_at(place) + through
            code.put_vector(through, place)
            with code.when(self.every_state & (t > 0)):
                offset = (t - 1) * sizes.step + (self.first + row) * sizes.row + j * code.size
                h_bar = code.vector_at(buffers.argument(layout.H_BAR) + offset, some)
                code.put_vector(through + h_bar, place)

        self.units.each_vector(first, n_vectors, body)

    def _put_x_bar(self, row, r, first, n_vectors) -> None:
        code = self.code

        def body(v, i, some):
            values = code.vector_at(self.tile + self.tile_row * r + v * code.vector_bytes)
            place = self.buffers.result(layout.X_BAR) + (row + i) * code.size
            code.put_vector(values, place, some)

        self.inputs.each_vector(first, n_vectors, body)

    def _gather(self, is_first, n_steps) -> None:
        """Add the product of the gathered sources and p to the weight gradient."""
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
