"""Machine code written from Python, compiled by LLVM.

Python runs once and leaves code behind: ``with code.loop(0, n) as i: ...`` writes a loop, and
``a * b + 1`` its arithmetic. Importing this module needs llvmlite.
"""

import ctypes
import functools
import os
import re
from typing import NamedTuple

from llvmlite import binding, ir

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number

__all__ = ["Machine", "Program", "machine", "vector_bytes"]

_I64 = ir.IntType(64)
_FLOATS = {"float32": (ir.FloatType(), 4), "float64": (ir.DoubleType(), 8)}


class Machine(NamedTuple):
    """Width of a vector register in bytes, and the tile of a product that fills the registers."""

    vector_bytes: int
    rows: int
    vectors: int


@functools.cache
def machine() -> Machine | None:
    """What this processor has, or None where its vector registers are not among those known."""
    features = _features()
    if features.get("avx512f") and features.get("avx512dq") and features.get("avx512bw"):
        return Machine(64, 8, 3)  # 24 of 32 registers hold sums
    if features.get("avx2") and features.get("fma"):
        return Machine(32, 4, 3)  # 12 of 16
    return None


# The instructions that XLA leaves out as well if it is held to a level of older processors.
_ABOVE = {
    "SSE4_2": ("avx", "f16c", "fma", "vaes", "vpclmulqdq"),
    "AVX": ("avx2", "avx512", "fma", "vaes", "vpclmulqdq"),
    "AVX2": ("avx512",),
}


def _features():
    """Instructions that may be used: those there are, up to the level that XLA is held to."""
    features = binding.get_host_cpu_features()
    level = re.search(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    above = _ABOVE.get(level[1].upper(), ()) if level else ()
    for name in features:
        if name.startswith(above):
            features[name] = False
    return features


def vector_bytes() -> int:
    """Bytes in a vector, on processors of any kind."""
    known = machine()
    return known.vector_bytes if known else 16


class Program:
    """Functions that are compiled together.

    With `fused`, a product may go into the sum that follows with one rounding for both.
    """

    def __init__(self, dtype: str, vector_bytes: int, fused: bool = True):
        self.float, self.size = _FLOATS[dtype]
        self.lanes, self.fused = vector_bytes // self.size, fused
        self.vector = ir.VectorType(self.float, self.lanes)
        self.module = ir.Module("neurodyn")

    def function(self, name: str, n_arguments: int, gives: bool = False) -> Code:
        """Begin a function of integers; the one that gives an integer is to be called from C."""
        kind = ir.FunctionType(_I64 if gives else ir.VoidType(), [_I64] * n_arguments)
        function = ir.Function(self.module, kind, name)
        if not gives:  # one copy, however many places call it
            function.linkage = "internal"
            function.attributes.add("noinline")
        return Code(self, function)

    def address(self, code: Code, function) -> Number:
        """Where a function of the program begins."""
        return Number(code, code.builder.ptrtoint(function, _I64))

    def external(self, name: str, n_arguments: int):
        """A function of the C library on words."""
        return self.declared(name, _I64, [_I64] * n_arguments)

    def declared(self, name: str, kind, arguments):
        """A function that is defined elsewhere."""
        if name not in self.module.globals:
            ir.Function(self.module, ir.FunctionType(kind, arguments), name)
        return self.module.globals[name]

    def compiled(self, name: str) -> "Compiled":
        """Machine code; `name` is the function to be called from C, with one pointer."""
        return Compiled(str(self.module), name)


class Compiled:
    """A function for ctypes, and the memory that it lives in."""

    def __init__(self, text: str, name: str):
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        module = binding.parse_assembly(text)
        target = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(),
            features=_features().flatten(),
            opt=3,
            codemodel="jitdefault",
            jit=True,
        )
        options = binding.create_pipeline_tuning_options(speed_level=2)
        passes = binding.create_pass_builder(target, options)
        passes.getModulePassManager().run(module, passes)
        self._engine = binding.create_mcjit_compiler(module, target)
        self._engine.finalize_object()
        address = self._engine.get_function_address(name)
        self.ctypes = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)
