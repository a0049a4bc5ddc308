"""Cognitive tasks: they draw trials and score outputs, and never know a model."""

from neurodyn.tasks.attractor import Attractor
from neurodyn.tasks.center_out import CenterOut
from neurodyn.tasks.context_decision import ContextDecision
from neurodyn.tasks.delay_match import DelayMatchToSample
from neurodyn.tasks.flip_flop import FlipFlop
from neurodyn.tasks.home_reach import HomeReach
from neurodyn.tasks.lissajous import Lissajous
from neurodyn.tasks.lorenz import Lorenz
from neurodyn.tasks.n_dms import NDMS
from neurodyn.tasks.n_parity import NParity
from neurodyn.tasks.ode_to_joy import OdeToJoy
from neurodyn.tasks.perceptual_decision import PerceptualDecision
from neurodyn.tasks.prediction_object import PredictionObject
from neurodyn.tasks.ready_set_go import ReadySetGo
from neurodyn.tasks.sequences import Sequences
from neurodyn.tasks.sines import Sines
from neurodyn.tasks.state_machine import StateMachine
from neurodyn.tasks.windows import Windows

__all__ = [
    "NDMS",
    "Attractor",
    "CenterOut",
    "ContextDecision",
    "DelayMatchToSample",
    "FlipFlop",
    "HomeReach",
    "Lissajous",
    "Lorenz",
    "NParity",
    "OdeToJoy",
    "PerceptualDecision",
    "PredictionObject",
    "ReadySetGo",
    "Sequences",
    "Sines",
    "StateMachine",
    "Windows",
]
