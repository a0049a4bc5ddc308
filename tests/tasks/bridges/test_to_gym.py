"""Tasks as environments: gymnasium's own check, rewards, seeds, and the way back."""

import sys
import warnings

import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from neurodyn import tasks
from tests.tasks.bridges.fake import Fake


def play(env, act):
    """A whole trial from where it is: rewards and infos."""
    rewards, infos = [], []
    for _ in range(len(env.ob)):
        _, reward, *_, info = env.step(act(env))
        rewards.append(reward)
        infos.append(info)
    return np.array(rewards), infos


def right(env):
    return env.gt[env._step]


KINDS = {
    "classes": lambda: tasks.PerceptualDecision(stimulus=(200.0, 400.0), decision=200.0),
    "numbers": lambda: tasks.FlipFlop(duration=200.0),
    "heads": lambda: tasks.NParity([2, 3]),
    "last step": lambda: tasks.NParity([2], scored="last"),
    "no inputs": lambda: tasks.Sines(),
    "stored": lambda: tasks.from_gym(Fake(), n=5, n_validation=1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_gymnasium_finds_no_fault(kind):
    task = KINDS[kind]()
    env = tasks.to_gym(task, key=0, trials_per_episode=2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*(render modes|space m|recommend using|bound).*")
        check_env(env)
    env.reset(seed=4)
    rewards, infos = play(env, right)
    assert infos[-1]["new_trial"]
    assert infos[-1]["performance"] == 1
    assert not any(info["new_trial"] for info in infos[:-1])
    assert rewards.sum() > 0
    # Trial i is what the task draws of key and i.
    one = jax.tree.map(np.asarray, task.sample(jax.random.fold_in(jax.random.key(4), 1)))
    np.testing.assert_allclose(env.ob, one.inputs[: len(env.ob)], atol=1e-6)
    # The second trial ends the episode.
    ends = [env.step(right(env))[2:4] for _ in range(len(env.ob))]
    assert ends == [(False, False)] * (len(ends) - 1) + [(False, True)]


def test_rewards_and_what_is_said_of_a_step():
    task = KINDS["classes"]()
    env = tasks.to_gym(task, key=1)
    assert (env.action_space.n, env.observation_space.shape) == (3, (3,))
    assert env.action_space.name == {"fixation": 0, "choice_0": 1, "choice_1": 2}
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(0)
    observation, info = env.reset(seed=2, options={"conditions": {"coherence": 0.512}})
    np.testing.assert_array_equal(observation, env.ob[0])
    assert info == {"trial": 0, "conditions": info["conditions"]}
    assert info["conditions"]["choice_correct"] == "positive"
    gt, mask = env.gt, env.mask
    rewards, infos = play(env, lambda env: 2)
    epochs = [info["epoch"] for info in infos]
    assert epochs == sorted(epochs, key=["fixation", "stimulus", "decision"].index)
    for k, info in enumerate(infos):
        assert (info["gt"], info["mask"]) == (gt[k], mask[k])
        expected = 0.0 if mask[k] == 0 else (1.0 if gt[k] == 2 else -0.1)
        assert rewards[k] == expected
    assert mask[epochs.index("decision")] == 0  # the grace after the go cue
    rewards, infos = play(env, lambda env: 0)
    assert not rewards.any()
    assert infos[-1]["trial"] == 1
    assert infos[-1]["performance"] == 0
    assert env.number == 2
    with pytest.raises(ValueError, match="An action must be in Discrete"):
        env.step(3)
    with pytest.raises(ValueError, match="'choice_correct' takes negative, positive, got 'up'"):
        env.reset(options={"conditions": {"choice_correct": "up"}})


def test_seeds_and_resets():
    env = tasks.to_gym(tasks.FlipFlop(duration=200.0), key=5)
    first = env.reset()[0], env.ob
    assert env.reset()[1]["trial"] == 1
    assert not np.array_equal(env.ob, first[1])
    np.testing.assert_array_equal(env.reset(seed=5)[0], first[0])
    again = [env.reset(seed=5) and env.new_trial() and env.ob for _ in range(2)]
    np.testing.assert_array_equal(*again)
    # Beyond those that are drawn at once, and at conditions in between.
    blocks = tasks.to_gym(KINDS["classes"](), key=5)
    blocks.reset(seed=5, options={"conditions": {"coherence": 0.512}})
    for _ in range(70):
        blocks.new_trial()
    task = blocks.task
    one = jax.tree.map(np.asarray, task.sample(jax.random.fold_in(jax.random.key(5), 70)))
    np.testing.assert_allclose(blocks.ob, one.inputs[: len(blocks.ob)], atol=1e-6)


def test_there_and_back():
    task = KINDS["classes"]()
    back = tasks.from_gym(tasks.to_gym(task, key=0), n=12, n_validation=2)
    trials = jax.tree.map(np.asarray, back.stored)
    assert (back.input_names, back.output_names) == (task.input_names, task.output_names)
    assert set(trials.conditions) == set(task.batch(0, 2).conditions)
    for i, n in enumerate(trials.n_valid):
        given = {name: x[i] for name, x in trials.conditions.items() if "choice" not in name}
        go = round(trials.epochs["decision"][i, 0] / 20)
        side = int(given["coherence"] > 0)
        assert trials.targets[i, :n, 0].tolist() == [0] * go + [1 + side] * (n - go)
        assert trials.mask[i, :n, 0].tolist() == [1] * go + [0] * 5 + [5] * (n - go - 5)
        names = back.labels()["choice_correct"]
        assert names[int(trials.conditions["choice_correct"][i])] == task.choices[side]


def test_bad_calls_are_refused(monkeypatch):
    with pytest.raises(TypeError, match="takes a task, got str"):
        tasks.to_gym("PerceptualDecision")
    with pytest.raises(TypeError, match="takes a task, got the class itself"):
        tasks.to_gym(tasks.PerceptualDecision)
    with pytest.raises(ValueError, match="trials_per_episode"):
        tasks.to_gym(KINDS["numbers"](), trials_per_episode=0)
    with pytest.raises(ValueError, match="to_gym draws random numbers"):
        tasks.to_gym(KINDS["numbers"](), None)
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ImportError, match=r"pip install 'neurodyn\[gymnasium\]'"):
        tasks.to_gym(KINDS["numbers"]())
