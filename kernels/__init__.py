"""Fast recurrences on arrays: jit-compiled loops with lean derivatives."""

from neurodyn.kernels.events.added import Rows, add_spikes
from neurodyn.kernels.events.products import (
    delayed_spike_product,
    pack_spikes,
    sparse_spike_product,
    spike_product,
)
from neurodyn.kernels.once import computed_once
from neurodyn.kernels.random.cipher import written_out
from neurodyn.kernels.random.noise import standard_normal
from neurodyn.kernels.rate.ctrnn import ctrnn_scan
from neurodyn.kernels.rate.forced import forced_scan
from neurodyn.kernels.rate.latent import latent_scan
from neurodyn.kernels.rate.recurrent import recurrent_scan
from neurodyn.kernels.status import Status, status

__all__ = [
    "Rows",
    "Status",
    "add_spikes",
    "computed_once",
    "ctrnn_scan",
    "delayed_spike_product",
    "forced_scan",
    "latent_scan",
    "pack_spikes",
    "recurrent_scan",
    "sparse_spike_product",
    "spike_product",
    "standard_normal",
    "status",
]

written_out()
