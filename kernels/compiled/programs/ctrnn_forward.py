"""The forward pass of `ctrnn_scan` as machine code."""

from neurodyn.kernels.compiled.llvm.product import Panels
from neurodyn.kernels.compiled.llvm.team import write_handler
from neurodyn.kernels.compiled.programs.ctrnn_shared import Pass, Sizes

# States to keep: none, those of the steps that run, or all, with zeros after the last step.
KEEP_NOTHING, KEEP_RUN, KEEP_ALL = range(3)

_W, _U, _B, _ALPHA, _X, _H0, _NOISE, _SETTINGS = range(8)
_END, _STATES, _GATE, _PANELS, _WORK = range(5)
_KEEP, _HAS_NOISE, _HAS_GATE = 3, 4, 5  # entries of the settings, after those that `Sizes` reads


def build(form: str, activation: str, dtype: str):
    """Compile the pass."""
    this = Pass(form, activation, dtype, n_factors=2, added=("row",))

    def counts(code, buffers):
        sizes = Sizes(code, buffers, _SETTINGS)
        weights = _weights(this, code, buffers, sizes)
        return [weights.count, sizes.n_parts], sizes.n_parts

    phases = [
        lambda code, buffers, j: _pack(this, code, buffers, j),
        lambda code, buffers, part: _Part(this, code, buffers, part).run(),
    ]
    write_handler(this.program, "forward", (8, 5), counts, phases)
    return this.program.compiled("forward")


def _weights(this, code, buffers, sizes) -> Panels:
    """Panels of W, U and b, one below the other; in the update form multiplied by alpha."""
    place = buffers.result(_PANELS)
    return Panels(code, this.products, place, sizes.sources, sizes.units)


def _pack(this, code, buffers, j) -> None:
    sizes = Sizes(code, buffers, _SETTINGS)
    start, first, n_vectors = _weights(this, code, buffers, sizes).panel(j)
    row = n_vectors * code.vector_bytes
    alpha = buffers.argument(_ALPHA)
    update = this.form == "update"
    source_rows = ((_W, sizes.units), (_U, sizes.inputs), (_B, code.integer(1)))

    def column(v, k, some):
        scale = code.vector_at(alpha + k * code.size, some) if update else None
        place = start + v * code.vector_bytes
        done = code.integer(0)
        for matrix, n_rows in source_rows:
            source = buffers.argument(matrix) + k * code.size
            with code.loop(0, n_rows) as i:
                values = code.vector_at(source + i * sizes.row, some)
                code.put_vector(values * scale if update else values, place + (done + i) * row)
            done = done + n_rows

    _weights(this, code, buffers, sizes).each_vector(first, n_vectors, column)


