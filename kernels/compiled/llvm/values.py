"""Values of a function under construction: constants, vectors, bits and choices."""

from llvmlite import ir

from neurodyn.kernels.compiled.llvm.number import Builder, Cell, Number, constant, is_integer
from neurodyn.kernels.compiled.llvm.program import Program

I1, I8, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


class Values:
    """Values of a function, for floats of one type and vectors of `lanes` of these."""

    def __init__(self, program: Program, function: ir.Function):
        self.program, self.function = program, function
        self.builder = Builder(function.append_basic_block("entry"))
        self.builder.flags = program.flags
        self.arguments = self._all(function.args)
        self.float, self.size = program.float, program.size
        self.lanes, self.vector = program.lanes, program.vector
        self.vector_bytes = self.lanes * self.size

    # --- constants and variables ---

    def integer(self, value: int) -> Number:
        """A constant address or count."""
        return self._new(I64(value))

    def one(self) -> Number:
        """The float 1."""
        return self._new(constant(self.float, 1.0))

    def splat(self, value) -> Number:
        """The same float in every lane."""
        if not isinstance(value, Number):
            return self._new(constant(self.vector, value))
        return self.lanes_of(value)

    def lanes_of(self, number: Number) -> Number:
        """The same number in every lane."""
        kind = ir.VectorType(number.value.type, self.lanes)
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(nothing, number.value, I32(0))
        order = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return self._new(self.builder.shuffle_vector(first, nothing, order))

    def counting(self) -> Number:
        """The index of each lane, in 32 bits."""
        return self._new(ir.Constant(ir.VectorType(I32, self.lanes), list(range(self.lanes))))

    def cell(self, start: Number) -> Cell:
        """A variable with its first value."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(start.value.type)
        self.builder.store(start.value, place)
        return Cell(self.builder, place)

    # --- choices ---

    def choose(self, condition: Number, yes, no) -> Number:
        """`yes` where the condition holds, else `no`; one of the two may be a Python number."""
        like = yes if isinstance(yes, Number) else no
        values = (like.operand(yes), like.operand(no))
        return self._new(self.builder.select(condition.value, *values))

    def least(self, a: Number, b) -> Number:
        """The smaller of two numbers."""
        return self.choose(a < b, a, b)

    def nonzero_mask(self, vector: Number) -> Number:
        """An integer whose bit k is set where lane k of a vector of floats is not 0."""
        zero = constant(self.vector, 0.0)
        return self.bits_of(self._new(self.builder.fcmp_unordered("!=", vector.value, zero)))

    # --- bits ---

    def bits(self, number: Number) -> Number:
        """The bits of floats as integers, or of integers as floats."""
        floats, bits = self.vector, ir.VectorType(ir.IntType(8 * self.size), self.lanes)
        kind = floats if is_integer(number.value.type) else bits
        return self._new(self.builder.bitcast(number.value, kind))

    def bits_of(self, mask: Number) -> Number:
        """A mask as an integer, whose lowest bit belongs to the first lane."""
        bits = self.builder.bitcast(mask.value, ir.IntType(self.lanes))
        return self._new(self.builder.zext(bits, I64))

    def as_bytes(self, mask: Number) -> Number:
        """A mask as bytes of 0 and 1."""
        return self._new(self.builder.zext(mask.value, ir.VectorType(I8, self.lanes)))

    def as_float(self, number: Number) -> Number:
        """Integers converted to floats."""
        return self._new(self.builder.sitofp(number.value, self.vector))

    def lowest_bit(self, number: Number) -> Number:
        """Index of the lowest bit that is set in an integer other than 0."""
        return self._new(self.builder.cttz(number.value, I1(1)))

    def rotated(self, number: Number, places: int) -> Number:
        """The bits of 32-bit lanes, rotated upwards."""
        kind = number.value.type
        name, turn = f"llvm.fshl.v{self.lanes}i32", self._new(constant(kind, places))
        return self._intrinsic(name, kind, number, number, turn)

    def shifted_right(self, number: Number, places: int) -> Number:
        """The bits shifted downwards, with zeros above (``>>`` keeps the sign instead)."""
        return self._new(self.builder.lshr(number.value, number.operand(places)))

    # --- mathematics ---

    def root(self, number: Number) -> Number:
        """Square roots."""
        return self._intrinsic(f"llvm.sqrt.{self._name}", self.vector, number)

    def fused(self, a: Number, b: Number, c: Number) -> Number:
        """``a * b + c`` with one rounding."""
        return self._intrinsic(f"llvm.fma.{self._name}", self.vector, a, b, c)

    # --- inside ---

    @property
    def _name(self) -> str:
        return f"v{self.lanes}f{8 * self.size}"

    def _new(self, value) -> Number:
        return Number(self.builder, value)

    def _all(self, values) -> list[Number]:
        return [self._new(value) for value in values]

    def _first(self, some: Number) -> Number:
        """A mask of the first `some` lanes."""
        lane = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        return self._new(lane) < self.lanes_of(some)

    def _intrinsic(self, name: str, kind, *arguments: Number) -> Number:
        values = [n.value for n in arguments]
        function = self.program.declared(name, kind, [v.type for v in values])
        return self._new(self.builder.call(function, values))
