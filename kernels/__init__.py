"""Fast recurrences on arrays: jit-compiled loops with lean derivatives."""

from neurodyn.kernels.ctrnn import ctrnn_scan
from neurodyn.kernels.forced import forced_scan
from neurodyn.kernels.latent import latent_scan
from neurodyn.kernels.noise import standard_normal
from neurodyn.kernels.recurrent import recurrent_scan

__all__ = ["ctrnn_scan", "forced_scan", "latent_scan", "recurrent_scan", "standard_normal"]
