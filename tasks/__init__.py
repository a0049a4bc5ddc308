"""Cognitive tasks: a task draws trials and scores outputs, and does not depend on a model."""

from neurodyn.tasks.bridges.gym_task import to_gym
from neurodyn.tasks.bridges.gym_trials import from_gym
from neurodyn.tasks.bridges.stored import StoredTrials
from neurodyn.tasks.choice.center_out import CenterOut
from neurodyn.tasks.choice.context_decision import ContextDecision
from neurodyn.tasks.choice.contrast_decision import ContrastDecision
from neurodyn.tasks.choice.delay_match import DelayMatchToSample
from neurodyn.tasks.choice.delayed_comparison import DelayedComparison
from neurodyn.tasks.choice.go_nogo import GoNoGo
from neurodyn.tasks.choice.interval_discrimination import IntervalDiscrimination
from neurodyn.tasks.choice.multisensory import MultisensoryIntegration
from neurodyn.tasks.choice.perceptual_decision import PerceptualDecision
from neurodyn.tasks.choice.poisson_clicks import PoissonClicks
from neurodyn.tasks.choice.probabilistic_reasoning import ProbabilisticReasoning
from neurodyn.tasks.integration.angle import AngleIntegration
from neurodyn.tasks.integration.path import PathIntegration
from neurodyn.tasks.memory.dual_delay_match import DualDelayedMatch
from neurodyn.tasks.memory.flip_flop import FlipFlop
from neurodyn.tasks.memory.logic import XOR, HalfAdder
from neurodyn.tasks.memory.match_to_category import DelayedMatchToCategory
from neurodyn.tasks.memory.match_with_distractors import MatchWithDistractors
from neurodyn.tasks.memory.n_back import NBack
from neurodyn.tasks.memory.n_dms import NDMS
from neurodyn.tasks.memory.n_parity import NParity
from neurodyn.tasks.memory.paired_association import DelayedPairedAssociation
from neurodyn.tasks.memory.recall import AssociativeRecall, SerialRecall
from neurodyn.tasks.memory.sequence_memory import SequenceMemory
from neurodyn.tasks.memory.state_tracking import StateTracking
from neurodyn.tasks.memory.sternberg import Sternberg
from neurodyn.tasks.mixtures.mixture import Mixture
from neurodyn.tasks.mixtures.session import Session
from neurodyn.tasks.multitask.yang2019 import Yang2019
from neurodyn.tasks.parts.epoch_task import EpochTask
from neurodyn.tasks.recordings.attractor import Attractor
from neurodyn.tasks.recordings.windows import Windows
from neurodyn.tasks.sequences.hidden_markov import HiddenMarkov
from neurodyn.tasks.sequences.home_reach import HomeReach
from neurodyn.tasks.sequences.lissajous import Lissajous
from neurodyn.tasks.sequences.prediction_object import PredictionObject
from neurodyn.tasks.sequences.sequences import Sequences
from neurodyn.tasks.sequences.state_machine import StateMachine
from neurodyn.tasks.timing.cue_set_go import CueSetGo
from neurodyn.tasks.timing.lorenz import Lorenz
from neurodyn.tasks.timing.measure_wait_go import MeasureWaitGo
from neurodyn.tasks.timing.ode_to_joy import OdeToJoy
from neurodyn.tasks.timing.one_two_three_go import OneTwoThreeGo
from neurodyn.tasks.timing.ready_set_go import ReadySetGo
from neurodyn.tasks.timing.sines import Sines

__all__ = [
    # Choices and reaches after a go cue
    "CenterOut",
    "ContextDecision",
    "ContrastDecision",
    "DelayMatchToSample",
    "DelayedComparison",
    "GoNoGo",
    "IntervalDiscrimination",
    "MultisensoryIntegration",
    "PerceptualDecision",
    "PoissonClicks",
    "ProbabilisticReasoning",
    # Many rules, many tasks, many trials
    "Mixture",
    "Session",
    "Yang2019",
    # Of your own
    "EpochTask",
    # Integration of velocity
    "AngleIntegration",
    "PathIntegration",
    # Memory
    "XOR",
    "AssociativeRecall",
    "DelayedMatchToCategory",
    "DelayedPairedAssociation",
    "DualDelayedMatch",
    "FlipFlop",
    "HalfAdder",
    "MatchWithDistractors",
    "NBack",
    "NDMS",
    "NParity",
    "SequenceMemory",
    "SerialRecall",
    "StateTracking",
    "Sternberg",
    # Timing and patterns in time
    "CueSetGo",
    "Lorenz",
    "MeasureWaitGo",
    "OdeToJoy",
    "OneTwoThreeGo",
    "ReadySetGo",
    "Sines",
    # Sequences to generate
    "HiddenMarkov",
    "HomeReach",
    "Lissajous",
    "PredictionObject",
    "Sequences",
    "StateMachine",
    # Recordings and trajectories of known systems
    "Attractor",
    "Windows",
    # Environments of neurogym and gymnasium
    "StoredTrials",
    "from_gym",
    "to_gym",
]
