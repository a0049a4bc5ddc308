"""Rate networks: continuous-time, leaky discrete, and gated baselines."""

from neurodyn.models.rate.ctrnn import CTRNN
from neurodyn.models.rate.echo_state import EchoState
from neurodyn.models.rate.gru import GRU
from neurodyn.models.rate.leaky import LeakyRNN
from neurodyn.models.rate.lstm import LSTM

__all__ = ["CTRNN", "GRU", "LSTM", "EchoState", "LeakyRNN"]
