"""A small language for machine code: Python runs once and leaves LLVM instructions behind.

``with code.loop(0, n) as i: ...`` writes a loop and ``a * b + 1`` its arithmetic. The modules, each
of which imports only those above it:

- `number`: numbers of the program under construction, with Python's operators;
- `processor`: the vector registers and instructions of this processor;
- `program`: functions that are compiled together;
- `values`, `code`: the instructions of one function;
- `product`: matrix products;
- `call`: the memory layout of a call from XLA;
- `team`: functions for XLA that share their work among its threads.

Importing these modules needs llvmlite.
"""
