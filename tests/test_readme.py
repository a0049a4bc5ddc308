"""The first code that a newcomer copies runs as it stands."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

pytestmark = [
    pytest.mark.skipif(not README.exists(), reason="needs the repository"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Brian2's, when it is imported
]


def examples(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Names that the examples define, run one after the other as a reader would."""
    folder, names = tmp_path_factory.mktemp("reader"), {}
    rate, spikes = examples(README)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for title, code in (("rate", rate), ("spikes", spikes)):
            exec(compile(code, f"{README}, {title}", "exec"), names)
            names[title] = names["run"]
    return {**names, "folder": folder}


def test_training_and_comparing_run(names):
    assert names["rate"].rate.dims == ("trial", "time", "unit")
    assert set(names["score"].data_vars) >= {"score", "ceiling", "null"}
    assert (names["folder"] / "model.nd").exists()


def test_the_spiking_network_runs_and_goes_to_brian2(names):
    assert names["spikes"].sizes["unit"] == 1000
    rate = names["spikes"].spike_unit.size / 1000  # Hz, of a thousand neurons in a second
    assert 1 < rate < 50
    assert names["brian"] is not None


def test_the_landing_page_shows_the_first():
    (shown,) = examples(ROOT / "docs" / "index.md")
    assert examples(README)[0].startswith(shown)
