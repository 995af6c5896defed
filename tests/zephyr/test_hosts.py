"""The dialogues of tests/hosts on Zephyr's simulated board."""

import pytest

from player import data, suite

NAMES = [each.get("name") or each["source"] for each in data.programs() + data.documents()]


@pytest.fixture(scope="module")
def runs(build):
    """All dialogues, played in parallel, because they wait most of the time."""
    return {run.name: run for run in suite.play_all(build / "zephyr" / "zephyr.exe")}


@pytest.mark.parametrize("name", NAMES)
def test_dialogue(runs, name):
    """The program or the document gets what it expects."""
    assert runs[name].failures() == []


def test_what_is_built_does_not_hide(runs):
    """The list of unbuilt features is correct here too."""
    assert suite.hidden(runs.values()) == []
