"""Models, tasks and measures by name, and the names of classes in files."""

import importlib
import inspect
import subprocess
import sys
from typing import NamedTuple

import equinox as eqx
import pytest

import neurodyn as nd
from neurodyn.common import registry
from neurodyn.models import CTRNN
from neurodyn.models.spiking import plasticity
from neurodyn.params import Bounded
from neurodyn.tasks import NParity
from neurodyn.training import Ensemble


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("model", {"CTRNN", "GRU", "LSTM"}),
        ("spiking", {"LIF", "AdEx", "Izhikevich2007", "Network", "izhikevich2003_network"}),
        ("synapse", {"NMDA", "Alpha", "TsodyksMarkram"}),
        ("rule", {"PairSTDP", "RLS"}),
        ("function", {"pca", "lyapunov", "fixed_points"}),
        ("task", {"NParity", "PerceptualDecision", "CenterOut"}),
        ("measure", {"cka", "procrustes", "ridge_r"}),
        ("dataset", {"mante2013", "decision_example"}),
        ("experiment", {"perceptual_decision", "context_decision"}),
    ],
)
def test_everything_is_listed(kind, names):
    listed = registry.entries(kind)
    assert names <= {entry.name for entry in listed}
    assert [entry.name for entry in listed] == sorted(entry.name for entry in listed)
    for entry in listed:
        assert entry.kind == kind
        assert 5 < len(entry.title) < 120, entry
        assert "\n" not in entry.title
    assert registry.find(listed[0].name, kind) == listed[0]


def test_all_kinds_together():
    assert {entry.kind for entry in registry.entries()} == set(registry.KINDS)


def public(package, above):
    """Concrete subclasses among the public names of a package."""
    module = importlib.import_module(package)
    members = (getattr(module, name) for name in module.__all__)
    return [c for c in members if inspect.isclass(c) and issubclass(c, above)]


@pytest.mark.parametrize(
    ("package", "above"),
    [
        ("neurodyn.models", nd.system.AbstractSystem),
        ("neurodyn.models.reference", nd.system.AbstractSystem),
        ("neurodyn.models.spiking", nd.system.AbstractSystem),
        ("neurodyn.models.spiking", nd.models.spiking.AbstractNeuron),
        ("neurodyn.models.spiking", nd.models.spiking.AbstractSynapse),
        ("neurodyn.models.spiking.plasticity", plasticity.AbstractReadoutRule),
        ("neurodyn.models.spiking.plasticity", plasticity.AbstractProjectionRule),
        ("neurodyn.tasks", nd.task.AbstractTask),
    ],
)
def test_no_public_class_is_forgotten(package, above):
    listed = {id(entry.object) for entry in registry.entries()}
    there = [c for c in public(package, above) if not inspect.isabstract(c)]
    assert there
    assert not [c for c in there if id(c) not in listed]


def test_no_public_function_of_analysis_is_forgotten():
    listed = {entry.object for entry in registry.entries("function")}
    members = {getattr(nd.analysis, name) for name in nd.analysis.__all__ if name.islower()}
    assert {member for member in members if inspect.isfunction(member)} <= listed


def test_unknown_names():
    with pytest.raises(ValueError, match=r"there is no model 'CTRN'; did you mean CTRNN"):
        registry.find("CTRN", "model")
    with pytest.raises(ValueError, match=r"no kind 'network'; kinds are model, spiking, synapse"):
        registry.entries("network")


def test_listing_one_kind_does_not_load_the_others():
    code = (
        "import sys\nfrom neurodyn.common import registry\n"
        "assert 'neurodyn.models' not in sys.modules\n"
        "registry.entries('task')\nprint('neurodyn.models' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (CTRNN, "neurodyn.models.CTRNN"),
        (NParity, "neurodyn.tasks.NParity"),
        (Bounded, "neurodyn.params.Bounded"),
        (Ensemble, "neurodyn.Ensemble"),
        (nd.State, "neurodyn.State"),
    ],
)
def test_classes_by_public_name(cls, name):
    assert registry.name_of(cls) == name
    assert registry.class_named(name) is cls


def test_every_model_and_task_has_a_public_name():
    for kind in ("model", "task"):
        for entry in registry.entries(kind):
            assert registry.name_of(entry.object) == f"neurodyn.{kind}s.{entry.name}"


class Foreign(eqx.Module):
    """A class of a user."""


def test_own_classes_are_registered():
    with pytest.raises(ValueError, match=r"not one of neurodyn's.*register"):
        registry.name_of(Foreign)
    with pytest.raises(ValueError, match="unknown class"):
        registry.class_named(f"{__name__}:Foreign")
    assert registry.register(Foreign) is Foreign
    assert registry.class_named(registry.name_of(Foreign)) is Foreign


def test_only_plain_classes_are_registered():
    class Pair(NamedTuple):
        a: int

    assert registry.register(Pair) is Pair
    for bad in (dict, int, object, Exception):
        with pytest.raises(TypeError, match="Equinox modules"):
            registry.register(bad)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "neurodyn.",
        "neurodyn.fit",
        "neurodyn.common.registry.eqx",
        "neurodyn.common.registry.importlib.import_module",
        "neurodyn.io.files.os",
        "neurodyn.training.fit.Any",
    ],
)
def test_nothing_else_is_a_class(name):
    with pytest.raises(ValueError, match="unknown class"):
        registry.class_named(name)
