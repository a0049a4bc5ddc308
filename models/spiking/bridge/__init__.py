"""Networks as Brian2 writes them: see :func:`neurodyn.io.to_brian2`."""
