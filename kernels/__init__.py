"""Fast recurrences and products on arrays, with lean derivatives.

Recurrences over time
    `ctrnn_scan` (leaky networks), `latent_scan` (variational networks), `forced_scan` (pulled
    towards given states), `recurrent_scan` (any step).
Spikes
    `spike_product`, `sparse_spike_product`, `delayed_spike_product`, `add_spikes` with `Rows`,
    `pack_spikes`.
Random numbers
    `standard_normal`.
Programs
    `computed_once`; `over_batch`, which shares a batch out over devices; `status` with `Status`,
    which tells what runs as compiled functions.
"""

from neurodyn.kernels.events.added import Rows, add_spikes
from neurodyn.kernels.events.products import (
    delayed_spike_product,
    pack_spikes,
    sparse_spike_product,
    spike_product,
)
from neurodyn.kernels.once import computed_once
from neurodyn.kernels.partition import over_batch
from neurodyn.kernels.random.cipher import unroll_cipher
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
    "over_batch",
    "pack_spikes",
    "recurrent_scan",
    "sparse_spike_product",
    "spike_product",
    "standard_normal",
    "status",
]

unroll_cipher()
