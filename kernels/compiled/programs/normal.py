"""Standard normal numbers as machine code; `neurodyn.kernels.compiled.normal` calls it."""

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.processor import vector_bytes
from neurodyn.kernels.compiled.llvm.program import Program
from neurodyn.kernels.compiled.llvm.team import Arrays, write_handler
from neurodyn.kernels.compiled.llvm.values import I32
from neurodyn.kernels.random import numbers

# Blocks of the cipher that one thread takes at a time; they take some twenty microseconds.
_CHUNK = 8192


def build():
    """Compile the function (words of keys, numbers wanted of each) -> (numbers for each key,)."""
    # Vectors of two registers: while one register waits for a result, the other is worked on.
    program = Program("float32", 2 * vector_bytes())
    write_handler(program, "normal", (2, 1), _counts, [_draw])
    return program.compiled("normal")


def _chunks(arrays: Arrays) -> tuple[Number, Number]:
    """How many numbers each key gives, and the number of chunks that they are cut into."""
    size = arrays.result_size(0, 1)
    return size, (size // 2 + (_CHUNK - 1)) // _CHUNK + (size // 2).equals(0).as_integer()


def _counts(code: Code, arrays: Arrays) -> tuple[list[Number], Number]:
    n_items = arrays.result_size(0, 0) * _chunks(arrays)[1]
    total = arrays.result_size(0, 0) * arrays.result_size(0, 1)
    return [n_items], code.least(n_items, total // _CHUNK)


def _draw(code: Code, arrays: Arrays, item: Number) -> None:
    """One chunk of the numbers for one key.

    A block of the cipher turns the positions j and ``n_first + j`` into two words; the numbers made
    from these words go to the same two positions. Positions whose numbers are not wanted are zero.
    """
    size, n_chunks = _chunks(arrays)
    key, chunk = item // n_chunks, item % n_chunks
    words, out = arrays.argument(0) + key * 8, arrays.result(0) + key * size * 4
    first, second = (code.lanes_of(code.load(words + 4 * k, I32)) for k in range(2))
    keys = (first, second, first ^ second ^ numbers.PARITY)
    n_second = size // 2
    n_first = size - n_second

    wanted = code.word(arrays.argument(1) + key * 4, I32)

    def blocks(j, some, both=True):
        x = code.lanes_of(j.as_integer(I32)) + code.counting()
        x, y = _cipher(code, x, x + code.lanes_of(n_first.as_integer(I32)), keys)
        code.put_vector(_normal(code, x), out + j * 4, some)
        if both:
            code.put_vector(_normal(code, y), out + (n_first + j) * 4, some)

    start = chunk * _CHUNK
    stop = code.least(start + _CHUNK, n_second)
    # Up to `pairs` both numbers of a block are wanted, up to `singles` the first.
    pairs, singles = (
        code.choose(end > start, code.least(end, stop), start) for end in (wanted - n_first, wanted)
    )
    code.columns(start, pairs, blocks)
    code.columns(pairs, singles, lambda j, some: blocks(j, some, both=False))
    code.clear(out + singles * 4, (stop - singles) * 4)
    code.clear(out + (n_first + pairs) * 4, (stop - pairs) * 4)
    # With an odd number of words, one has no partner.
    with code.when((n_first > n_second) & (chunk.equals(n_chunks - 1))):
        x = code.lanes_of(n_second.as_integer(I32))
        x, _ = _cipher(code, x, x & 0, keys)
        code.put_vector(_normal(code, x), out + n_second * 4, code.integer(1))
        with code.when(wanted <= n_second):
            code.clear(out + n_second * 4, code.integer(4))


def _cipher(code: Code, x: Number, y: Number, keys) -> tuple[Number, Number]:
    """Twenty rounds of Threefry-2x32."""
    x, y = x + keys[0], y + keys[1]
    for i in range(5):
        for turn in numbers.ROTATIONS[i % 2]:
            x = x + y
            y = x ^ code.rotated(y, turn)
        x, y = x + keys[(i + 1) % 3], y + (keys[(i + 2) % 3] + (i + 1))
    return x, y


def _normal(code: Code, word: Number) -> Number:
    """The operations of `neurodyn.kernels.random.noise.normal_of`, in the same order."""
    fraction = code.shifted_right(word, 9) | 0x3F800000
    u = (code.bits(fraction) - 1.5) * 2.0 + 2.0**-23
    bits = code.bits((1.0 - u) * (u + 1.0))
    exponent = (bits - numbers.SQRT_HALF) >> 23
    m = code.bits(bits - (exponent << 23)) - 1.0
    w = -(_polynomial(code, numbers.LOG2, m) * m + code.as_float(exponent))
    found = code.cell(_polynomial(code, numbers.CENTRE, w - numbers.CENTRE_AT))
    far = ~(w < numbers.SWITCH)
    with code.when(~code.bits_of(far).equals(0)):  # about one lane in 300
        tail = _polynomial(code, numbers.TAIL, code.root(w) - numbers.TAIL_AT)
        found.put(code.choose(far, tail, found.get()))
    return found.get() * u


def _polynomial(code: Code, coefficients, x: Number) -> Number:
    value = code.splat(coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