class _Part:
    """All steps of some rows of the batch."""

    def __init__(self, this, code, buffers, part):
        self.this, self.code, self.buffers = this, code, buffers
        self.sizes = sizes = Sizes(code, buffers, _SETTINGS)
        self.weights = _weights(this, code, buffers, sizes)
        self.first, self.n_rows = sizes.rows_of(part)
        self.keep = sizes.setting(_KEEP)
        self.has_noise = sizes.setting(_HAS_NOISE).equals(1)  # of the state
        self.noise_inside = sizes.setting(_HAS_NOISE) > 1
        self.has_gate = sizes.setting(_HAS_GATE) > 0
        self.tile, self.tile_row = this.tile_memory(code)
        # Activations of a tile's rows: the left-hand side of the product in the current form.
        self.active = buffers.result(_WORK) + part * this.rows * sizes.wide * code.size

    def run(self) -> None:
        code, sizes, buffers = self.code, self.sizes, self.buffers
        states, h0 = buffers.result(_STATES), buffers.argument(_H0)
        kept = self.keep > KEEP_NOTHING
        # If no states are kept, two buffers take turns.
        slot = lambda t: states + code.choose(kept, t, t % 2) * sizes.step  # noqa: E731
        with code.loop(0, sizes.length) as t:
            before = code.choose(t > 0, slot(t - 1), h0)
            with code.loop(self.first, self.first + self.n_rows, self.this.rows) as i:
                self._tiles(t, i, before, slot(t))
        last = code.choose(sizes.length > 0, slot(sizes.length - 1), h0)
        offset = self.first * sizes.row
        end = buffers.result(_END)
        code.copy(last + offset, end + offset, self.n_rows * sizes.units)
        with code.when(self.keep > KEEP_RUN), code.loop(sizes.length, sizes.steps) as t:
            code.clear(states + t * sizes.step + offset, self.n_rows * sizes.row)

    def _tiles(self, t, i, before, after) -> None:
        """One step of the rows of one tile, which begins at row i."""
        code, sizes, this = self.code, self.sizes, self.this
        size = code.integer(code.size)
        valid = code.least(self.first + self.n_rows - i, this.rows)
        left, left_row = before + i * sizes.row, sizes.row
        if this.form == "current":
            left, left_row = self._activate(left, valid), sizes.wide * code.size
        x = self.buffers.argument(_X) + (t * sizes.batch + i) * sizes.inputs * code.size
        x_row = sizes.inputs * code.size
        factors = [(left, left_row, size, sizes.units), (x, x_row, size, sizes.inputs)]
        with code.loop(0, self.weights.count) as p:
            panel, first, n_vectors = self.weights.panel(p)
            with code.loop(0, valid) as r:
                row_after = after + (i + r) * sizes.row + first * code.size
                code.prefetch(row_after, this.products.width * code.size, writing=True)
            to = (panel, self.tile, self.tile_row)
            this.products.tile(code, "row", n_vectors, valid, factors, *to)
            with code.loop(0, valid) as r:
                self._finish(t, i + r, r, first, n_vectors, before, after)

    def _activate(self, h, valid):
        code, sizes = self.code, self.sizes
        with code.loop(0, valid) as r:

            def body(j, some, r=r):
                values = code.vector_at(h + r * sizes.row + j * code.size, some)
                place = self.active + (r * sizes.wide + j) * code.size
                code.put_vector(self.this.act.value(code, values), place)

            code.columns(code.integer(0), sizes.units, body)
        return self.active

    def _finish(self, t, row, r, first, n_vectors, before, after) -> None:
        """Compute the state of a row from its summed drive."""
        code, sizes, act = self.code, self.sizes, self.this.act
        buffers, form = self.buffers, self.this.form

        def body(v, j, some):
            z = code.vector_at(self.tile + self.tile_row * r + v * code.vector_bytes)
            offset = row * sizes.row + j * code.size
            noise = buffers.argument(_NOISE) + t * sizes.step + offset
            if form == "rate":
                z = self._with_noise(z, noise, some)
            a = code.vector_at(buffers.argument(_ALPHA) + j * code.size, some)
            kept = (1 - a) * code.vector_at(before + offset, some)
            if form == "update":
                h = act.value(code, kept + z)
            else:
                drive = act.value(code, z) if form == "rate" else z
                h = kept + a * drive
                if form == "rate" and act.above is not None:
                    with code.when(self.has_gate):
                        place = (t * sizes.batch + row) * sizes.units + j
                        gate = code.as_bytes(act.above(drive))
                        code.put_vector(gate, buffers.result(_GATE) + place, some)
            code.put_vector(h, after + offset, some)
            with code.when(self.has_noise):
                code.put_vector(h + code.vector_at(noise, some), after + offset, some)

        self.weights.each_vector(first, n_vectors, body)

    def _with_noise(self, z, noise, some):
        """The summed input with the noise that stands inside the activation, if there is any."""
        summed = self.code.cell(z)
        with self.code.when(self.noise_inside):
            summed.put(summed.get() + self.code.vector_at(noise, some))
        return summed.get()
