"""Networks as Brian2 has them: see :func:`neurodyn.io.to_brian2` and `neurodyn.io.from_brian2`."""
