"""Functions of a program that is being written: numbers, memory, loops and vectors."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from llvmlite import ir

from neurodyn.kernels.compiled.llvm.number import Cell, Number, constant, is_integer

if TYPE_CHECKING:
    from neurodyn.kernels.compiled.llvm.functions import Program

__all__ = ["I32", "Code"]

_I1, _I8, I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


class Code:
    """A function being written, for floats of one type and vectors of `lanes` of them."""

    def __init__(self, program: "Program", function):
        self.program, self.function = program, function
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.arguments = [Number(self, argument) for argument in function.args]
        self.float, self.size = program.float, program.size
        self.lanes, self.vector = program.lanes, program.vector
        self.vector_bytes = self.lanes * self.size

    # --- numbers ---

    def integer(self, value: int) -> Number:
        """A constant address or count."""
        return Number(self, _I64(value))

    def splat(self, value) -> Number:
        """The same float in every lane."""
        if not isinstance(value, Number):
            return Number(self, constant(self.vector, value))
        return self.lanes_of(value)

    def lanes_of(self, number: Number) -> Number:
        """The same number in every lane."""
        kind = ir.VectorType(number.value.type, self.lanes)
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(nothing, number.value, I32(0))
        order = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return Number(self, self.builder.shuffle_vector(first, nothing, order))

    def counting(self) -> Number:
        """The number of each lane, in 32 bits."""
        return Number(self, ir.Constant(ir.VectorType(I32, self.lanes), list(range(self.lanes))))

    def one(self) -> Number:
        """The float 1."""
        return Number(self, constant(self.float, 1.0))

    def cell(self, start: Number) -> Cell:
        """A number that changes, with its first value."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(start.value.type)
        self.builder.store(start.value, place)
        return Cell(self, place)

    def choose(self, condition: Number, yes, no) -> Number:
        """`yes` where the condition holds, else `no`; not both may be plain numbers."""
        like = yes if isinstance(yes, Number) else no
        values = (like.operand(yes), like.operand(no))
        return Number(self, self.builder.select(condition.value, *values))

    def least(self, a: Number, b) -> Number:
        """The lesser of two."""
        return self.choose(a < b, a, b)

    def bits(self, number: Number) -> Number:
        """A float's bits as integers, and back."""
        floats, bits = self.vector, ir.VectorType(ir.IntType(8 * self.size), self.lanes)
        kind = floats if is_integer(number.value.type) else bits
        return Number(self, self.builder.bitcast(number.value, kind))

    def as_float(self, number: Number) -> Number:
        """Floats of the same value as some integers."""
        return Number(self, self.builder.sitofp(number.value, self.vector))

    def rotated(self, number: Number, places: int) -> Number:
        """Bits of lanes of 32 moved up, and those that fall off put in below."""
        kind = number.value.type
        name, turn = f"llvm.fshl.v{self.lanes}i32", Number(self, constant(kind, places))
        return self._intrinsic(name, kind, number, number, turn)

    def shifted_right(self, number: Number, places: int) -> Number:
        """Bits moved down, with zeros put in above."""
        return Number(self, self.builder.lshr(number.value, number.operand(places)))

    def root(self, number: Number) -> Number:
        """Square roots."""
        return self._intrinsic(f"llvm.sqrt.{self._name}", self.vector, number)

    def fused(self, a: Number, b: Number, c: Number) -> Number:
        """``a * b + c`` in one rounding."""
        return self._intrinsic(f"llvm.fma.{self._name}", self.vector, a, b, c)

    # --- memory; an address is an integer ---

    def load(self, address: Number, kind=None) -> Number:
        """A float, or a number of another kind, at an address."""
        pointer = self.builder.inttoptr(address.value, (kind or self.float).as_pointer())
        return Number(self, self.builder.load(pointer, align=1 if kind is _I8 else None))

    def word(self, address: Number, kind=_I64) -> Number:
        """An integer at an address, as one of 64 bits."""
        value = self.load(address, kind).value
        return Number(self, value if kind is _I64 else self.builder.sext(value, _I64))

    def store(self, value: Number, address: Number) -> None:
        """Write one number."""
        pointer = self.builder.inttoptr(address.value, value.value.type.as_pointer())
        self.builder.store(value.value, pointer)

    def vector_at(self, address: Number, some: Number | None = None) -> Number:
        """A vector of floats; only the first `some`, and zeros, where not all may be touched."""
        pointer = self.builder.inttoptr(address.value, self.vector.as_pointer())
        if some is None:
            return Number(self, self.builder.load(pointer, align=self.size))
        zero = Number(self, constant(self.vector, 0.0))
        align, mask = Number(self, I32(self.size)), self._first(some)
        name = f"llvm.masked.load.{self._name}.p0"
        return self._intrinsic(name, self.vector, Number(self, pointer), align, mask, zero)

    def put_vector(self, vector: Number, address: Number, some: Number | None = None) -> None:
        """Write a vector, or its first `some` lanes."""
        kind = vector.value.type
        pointer = self.builder.inttoptr(address.value, kind.as_pointer())
        align = 1 if kind.element == _I8 else self.size
        if some is None:
            self.builder.store(vector.value, pointer, align=align)
            return
        given = [vector, Number(self, pointer), Number(self, I32(align)), self._first(some)]
        name = self._name if kind.element != _I8 else f"v{self.lanes}i8"
        self._intrinsic(f"llvm.masked.store.{name}.p0", ir.VoidType(), *given)

    def prefetch(
        self, address: Number, n_bytes: int, writing: bool = False, aligned: bool = False
    ) -> None:
        """Have lines of memory brought near before they are needed."""
        for offset in range(0, n_bytes + (0 if aligned else 63), 64):
            pointer = self.builder.inttoptr((address + offset).value, _I8.as_pointer())
            given = [Number(self, v) for v in (pointer, I32(int(writing)), I32(3), I32(1))]
            self._intrinsic("llvm.prefetch.p0", ir.VoidType(), *given)

    def as_bytes(self, mask: Number) -> Number:
        """1 where a mask is set."""
        kind = ir.VectorType(_I8, self.lanes)
        return Number(self, self.builder.zext(mask.value, kind))

    def byte_mask(self, address: Number, some: Number | None = None) -> Number:
        """Which of the bytes from an address on are not 0."""
        kind = ir.VectorType(_I8, self.lanes)
        pointer = self.builder.inttoptr(address.value, kind.as_pointer())
        if some is None:
            value = self.builder.load(pointer, align=1)
        else:
            given = [Number(self, pointer), Number(self, I32(1)), self._first(some)]
            zero = Number(self, constant(kind, 0))
            name = f"llvm.masked.load.v{self.lanes}i8.p0"
            value = self._intrinsic(name, kind, *given, zero).value
        return Number(self, self.builder.icmp_unsigned("!=", value, constant(kind, 0)))

    def lanes_that_are_not_zero(self, vector: Number) -> Number:
        """Bits of an integer, the lowest for the first lane."""
        zero = constant(self.vector, 0.0)
        return self.bits_of(Number(self, self.builder.fcmp_unordered("!=", vector.value, zero)))

    def bits_of(self, mask: Number) -> Number:
        """Bits of an integer, the lowest for the first lane."""
        bits = self.builder.bitcast(mask.value, ir.IntType(self.lanes))
        return Number(self, self.builder.zext(bits, _I64))

    def lowest_bit(self, number: Number) -> Number:
        """Place of the lowest bit of an integer that is set; there is one."""
        return Number(self, self.builder.cttz(number.value, _I1(1)))

    def gather(self, address: Number, stride: Number, last: Number) -> Number:
        """A vector of floats `stride` bytes apart; from the one after `last` on, zeros."""
        vector = constant(self.vector, 0.0)
        for lane in range(self.lanes):
            place = self.least(self.integer(lane), last)
            value = self.load(address + place * stride).value
            vector = self.builder.insert_element(vector, value, I32(lane))
        mask = self._first(last + 1)
        return self.choose(mask, Number(self, vector), 0.0)

    def stack(self, n_floats: int) -> Number:
        """Address of memory that lasts as long as the call."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(self.float, n_floats)
            place.align = 64
            return Number(self, self.builder.ptrtoint(place, _I64))

    def clear(self, address: Number, n_bytes: Number) -> None:
        """Write zeros."""
        kind = _I8.as_pointer()
        pointer = Number(self, self.builder.inttoptr(address.value, kind))
        given = [pointer, Number(self, _I8(0)), n_bytes, Number(self, _I1(0))]
        self._intrinsic("llvm.memset.p0.i64", ir.VoidType(), *given)

    def add_atomically(self, address: Number, amount: int) -> Number:
        """Add to a word that other threads see; the word before."""
        pointer = self.builder.inttoptr(address.value, _I64.as_pointer())
        return Number(self, self.builder.atomic_rmw("add", pointer, _I64(amount), "seq_cst"))

    def atomic_word(self, address: Number) -> Number:
        """A word that other threads write."""
        pointer = self.builder.inttoptr(address.value, _I64.as_pointer())
        return Number(self, self.builder.load_atomic(pointer, "seq_cst", 8))

    # --- control ---

    @contextmanager
    def loop(self, start, stop, step: int = 1):
        """``for i in range(start, stop, step)``, with i to use inside."""
        builder = self.builder
        start, stop = (n if isinstance(n, Number) else self.integer(n) for n in (start, stop))
        before = builder.block
        head, body, after = (builder.append_basic_block(n) for n in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(_I64)
        i.add_incoming(start.value, before)
        builder.cbranch(builder.icmp_signed("<", i, stop.value), body, after)
        builder.position_at_end(body)
        yield Number(self, i)
        i.add_incoming(builder.add(i, _I64(step)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def fold(self, count: Number, start: list[Number], turn) -> list[Number]:
        """``for _ in range(count): values = turn(values)``; the last values."""
        builder = self.builder
        before = builder.block
        head, body, after = (builder.append_basic_block(n) for n in ("head", "turn", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        start = [self.integer(0), *start]
        values = [builder.phi(number.value.type) for number in start]
        builder.cbranch(builder.icmp_signed("<", values[0], count.value), body, after)
        builder.position_at_end(body)
        done, *folded = self._all(values)
        for phi, first, later in zip(values, start, [done + 1, *turn(folded)], strict=True):
            phi.add_incoming(first.value, before)
            phi.add_incoming(later.value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return folded

    @contextmanager
    def when(self, condition: Number):
        """What follows only where the condition holds."""
        with self.builder.if_then(condition.value):
            yield

    @contextmanager
    def endless(self):
        """``while True``; gives a function that leaves the loop where a condition holds."""
        builder = self.builder
        body, after = (builder.append_basic_block(name) for name in ("again", "left"))
        builder.branch(body)
        builder.position_at_end(body)

        def leave_if(condition: Number) -> None:
            further = builder.append_basic_block("further")
            builder.cbranch(condition.value, after, further)
            builder.position_at_end(further)

        yield leave_if
        builder.branch(body)
        builder.position_at_end(after)

    def columns(self, start: Number, stop: Number, body) -> None:
        """``body(j, some)`` for j from start in steps of a vector, the last with only `some`."""
        n_whole = (stop - start) / self.lanes * self.lanes
        with self.loop(start, start + n_whole, self.lanes) as j:
            body(j, None)
        some = stop - start - n_whole
        with self.when(some > 0):
            body(start + n_whole, some)

    def call(self, function, *arguments: Number) -> Number:
        """Call a function of the program, of the C library, or at an address."""
        if isinstance(function, str):
            function = self.program.external(function, len(arguments))
        if isinstance(function, Number):
            kind = ir.FunctionType(_I64, [_I64] * len(arguments))
            function = self.builder.inttoptr(function.value, kind.as_pointer())
        return Number(self, self.builder.call(function, [n.value for n in arguments]))

    def give(self, value: Number | None = None) -> None:
        """Return."""
        if value is None:
            self.builder.ret_void()
        else:
            self.builder.ret(value.value)

    # --- inside ---

    @property
    def _name(self) -> str:
        return f"v{self.lanes}f{8 * self.size}"

    def _all(self, values) -> list[Number]:
        return [Number(self, value) for value in values]

    def _first(self, some: Number) -> Number:
        lane = ir.Constant(ir.VectorType(_I64, self.lanes), list(range(self.lanes)))
        return Number(self, lane) < self.lanes_of(some)

    def _intrinsic(self, name: str, kind, *arguments: Number) -> Number:
        values = [n.value for n in arguments]
        function = self.program.declared(name, kind, [v.type for v in values])
        return Number(self, self.builder.call(function, values))
