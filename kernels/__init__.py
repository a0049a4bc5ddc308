"""Fast recurrences on arrays: jit-compiled loops with lean derivatives."""

from neurodyn.kernels.ctrnn import ctrnn_scan
from neurodyn.kernels.latent import latent_scan
from neurodyn.kernels.recurrent import recurrent_scan

__all__ = ["ctrnn_scan", "latent_scan", "recurrent_scan"]
