"""The vector registers and the instructions of this processor."""

import functools
import os
import re
from typing import NamedTuple

from llvmlite import binding


class Registers(NamedTuple):
    """Width of a vector register in bytes, and the tile of a matrix product that fills them."""

    vector_bytes: int
    rows: int
    vectors: int


@functools.cache
def registers() -> Registers | None:
    """Vector registers of this processor, or None unless it has AVX-512, or AVX2 and FMA."""
    found = features()
    if found.get("avx512f") and found.get("avx512dq") and found.get("avx512bw"):
        return Registers(64, 8, 3)  # 24 of 32 registers hold sums
    if found.get("avx2") and found.get("fma"):
        return Registers(32, 4, 3)  # 12 of 16
    return None


# The instructions that XLA, too, leaves out where it is limited to an older instruction set.
_ABOVE = {
    "SSE4_2": ("avx", "f16c", "fma", "vaes", "vpclmulqdq"),
    "AVX": ("avx2", "avx512", "fma", "vaes", "vpclmulqdq"),
    "AVX2": ("avx512",),
}


def features():
    """Instruction sets of this processor, by name, without those above XLA's own limit.

    The limit is ``--xla_cpu_max_isa`` in the environment variable ``XLA_FLAGS``.
    """
    found = binding.get_host_cpu_features()
    level = re.search(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    above = _ABOVE.get(level[1].upper(), ()) if level else ()
    for name in found:
        if name.startswith(above):
            found[name] = False
    return found


def vector_bytes() -> int:
    """Bytes in a vector, on any processor (16 where `registers` knows none)."""
    known = registers()
    return known.vector_bytes if known else 16
