"""Every experiment describes its settings, numbers its networks by seed and writes a report."""

import dataclasses
import json
import re
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
import xarray as xr

import neurodyn as nd
from neurodyn.common.bibliography import bibliography
from neurodyn.experiments import EXPERIMENTS, configure
from neurodyn.experiments.running.about import settings_of
from neurodyn.experiments.running.limits import Limits
from neurodyn.experiments.running.page import page
from neurodyn.experiments.running.seeds import result
from neurodyn.experiments.running.values import as_read, limits_of, spelled

PRESETS = [(name, preset) for name, e in EXPERIMENTS.items() for preset in e.presets]
#: Settings that any number will do for.
FREE = {("fit_izhikevich", "hyperpolarised")}


def hints(experiment):
    return get_type_hints(type(experiment.presets["quick"]), include_extras=True)


def numeric(name):
    """Settings of an experiment that hold numbers, with their values and limits."""
    experiment = EXPERIMENTS[name]
    for setting, hint in hints(experiment).items():
        if limits_of(hint):
            yield setting, getattr(experiment.presets["quick"], setting), limits_of(hint)


def last(value, new):
    """A value with its last number replaced."""
    return (*value[:-1], new) if isinstance(value, tuple) and value else new


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_presets_are_read_from_what_is_shown(name, preset):
    experiment = EXPERIMENTS[name]
    settings = experiment.presets[preset]
    experiment.check(settings)
    values = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    assert configure(experiment, "quick", values) == settings
    typed = {setting: spelled(value) for setting, value in values.items()}
    assert configure(experiment, "quick", typed) == settings
    in_brackets = {
        setting: f"({text})" if isinstance(values[setting], tuple) else text
        for setting, text in typed.items()
    }
    assert configure(experiment, "quick", in_brackets) == settings
    assert as_read(settings, json.loads(json.dumps(values))) == values  # as a file holds them


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_numbers_have_limits_that_are_checked_by_name(name):
    for setting, value, found in numeric(name):
        if (name, setting) in FREE:
            continue
        assert all(isinstance(limits, Limits) for limits in found), setting
        limits = found[0]
        below = limits.low if limits.above else limits.low - 1
        wrong = [below, np.nan, np.inf, "many", True]
        if np.isfinite(limits.high):
            wrong.append(limits.high + 1)
        for bad in wrong:
            with pytest.raises(ValueError, match=rf"^Setting '{setting}' takes .* got "):
                configure(EXPERIMENTS[name], "quick", {setting: last(value, bad)})


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_whole_numbers_take_no_fractions(name):
    for setting, value, _ in numeric(name):
        first = value[0] if isinstance(value, tuple) and value else value
        if isinstance(first, int):
            with pytest.raises(ValueError, match=rf"'{setting}' takes .*a whole number"):
                configure(EXPERIMENTS[name], "quick", {setting: last(value, first + 0.5)})


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_unknown_setting_is_refused_with_the_nearest(name):
    first = dataclasses.fields(EXPERIMENTS[name].presets["quick"])[-1].name
    with pytest.raises(ValueError, match=f"no setting '{first}x'. Did you mean '{first}'?"):
        configure(EXPERIMENTS[name], "quick", {f"{first}x": 1})


