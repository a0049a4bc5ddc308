"""The products of spikes as machine code; `neurodyn.kernels.compiled.events` calls them."""

import functools
from collections.abc import Callable

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.processor import vector_bytes
from neurodyn.kernels.compiled.llvm.program import Program
from neurodyn.kernels.compiled.llvm.values import I32
from neurodyn.kernels.compiled.llvm.xla_call import Buffers, begin_handler

# Rows of a dense matrix that are added in one pass over the result.
_TOGETHER = 4

# Synapses in a cache line.
_LINE = 16


def build(name: str, dtype: str):
    """Compile one function, for floats of one type, that XLA calls."""
    # Not fused: products are rounded before they are added, as in a loop in any other language.
    program = Program(dtype, vector_bytes(), fused=False)
    code, arguments, results = begin_handler(program, name)
    _WRITERS[name](code, Buffers(code, arguments), Buffers(code, results))
    code.return_(code.integer(0))
    return program.compiled(name)


def _each_spike(code: Code, spikes: Number, n: Number, then: Callable[[Number], None]) -> None:
    """Call ``then(i)`` for the index of each entry that is not zero, in ascending order."""
    with code.loop(0, n, code.lanes) as first:
        vector = code.vector_at(spikes + first * code.size, n - first)
        rest = code.cell(code.nonzero_mask(vector))
        with code.endless() as leave_if:
            lanes = rest.get()
            leave_if(lanes.equals(0))
            rest.put(lanes & (lanes - 1))
            then(first + code.lowest_bit(lanes))


def _copy(code: Code, source: Number, target: Number, n: Number) -> None:
    """Copy an argument to a result, unless XLA has given both the same buffer."""
    with code.when(~source.equals(target)):
        code.copy(source, target, n)


def _add_to(code: Code, place: Number, amount: Number) -> None:
    code.store(code.load(place) + amount, place)


# --- dense ------------------------------------------------------------------------------------


def _add_rows(code: Code, arguments: Buffers, results: Buffers, onto: bool = False) -> None:
    """(spikes, W[, onto]) -> (out,)."""
    n_trials, n_pre = arguments.size(0, 0), arguments.size(0, 1)
    spikes, W, out = arguments.data(0), arguments.data(1), results.data(0)
    n_post = arguments.size(1, 1)
    width = n_post * code.size
    waiting = code.stack(2 * _TOGETHER)  # row numbers, in words of 8 bytes
    n_waiting = code.cell(code.integer(0))

    def add(trial_spikes, trial_out, n_rows):
        """Add the waiting rows, one after the other in every entry of the result."""
        rows = [code.word(waiting + 8 * k) for k in range(n_rows)]
        scales = [code.splat(code.load(trial_spikes + row * code.size)) for row in rows]

        def column(j, some):
            total = code.vector_at(trial_out + j * code.size, some)
            for row, scale in zip(rows, scales, strict=True):
                total = total + scale * code.vector_at(W + row * width + j * code.size, some)
            code.put_vector(total, trial_out + j * code.size, some)

        code.columns(code.integer(0), n_post, column)

    with code.loop(0, n_trials) as b:
        trial_spikes, trial_out = spikes + b * n_pre * code.size, out + b * width
        if onto:
            _copy(code, arguments.data(2) + b * width, trial_out, n_post)
        else:
            code.clear(trial_out, width)

        def then(i):
            code.store(i, waiting + n_waiting.get() * 8)
            n_waiting.put(n_waiting.get() + 1)
            with code.when(n_waiting.get().equals(_TOGETHER)):
                add(trial_spikes, trial_out, _TOGETHER)
                n_waiting.put(code.integer(0))

        _each_spike(code, trial_spikes, n_pre, then)
        for n_rows in range(1, _TOGETHER):
            with code.when(n_waiting.get().equals(n_rows)):
                add(trial_spikes, trial_out, n_rows)
        n_waiting.put(code.integer(0))


# --- sparse -----------------------------------------------------------------------------------


def _add_synapses(code: Code, arguments: Buffers, results: Buffers) -> None:
    """(spikes, indptr, indices, values) -> (out,)."""
    n_trials, n_pre = arguments.size(0, 0), arguments.size(0, 1)
    spikes, indptr, indices, values = (arguments.data(i) for i in range(4))
    out, width = results.data(0), results.size(0, 2) * code.size
    with code.loop(0, n_trials) as b:
        trial_spikes, trial_out = spikes + b * n_pre * code.size, out + b * width
        code.clear(trial_out, width)

        def then(i):
            spike = code.load(trial_spikes + i * code.size)
            with code.loop(*_row(code, indptr, i)) as k:
                target = code.word(indices + k * 4, I32)
                value = code.load(values + k * code.size)
                _add_to(code, trial_out + target * code.size, spike * value)

        _each_spike(code, trial_spikes, n_pre, then)


