"""Functions that are compiled together by LLVM."""

import ctypes

from llvmlite import binding, ir

from neurodyn.kernels.compiled.llvm import processor

_I64 = ir.IntType(64)
_FLOATS = {"float32": (ir.FloatType(), 4), "float64": (ir.DoubleType(), 8)}


class Program:
    """Functions that are compiled together.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Type of the floats.
    vector_bytes : int
        Bytes in a vector.
    fused : bool
        Whether a product and the sum that follows may share one rounding.
    """

    def __init__(self, dtype: str, vector_bytes: int, fused: bool = True):
        self.float, self.size = _FLOATS[dtype]
        self.lanes = vector_bytes // self.size
        self.flags = ("contract",) if fused else ()
        self.vector = ir.VectorType(self.float, self.lanes)
        self.module = ir.Module("neurodyn")

    def new_function(self, name: str, n_arguments: int, returns: bool = False) -> ir.Function:
        """Add a function of 64-bit integers; one that returns an integer can be called from C."""
        kind = ir.FunctionType(_I64 if returns else ir.VoidType(), [_I64] * n_arguments)
        function = ir.Function(self.module, kind, name)
        if not returns:  # one copy, however many places call it
            function.linkage = "internal"
            function.attributes.add("noinline")
        return function

    def external(self, name: str, n_arguments: int):
        """A function of the C library, of 64-bit integers."""
        return self.declared(name, _I64, [_I64] * n_arguments)

    def declared(self, name: str, kind, arguments):
        """A function that is defined elsewhere."""
        if name not in self.module.globals:
            ir.Function(self.module, ir.FunctionType(kind, arguments), name)
        return self.module.globals[name]

    def compiled(self, name: str) -> "Compiled":
        """Compile the program; `name` is the function that C calls, with one pointer."""
        return Compiled(str(self.module), name)


class Compiled:
    """A function for ctypes, together with the memory that its machine code lives in."""

    def __init__(self, text: str, name: str):
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        module = binding.parse_assembly(text)
        target = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(),
            features=processor.features().flatten(),
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