@pytest.mark.parametrize(
    ("name", "setting", "typed", "read"),
    [
        ("meta_prior", "w", "[0.1,0.2]", (0.1, 0.2)),
        ("meta_prior", "w", "0.1", (0.1,)),
        ("meta_prior", "w", "(0.1,)", (0.1,)),
        ("meta_prior", "w", 0.1, (0.1,)),
        ("meta_prior", "w", np.array([0.1, 1]), (0.1, 1.0)),
        ("meta_prior", "w_first", "None", None),
        ("error_regression", "n_units", "[30, 10]", (30, 10)),
        ("force_sine", "sizes", "(10,20)", (10, 20)),
        ("force_sine", "sizes", "1e3", (1000,)),
        ("izhikevich2003", "published", "True", True),
        ("izhikevich2003", "published", "false", False),
        ("timescales", "taus", "trained,1,2.5", ("trained", "1", "2.5")),
        ("timescales", "taus", "['trained', '2']", ("trained", "2")),
        ("timescales", "ablate_at", "", ()),
        ("timescales", "join", "A,B", ("A", "B")),
        ("perceptual_decision", "recording", "'a, b.nwb'", "a, b.nwb"),
        ("gtf", "alpha", 0.3, "0.3"),
    ],
)
def test_values_are_read_as_they_are_typed(name, setting, typed, read):
    found = getattr(configure(EXPERIMENTS[name], "quick", {setting: typed}), setting)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("name", "setting", "typed", "said"),
    [
        ("gtf", "data", "lorenz", "'lorenz63' or 'ecg' or 'eeg', like lorenz63; got 'lorenz'"),
        ("gtf", "learning_rate", "1e-3", "takes 2 values separated by commas"),
        ("meta_prior", "w", "()", "one or more values"),
        ("izhikevich2003", "published", "1", "takes true or false"),
        ("timescales", "curricula", "single,double", "'single' or 'cumulative'"),
        ("brain_timescales", "recordings", "mante", "did you mean 'mante2013'"),
        ("perceptual_decision", "recording", None, "takes a text"),
    ],
)
def test_values_of_other_kinds_are_refused(name, setting, typed, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        configure(EXPERIMENTS[name], "quick", {setting: typed})


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("perceptual_decision", {"tau": "20,500,10"}, "'tau' is the lower bound"),
        ("context_decision", {"tau": "20,500,10"}, "'tau' is the lower bound"),
        ("perceptual_decision", {"stimulus": 10}, "'stimulus' (10 ms)"),
        ("context_decision", {"measures": "cka,rsa_kendal"}, "Did you mean 'rsa_kendall'?"),
        ("error_regression", {"n_units": "20,10,5"}, "n_units=20,10,5; n_latents=2,2; tau=2,8"),
        ("hierarchy", {"tau": 2}, "one value for each layer"),
        ("neural_prediction", {"n_latents": 2}, "one value for each layer"),
        ("izhikevich2003", {"dt": 0.5}, "published=false"),
        ("izhikevich2003", {"segment": 900}, "segment (900"),
        (
            "fit_izhikevich",
            {"window": "100,50"},
            "'window' is the begin and end",
        ),
        ("symbolic_attractors", {"n_relu": 30}, "'n_relu' (30)"),
        ("gtf", {"alpha": "best"}, "got 'best'"),
        ("meta_prior", {"word": 9000}, "'word' (9000 symbols)"),
        ("timescales", {"n_last": 200}, "'n_last' must lie between"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(name, changes, said):
    experiment = EXPERIMENTS[name]
    with pytest.raises(ValueError, match=re.escape(said)):
        experiment.check(configure(experiment, "quick", changes))


# --- seeds ---------------------------------------------------------------------------------------


def test_a_result_holds_the_seeds_of_its_networks():
    settings = configure(EXPERIMENTS["gtf"], "quick", {"seed": 3})
    numbered = xr.Dataset({"x": ("seed", [1.0, 2.0])}, {"seed": [0, 1]})
    bare = xr.Dataset({"y": ("seed", [1.0])})
    tree = result({"/a": numbered, "/b/c": bare, "/d": xr.Dataset({"z": 1})}, settings, more=(1,))
    assert tree["a/seed"].values.tolist() == [3, 4]
    assert tree["b/c/seed"].values.tolist() == [3]
    assert json.loads(tree.attrs["settings"])["seed"] == 3
    assert tree.attrs["more"] == [1]


def test_no_experiment_numbers_its_networks_or_draws_shared_things_from_the_seed():
    """Then networks of a seed were others in a run that begins with another seed."""
    folder = Path(nd.experiments.__file__).parent
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"""seed["']?\s*[=:]\s*np\.arange""", text), file
        without = {"brain_timescales", "what_a_score_means"}  # they have no networks of their own
        if not without & {*file.parts}:
            assert not re.search(r"(key|default_rng)\(\(?settings\.seed\b", text), file


# --- reports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_setting_is_described(name):
    for setting in settings_of(EXPERIMENTS[name]):
        assert len(setting.meaning) > 5, setting.name
        assert setting.takes
        assert ":func:" not in setting.meaning


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_reports_stand_alone(name, preset):
    experiment = EXPERIMENTS[name]
    settings = dataclasses.replace(experiment.presets[preset], seed=17)
    about = {"preset": preset, "date": "2030-01-02 03:04 UTC", "seconds": 5.0}
    versions = {"version_neurodyn": "9.8", "version_jax": "7.6"}
    tree = result({}, settings)
    tree.attrs |= about | versions
    text = page(experiment, tree, {}, {"a row": "1 < 2"})
    plain = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    for part in (f"preset {preset}, with other seed", "seed 17", "2030-01-02", "neurodyn 9.8"):
        assert part in plain
    assert "{" not in experiment.method.format(**dataclasses.asdict(settings))
    assert experiment.method.count(". ") in (1, 2)  # two sentences, or three
    assert experiment.ranges
    assert experiment.captions
    assert "1 &lt; 2" in text
    for key in experiment.reference:
        title = re.search(r"title = \{(.{20})", bibliography()[key])[1]
        assert re.sub(r"[`{}]", "", title)[:12] in plain.replace('"', "")
