"""Fast recurrences on arrays: jit-compiled loops with lean derivatives."""

from neurodyn.kernels.cipher import written_out
from neurodyn.kernels.ctrnn import ctrnn_scan
from neurodyn.kernels.events import (
    delayed_spike_product,
    pack_spikes,
    sparse_spike_product,
    spike_product,
)
from neurodyn.kernels.events_added import Rows, add_spikes
from neurodyn.kernels.forced import forced_scan
from neurodyn.kernels.latent import latent_scan
from neurodyn.kernels.noise import standard_normal
from neurodyn.kernels.once import computed_once
from neurodyn.kernels.recurrent import recurrent_scan
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
