"""Kernels as machine code, by LLVM; optional. README.md in this folder says more.

Only `neurodyn.kernels.backends` imports from here: `ctrnn`, `events` and `normal` hold the compiled
functions, `programs` their machine code, `llvm` the language that this is written in, and `ffi` is
how XLA comes to call it.
"""