def _add_delayed(code: Code, arguments: Buffers, results: Buffers) -> None:
    """(ring, spikes, indptr, indices, values, head, delays) -> (ring,), slot head - 1 emptied."""
    n_trials, n_pre = arguments.size(1, 0), arguments.size(1, 1)
    n_slots, n_post = arguments.size(0, 1), arguments.size(0, 2)
    given, spikes, indptr, indices, values, heads, delays = (arguments.data(i) for i in range(7))
    ring, n = results.data(0), n_slots * n_post
    _copy(code, given, ring, n_trials * n)
    with code.loop(0, n_trials) as b:
        trial_spikes, trial_ring = spikes + b * n_pre * code.size, ring + b * n * code.size
        head = (code.word(heads + b * 4, I32) % n_slots + n_slots) % n_slots
        last = (head + n_slots - 1) % n_slots
        code.clear(trial_ring + last * n_post * code.size, n_post * code.size)

        def then(i):
            spike = code.load(trial_spikes + i * code.size)
            with code.loop(*_row(code, indptr, i)) as k:
                slot = head + code.word(delays + k * 4, I32)
                slot = code.choose(slot >= n_slots, slot - n_slots, slot)
                target = slot * n_post + code.word(indices + k * 4, I32)
                value = code.load(values + k * code.size)
                _add_to(code, trial_ring + target * code.size, spike * value)

        _each_spike(code, trial_spikes, n_pre, then)


def _row(code: Code, indptr: Number, i: Number) -> tuple[Number, Number]:
    """The first synapse of a row, and the synapse after its last."""
    return code.word(indptr + i * 4, I32), code.word(indptr + i * 4 + 4, I32)


# --- several sets of synapses -----------------------------------------------------------------


def _add_spikes(code: Code, arguments: Buffers, results: Buffers) -> None:
    """(words, table, (indptr, indices, values) of each row, *onto) -> onto, added to.

    The table holds, for each row, the first neuron, the array of `onto` that it adds to, and the
    first entry there. A spike waits until the next spike is known, so that the synapses of the next
    one come into the cache while those of the waiting one are added.
    """
    n_trials, n_words = arguments.size(0, 0), arguments.size(0, 1)
    words, table, n_rows = arguments.data(0), arguments.data(1), arguments.size(1, 0)
    n_onto = code.cell(code.integer(0))
    with code.loop(0, n_rows) as r:
        i = code.word(table + r * 12 + 4, I32)
        n_onto.put(code.choose(i >= n_onto.get(), i + 1, n_onto.get()))
    with code.loop(0, n_onto.get()) as i:
        n = n_trials * results.size(i, 1)
        _copy(code, arguments.data(n_rows * 3 + (i + 2)), results.data(i), n)

    add = _write_add(code.program)
    waiting = [code.cell(code.integer(0)) for _ in range(4)]  # out, indices, values, number

    def then_add(out, indices, values, n):
        """Add the waiting synapses; the given ones wait next."""
        code.call(add, *(cell.get() for cell in waiting), indices, values, n)
        for cell, new in zip(waiting, (out, indices, values, n), strict=True):
            cell.put(new)

    with code.loop(0, n_trials) as b:
        trial_words = words + b * n_words * 4
        with code.loop(0, n_rows) as r:
            first, i, shift = (code.word(table + r * 12 + 4 * k, I32) for k in range(3))
            indptr, indices, values = (arguments.data(r * 3 + (2 + k)) for k in range(3))
            n_pre = arguments.size(r * 3 + 2, 0) - 1
            out = results.data(i) + (b * results.size(i, 1) + shift) * code.size
            with code.loop(first // 32, (first + n_pre + 31) // 32) as w:
                rest = code.cell(code.word(trial_words + w * 4, I32) & 0xFFFFFFFF)
                with code.endless() as leave_if:
                    bits = rest.get()
                    leave_if(bits.equals(0))
                    rest.put(bits & (bits - 1))
                    row = w * 32 + code.lowest_bit(bits) - first
                    with code.when((row >= 0) & (row < n_pre)):
                        begin, end = _row(code, indptr, row)
                        then_add(out, indices + begin * 4, values + begin * code.size, end - begin)
        nothing = code.integer(0)
        then_add(nothing, nothing, nothing, nothing)


def _write_add(program: Program):
    """Write the function that adds synapses and brings the next spike's into the cache."""
    code = Code(program, "add", 7)
    out, indices, values, n, next_indices, next_values, n_next = code.arguments

    def add(j):
        target = code.word(indices + j * 4, I32)
        _add_to(code, out + target * code.size, code.load(values + j * code.size))

    n_whole = n // _LINE * _LINE
    with code.loop(0, n_whole, _LINE) as k:
        with code.when(k < n_next):
            for start, size in ((next_indices, 4), (next_values, code.size)):
                code.prefetch(start + k * size, _LINE * size, aligned=True)
        for j in range(_LINE):
            add(k + j)
    with code.loop(n_whole, n) as k:
        add(k)
    code.return_()
    return code.function


_WRITERS: dict[str, Callable[[Code, Buffers, Buffers], None]] = {
    "add_rows": _add_rows,
    "add_rows_onto": functools.partial(_add_rows, onto=True),
    "add_spikes": _add_spikes,
    "add_synapses": _add_synapses,
    "add_delayed": _add_delayed,
}
