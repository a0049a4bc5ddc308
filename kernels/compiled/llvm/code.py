"""Functions under construction: their memory, loops and calls."""

from contextlib import contextmanager

from llvmlite import ir

from neurodyn.kernels.compiled.llvm.number import Number, constant
from neurodyn.kernels.compiled.llvm.program import Program
from neurodyn.kernels.compiled.llvm.values import I1, I8, I32, I64, Values


class Code(Values):
    """A function under construction; `Values` lists its arithmetic.

    Parameters
    ----------
    program : Program
        Program that the function belongs to.
    name : str
        Name of the function.
    n_arguments : int
        Number of its arguments, which are 64-bit integers.
    returns : bool
        Whether it returns an integer, as a function that C calls does.
    """

    def __init__(self, program: Program, name: str, n_arguments: int, returns: bool = False):
        super().__init__(program, program.new_function(name, n_arguments, returns))

    # --- memory; an address is an integer ---

    def load(self, address: Number, kind=None) -> Number:
        """Read a float, or a number of another LLVM type, at an address."""
        pointer = self.builder.inttoptr(address.value, (kind or self.float).as_pointer())
        return self._new(self.builder.load(pointer, align=1 if kind is I8 else None))

    def word(self, address: Number, kind=I64) -> Number:
        """Read an integer at an address and widen it to 64 bits."""
        value = self.load(address, kind).value
        return self._new(value if kind is I64 else self.builder.sext(value, I64))

    def store(self, value: Number, address: Number) -> None:
        """Write one number."""
        pointer = self.builder.inttoptr(address.value, value.value.type.as_pointer())
        self.builder.store(value.value, pointer)

    def vector_at(self, address: Number, some: Number | None = None) -> Number:
        """Read a vector of floats.

        With `some`, only that many lanes are read, because the memory behind them may belong to
        something else; the other lanes are zero.
        """
        pointer = self.builder.inttoptr(address.value, self.vector.as_pointer())
        if some is None:
            return self._new(self.builder.load(pointer, align=self.size))
        zero = self._new(constant(self.vector, 0.0))
        align, mask = self._new(I32(self.size)), self._first(some)
        name = f"llvm.masked.load.{self._name}.p0"
        return self._intrinsic(name, self.vector, self._new(pointer), align, mask, zero)

    def put_vector(self, vector: Number, address: Number, some: Number | None = None) -> None:
        """Write a vector, or its first `some` lanes."""
        kind = vector.value.type
        pointer = self.builder.inttoptr(address.value, kind.as_pointer())
        align = 1 if kind.element == I8 else self.size
        if some is None:
            self.builder.store(vector.value, pointer, align=align)
            return
        given = [vector, self._new(pointer), self._new(I32(align)), self._first(some)]
        name = self._name if kind.element != I8 else f"v{self.lanes}i8"
        self._intrinsic(f"llvm.masked.store.{name}.p0", ir.VoidType(), *given)

    def copy(self, source: Number, target: Number, n_floats: Number) -> None:
        """Copy floats."""

        def body(j, some):
            values = self.vector_at(source + j * self.size, some)
            self.put_vector(values, target + j * self.size, some)

        self.columns(self.integer(0), n_floats, body)

    def prefetch(
        self, address: Number, n_bytes: int, writing: bool = False, aligned: bool = False
    ) -> None:
        """Bring cache lines near before they are needed."""
        for offset in range(0, n_bytes + (0 if aligned else 63), 64):
            pointer = self.builder.inttoptr((address + offset).value, I8.as_pointer())
            given = [self._new(v) for v in (pointer, I32(int(writing)), I32(3), I32(1))]
            self._intrinsic("llvm.prefetch.p0", ir.VoidType(), *given)

    def byte_mask(self, address: Number, some: Number | None = None) -> Number:
        """A mask of the bytes, from an address on, that are not 0; `some` as in `vector_at`."""
        kind = ir.VectorType(I8, self.lanes)
        pointer = self.builder.inttoptr(address.value, kind.as_pointer())
        if some is None:
            value = self.builder.load(pointer, align=1)
        else:
            given = [self._new(pointer), self._new(I32(1)), self._first(some)]
            zero = self._new(constant(kind, 0))
            name = f"llvm.masked.load.v{self.lanes}i8.p0"
            value = self._intrinsic(name, kind, *given, zero).value
        return self._new(self.builder.icmp_unsigned("!=", value, constant(kind, 0)))

    def gather(self, address: Number, stride: Number, last: Number) -> Number:
        """Read floats that lie `stride` bytes apart; the lanes after `last` are zero."""
        vector = constant(self.vector, 0.0)
        for lane in range(self.lanes):
            place = self.least(self.integer(lane), last)
            value = self.load(address + place * stride).value
            vector = self.builder.insert_element(vector, value, I32(lane))
        mask = self._first(last + 1)
        return self.choose(mask, self._new(vector), 0.0)

    def stack(self, n_floats: int) -> Number:
        """Allocate floats on the stack, until the call returns; their address."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(self.float, n_floats)
            place.align = 64
            return self._new(self.builder.ptrtoint(place, I64))

    def clear(self, address: Number, n_bytes: Number) -> None:
        """Write zero bytes."""
        kind = I8.as_pointer()
        pointer = self._new(self.builder.inttoptr(address.value, kind))
        given = [pointer, self._new(I8(0)), n_bytes, self._new(I1(0))]
        self._intrinsic("llvm.memset.p0.i64", ir.VoidType(), *given)

    def add_atomically(self, address: Number, amount: int) -> Number:
        """Add to a word that several threads use; the word before the addition."""
        pointer = self.builder.inttoptr(address.value, I64.as_pointer())
        return self._new(self.builder.atomic_rmw("add", pointer, I64(amount), "seq_cst"))

    def atomic_word(self, address: Number) -> Number:
        """Read a word that other threads write."""
        pointer = self.builder.inttoptr(address.value, I64.as_pointer())
        return self._new(self.builder.load_atomic(pointer, "seq_cst", 8))

    # --- control ---

    @contextmanager
    def loop(self, start, stop, step: int = 1):
        """``for i in range(start, stop, step)``; gives i."""
        builder = self.builder
        start, stop = (n if isinstance(n, Number) else self.integer(n) for n in (start, stop))
        before = builder.block
        head, body, after = (builder.append_basic_block(n) for n in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(I64)
        i.add_incoming(start.value, before)
        builder.cbranch(builder.icmp_signed("<", i, stop.value), body, after)
        builder.position_at_end(body)
        yield self._new(i)
        i.add_incoming(builder.add(i, I64(step)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def fold(self, count: Number, start: list[Number], turn) -> list[Number]:
        """``for _ in range(count): values = turn(values)``; gives the last values."""
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
        """``if condition``."""
        with self.builder.if_then(condition.value):
            yield

    @contextmanager
    def endless(self):
        """``while True``; gives a function that leaves the loop if a condition holds."""
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
        """Call ``body(j, some)`` for each vector of columns from `start` to `stop`.

        Here j is the first column of the vector; `some` is None for a whole vector and the number
        of columns that are left for the last one.
        """
        n_whole = (stop - start) // self.lanes * self.lanes
        with self.loop(start, start + n_whole, self.lanes) as j:
            body(j, None)
        some = stop - start - n_whole
        with self.when(some > 0):
            body(start + n_whole, some)

    def call(self, function, *arguments: Number) -> Number:
        """Call a function of the program, of the C library (by name), or at an address."""
        if isinstance(function, str):
            function = self.program.external(function, len(arguments))
        if isinstance(function, Number):
            kind = ir.FunctionType(I64, [I64] * len(arguments))
            function = self.builder.inttoptr(function.value, kind.as_pointer())
        return self._new(self.builder.call(function, [n.value for n in arguments]))

    def address_of(self, function: ir.Function) -> Number:
        """Address of a function of the program."""
        return self._new(self.builder.ptrtoint(function, I64))

    def return_(self, value: Number | None = None) -> None:
        """Return from the function."""
        if value is None:
            self.builder.ret_void()
        else:
            self.builder.ret(value.value)
