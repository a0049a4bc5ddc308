"""The experiments whose networks learn while they run, made tiny."""

import dataclasses

import jax
import numpy as np
import pytest

from neurodyn.experiments import EXPERIMENTS, Run
from neurodyn.experiments.force_sine.settings import Settings as ForceSettings
from neurodyn.experiments.what_when import SWITCHES
from neurodyn.experiments.what_when.session import drive_of, plan
from neurodyn.experiments.what_when.settings import Settings as WhatWhenSettings
from neurodyn.tasks import PredictionObject

FORCE = ForceSettings(sizes=(20,), n_networks=2, before=1, learn=1, after=1, dt=0.2, every=2.0)


def test_force_sine_resumes_to_the_same_result(tmp_path):
    experiment = EXPERIMENTS["force_sine"]
    whole = experiment.run(FORCE, Run())
    first = Run(tmp_path, resume=True)
    experiment.run(FORCE, first)
    again = experiment.run(FORCE, first)
    np.testing.assert_array_equal(whole["model/output/output"], again["model/output/output"])
    assert whole["analysis/scores"].to_dataset().sizes == {"sweep": 1, "seed": 2}
    assert set(experiment.figures(whole)) == {"output_20", "scores"}
    assert "training RMSE, 20 neurons" in experiment.summary(whole)
    with pytest.raises(ValueError, match="other settings"):
        experiment.run(dataclasses.replace(FORCE, alpha=1.0), first)


def test_tests_come_between_trials_and_teach_nothing():
    task, settings = PredictionObject(10.0), WhatWhenSettings(dt=10.0, n_pulses=3)
    made = plan(task, [SWITCHES, SWITCHES], 3, key=jax.random.key(0))
    # Trials 1, 2 and 3 of four blocks, with tests after the first and the second.
    assert made.tested.tolist() == [False, True, False, True, False] * 4
    np.testing.assert_array_equal(made.switches, np.array([5, 10, 15]) * task.n_steps)
    chance = np.asarray(made.trials.conditions["probability"][0]).reshape(4, 5)
    np.testing.assert_allclose(chance, np.repeat([[0.8, 0.2, 0.2, 0.8]], 5, 0).T, rtol=1e-6)
    steps = np.repeat(made.tested, task.n_steps)
    for local in (True, False):
        drive = drive_of(local, made.trials, made.tested, settings)
        inputs = np.asarray(drive.input)
        assert inputs.shape == (len(steps), 2, 6)
        assert not inputs[steps][..., 1:3].any()
        assert inputs[~steps][..., 1:3].any()
        if local:
            assert not np.asarray(drive.gate["when"])[steps].any()
            assert not np.asarray(drive.gate["what"])[steps][..., 1].any()
            assert np.asarray(drive.gate["what"])[steps][..., 0].any()
        else:
            assert not np.asarray(drive.gate)[steps].any()
            assert np.asarray(drive.gate)[~steps].any()


@pytest.mark.slow
def test_what_when_from_settings_to_figures(tmp_path):
    experiment = EXPERIMENTS["what_when"]
    settings = WhatWhenSettings(n_units=50, n_levels=3, n_trials=2, n_seeds=2)
    tree = experiment.run(settings, Run(tmp_path))
    assert set(experiment.figures(tree)) >= {"amplitude", "learning", "switches", "angles"}
    assert "r of amplitude and probability, event A, each network" in experiment.summary(tree)
    again = experiment.run(settings, Run(tmp_path, resume=True))
    assert tree.identical(again)
