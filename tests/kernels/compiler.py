"""Marks for tests of compiled kernels, which are skipped where these cannot be used."""

import pytest

from neurodyn.kernels import backends


def _obstacle(*, vectors: bool) -> str | None:
    """The reason why compiled kernels, or those for AVX processors, cannot be used, or None."""
    reason = backends.obstacle()
    if reason is None and vectors:
        from neurodyn.kernels.compiled.llvm import processor

        reason = None if processor.registers() else "a processor with AVX2 and FMA, or AVX-512."
    return reason


def _skip(reason: str | None):
    return pytest.mark.skipif(reason is not None, reason=f"It needs {reason}")


needs_compiler = _skip(_obstacle(vectors=False))
needs_vectors = _skip(_obstacle(vectors=True))
#: Parameters for tests of both backends; `RATE_BACKENDS` for the leaky recurrence.
BACKENDS = ["xla", pytest.param("compiled", marks=needs_compiler)]
RATE_BACKENDS = ["xla", pytest.param("compiled", marks=needs_vectors)]
