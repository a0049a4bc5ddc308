"""Random numbers: JAX's cipher with its rounds written out, and standard normal numbers."""
