"""Numbers of a program that is being written, with the operators of Python."""

from typing import TYPE_CHECKING

from llvmlite import ir

if TYPE_CHECKING:
    from neurodyn.kernels.compiled.llvm.code import Code

__all__ = ["Cell", "Number", "constant", "is_integer"]

_I64 = ir.IntType(64)


class Number:
    """An integer, a float, or a vector of them in the running program."""

    def __init__(self, code: "Code", value):
        self.code, self.value = code, value

    def operand(self, other):
        """What LLVM takes for a number or a plain one, as of this one's kind."""
        return other.value if isinstance(other, Number) else constant(self.value.type, other)

    def _binary(self, name, other, swapped=False):
        left, right = self.value, self.operand(other)
        left, right = (right, left) if swapped else (left, right)
        if is_integer(self.value.type):
            operation = {"div": "sdiv", "rem": "srem"}.get(name, name)
            return Number(self.code, getattr(self.code.builder, operation)(left, right))
        operation = getattr(self.code.builder, "f" + name)
        flags = ("contract",) if self.code.program.fused else ()
        return Number(self.code, operation(left, right, flags=flags))

    def __add__(self, other):
        return self._binary("add", other)

    def __sub__(self, other):
        return self._binary("sub", other)

    def __rsub__(self, other):
        return self._binary("sub", other, swapped=True)

    def __mul__(self, other):
        return self._binary("mul", other)

    def __truediv__(self, other):
        return self._binary("div", other)

    def __rtruediv__(self, other):
        return self._binary("div", other, swapped=True)

    def __floordiv__(self, other):
        return self._binary("div", other)

    def __mod__(self, other):
        return self._binary("rem", other)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return self * -1

    def __and__(self, other):
        return Number(self.code, self.code.builder.and_(self.value, self.operand(other)))

    def __or__(self, other):
        return Number(self.code, self.code.builder.or_(self.value, self.operand(other)))

    def __invert__(self):
        return Number(self.code, self.code.builder.not_(self.value))

    def __xor__(self, other):
        return Number(self.code, self.code.builder.xor(self.value, self.operand(other)))

    def __lshift__(self, other):
        return Number(self.code, self.code.builder.shl(self.value, self.operand(other)))

    def __rshift__(self, other):
        return Number(self.code, self.code.builder.ashr(self.value, self.operand(other)))

    def _compare(self, sign, other):
        builder = self.code.builder
        compare = builder.icmp_signed if is_integer(self.value.type) else builder.fcmp_ordered
        return Number(self.code, compare(sign, self.value, self.operand(other)))

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def equals(self, other):
        """Whether it is the same number; ``==`` stays that of Python."""
        return self._compare("==", other)

    def as_integer(self, kind=_I64) -> "Number":
        """An integer, or 1 for what is true, with as many bits as `kind`."""
        builder = self.code.builder
        narrower = kind.width < self.value.type.width
        return Number(self.code, (builder.trunc if narrower else builder.zext)(self.value, kind))


class Cell:
    """A number that changes."""

    def __init__(self, code: "Code", place):
        self._code, self._place = code, place

    def get(self) -> Number:
        """The number now."""
        return Number(self._code, self._code.builder.load(self._place))

    def put(self, value: Number) -> None:
        """Change it."""
        self._code.builder.store(value.value, self._place)


def is_integer(kind) -> bool:
    """Whether a type of LLVM is that of integers, or of vectors of them."""
    return isinstance(getattr(kind, "element", kind), ir.IntType)


def constant(kind, value):
    """The same number in every lane of a type."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [value] * kind.count)
    return ir.Constant(kind, value)
