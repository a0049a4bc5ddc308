"""Networks as Brian2 writes them, and back: see :func:`neurodyn.io.to_brian2`."""
