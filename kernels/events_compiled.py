"""The C functions behind `events_numba`; importing this module needs numba."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from neurodyn.kernels import numba_cache

__all__ = ["build"]

# Entries looked at together: silent units are passed over a block at a time.
_BLOCK = 64

# Synapses in a cache line.
_LINE = 16

_FLOATS = {"float32": (types.float32, ir.FloatType()), "float64": (types.float64, ir.DoubleType())}


def compiled(function):
    """Compile a function as it is written, without the run-time checks of types that tests add."""
    return njit(inspect.unwrap(function), error_model="numpy")


def build(name: str, dtype: str, version: tuple[int, int]):
    """Compile one function for one floating point type, as a C callback for XLA."""
    makers: dict[str, Callable[..., Any]] = {
        "add_rows": functools.partial(_add_rows, onto=False),
        "add_rows_onto": functools.partial(_add_rows, onto=True),
        "add_spikes": _add_spikes,
        "add_synapses": _add_synapses,
        "add_delayed": _add_delayed,
    }
    numba_type, llvm_type = _FLOATS[dtype]
    size = {"float32": 4, "float64": 8}[dtype]
    run = makers[name](_pointer(numba_type, llvm_type), size)
    major, minor = version

    def handler(frame):
        # XLA asks for the version of the interface by an extension of the frame, of type 1.
        extension = _words(frame[1])
        if frame[1] != 0 and (extension[1] & 0xFFFFFFFF) == 1:
            stated = _ints(extension[3] + 8 + 16)
            stated[0], stated[1] = major, minor
            return 0
        run(_words(frame[9]), _words(frame[14]))
        return 0

    return numba_cache.callback(inspect.unwrap(handler), (name, dtype, version))


def _pointer(numba_type, llvm_type):
    """A function that turns an address into a typed pointer."""

    def pointer(typing_context, address):
        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], llvm_type.as_pointer())

        return types.CPointer(numba_type)(types.int64), generate

    return intrinsic(inspect.unwrap(pointer))


_words = _pointer(types.int64, ir.IntType(64))
_ints = _pointer(types.int32, ir.IntType(32))


@intrinsic
def _lowest_bit(typing_context, word):
    """Place of the lowest bit that is set; there is one."""

    def generate(context, builder, signature, arguments):
        place = builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(place, ir.IntType(64))

    return types.int64(types.uint32), generate


@intrinsic
def _prefetch(typing_context, address):
    """Have the memory at an address brought in, for reading."""

    def generate(context, builder, signature, arguments):
        number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        where = builder.inttoptr(arguments[0], pointer)
        builder.call(prefetch, [where, *(ir.Constant(number, i) for i in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.int64), generate


# A buffer is (struct_size, extension, dtype, data, rank, dims), in words of 8 bytes.
@compiled
def _data(buffers, i):
    return _words(buffers[i])[3]


@compiled
def _size(buffers, i, axis):
    return _words(_words(buffers[i])[5])[axis]


@compiled
def _next_event(spikes, i, n):
    """The first index from i on whose entry is not zero, or n."""
    while i < n:
        if i % _BLOCK == 0 and i + _BLOCK <= n:
            some = False
            for j in range(i, i + _BLOCK):
                some |= spikes[j] != 0
            if not some:
                i += _BLOCK
                continue
        if spikes[i] != 0:
            return i
        i += 1
    return n


@compiled
def _copy(floats, given, made, n):
    """Numbers of an argument to a result, where XLA has not made them one buffer."""
    if given == made:
        return
    source, target = floats(given), floats(made)
    for j in range(n):
        target[j] = source[j]


def _add_rows(floats, item, onto):
    """(spikes, W[, onto]) -> (out,); `item` is the number of bytes of a number."""

    @compiled
    def run(arguments, results):
        n_trials, n_pre = _size(arguments, 0, 0), _size(arguments, 0, 1)
        n_post = _size(arguments, 1, 1)
        width, first = n_post * item, _data(arguments, 1)
        for b in range(n_trials):
            spikes = floats(_data(arguments, 0) + b * n_pre * item)
            out = floats(_data(results, 0) + b * width)
            if onto:
                _copy(
                    floats, _data(arguments, 2) + b * width, _data(results, 0) + b * width, n_post
                )
            else:
                for j in range(n_post):
                    out[j] = 0
            i = _next_event(spikes, 0, n_pre)
            while i < n_pre:
                i1 = _next_event(spikes, i + 1, n_pre)
                i2 = _next_event(spikes, i1 + 1, n_pre)
                i3 = _next_event(spikes, i2 + 1, n_pre)
                s0, r0 = spikes[i], floats(first + i * width)
                if i3 == n_pre:  # fewer than four are left
                    for j in range(n_post):
                        out[j] += s0 * r0[j]
                    i = i1
                    continue
                # Four rows at once; the additions stay in order.
                s1, s2, s3 = spikes[i1], spikes[i2], spikes[i3]
                r1, r2 = floats(first + i1 * width), floats(first + i2 * width)
                r3 = floats(first + i3 * width)
                for j in range(n_post):
                    out[j] = (((out[j] + s0 * r0[j]) + s1 * r1[j]) + s2 * r2[j]) + s3 * r3[j]
                i = _next_event(spikes, i3 + 1, n_pre)

    return run


def _add_synapses(floats, item):
    """(spikes, indptr, indices, values) -> (out,)."""

    @compiled
    def run(arguments, results):
        n_trials, n_pre = _size(arguments, 0, 0), _size(arguments, 0, 1)
        n_post = _size(results, 0, 2)
        indptr, indices = _ints(_data(arguments, 1)), _ints(_data(arguments, 2))
        values = floats(_data(arguments, 3))
        for b in range(n_trials):
            spikes = floats(_data(arguments, 0) + b * n_pre * item)
            out = floats(_data(results, 0) + b * n_post * item)
            for j in range(n_post):
                out[j] = 0
            i = _next_event(spikes, 0, n_pre)
            while i < n_pre:
                s = spikes[i]
                for k in range(indptr[i], indptr[i + 1]):
                    out[indices[k]] += s * values[k]
                i = _next_event(spikes, i + 1, n_pre)

    return run


def _add_delayed(floats, item):
    """(ring, spikes, indptr, indices, values, head, delays) -> (ring,), slot head - 1 emptied."""

    @compiled
    def run(arguments, results):
        n_trials, n_pre = _size(arguments, 1, 0), _size(arguments, 1, 1)
        n_slots, n_post = _size(arguments, 0, 1), _size(arguments, 0, 2)
        indptr, indices = _ints(_data(arguments, 2)), _ints(_data(arguments, 3))
        values = floats(_data(arguments, 4))
        heads, delays = _ints(_data(arguments, 5)), _ints(_data(arguments, 6))
        n = _size(arguments, 0, 0) * n_slots * n_post
        _copy(floats, _data(arguments, 0), _data(results, 0), n)
        for b in range(n_trials):
            spikes = floats(_data(arguments, 1) + b * n_pre * item)
            ring = floats(_data(results, 0) + b * n_slots * n_post * item)
            head = heads[b] % n_slots
            last = (head + n_slots - 1) % n_slots
            for j in range(n_post):
                ring[last * n_post + j] = 0
            i = _next_event(spikes, 0, n_pre)
            while i < n_pre:
                s = spikes[i]
                for k in range(indptr[i], indptr[i + 1]):
                    slot = head + delays[k]
                    if slot >= n_slots:
                        slot -= n_slots
                    ring[slot * n_post + indices[k]] += s * values[k]
                i = _next_event(spikes, i + 1, n_pre)

    return run


def _add_spikes(floats, item):
    """(words, table, (indptr, indices, values) of each row, *onto) -> onto, added to.

    The table says of each row which neuron is the first, which array of `onto` it adds to, and
    where in it.
    """

    @compiled
    def add(out, indices, values, n, next_indices, next_values, n_next):
        """Add synapses while those of the next spike are brought in."""
        first, second = _ints(indices), floats(values)
        k = 0
        while k + _LINE <= n:
            if k < n_next:
                _prefetch(next_indices + 4 * k)
                _prefetch(next_values + item * k)
                if item == 8:
                    _prefetch(next_values + item * k + 64)
            for j in range(k, k + _LINE):
                out[first[j]] += second[j]
            k += _LINE
        for j in range(k, n):
            out[first[j]] += second[j]

    @compiled
    def run(arguments, results):
        n_trials, n_words = _size(arguments, 0, 0), _size(arguments, 0, 1)
        table, n_rows = _ints(_data(arguments, 1)), _size(arguments, 1, 0)
        onto = 2 + 3 * n_rows
        last = 0
        for r in range(n_rows):
            last = max(last, table[3 * r + 1])
        for i in range(last + 1):
            n = n_trials * _size(results, i, 1)
            _copy(floats, _data(arguments, onto + i), _data(results, i), n)
        for b in range(n_trials):
            words = _ints(_data(arguments, 0) + b * n_words * 4)
            n, out, indices, values = 0, 0, 0, 0  # what waits to be added
            for r in range(n_rows):
                first, i, shift = table[3 * r], table[3 * r + 1], table[3 * r + 2]
                indptr, n_pre = (
                    _ints(_data(arguments, 2 + 3 * r)),
                    _size(arguments, 2 + 3 * r, 0) - 1,
                )
                all_indices, all_values = _data(arguments, 3 + 3 * r), _data(arguments, 4 + 3 * r)
                onto_row = _data(results, i) + (b * _size(results, i, 1) + shift) * item
                for w in range(first >> 5, (first + n_pre + 31) >> 5):
                    word = types.uint32(words[w])
                    while word != 0:
                        row = w * 32 + _lowest_bit(word) - first
                        word &= word - types.uint32(1)
                        if row < 0 or row >= n_pre:
                            continue
                        begin = indptr[row]
                        n_next = indptr[row + 1] - begin
                        next_indices, next_values = (
                            all_indices + begin * 4,
                            all_values + begin * item,
                        )
                        add(floats(out), indices, values, n, next_indices, next_values, n_next)
                        out, n, indices, values = onto_row, n_next, next_indices, next_values
            add(floats(out), indices, values, n, 0, 0, 0)

    return run
