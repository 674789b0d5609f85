"""The order of the tests and who runs them: whole batches first, so that none is left to one worker at the end."""

import gc

import pytest
from xdist.scheduler import LoadFileScheduling

from csworkbench import formats
from tests import compiling

# Files that look at one and the same run of a batch: one worker makes it once, in a fixture of the session.
TOGETHER = {
    "tests/browser/test_jupyterlab.py": "tests/browser/test_hostile.py",
}
# Folders whose files take a minute or so: one of them taken last would leave the other worker idle.
LONG = {"analyses", "calibration", "faults", "soak"}
# Expressions and syntax trees are many small objects that live on: searching them for circles at every 700 new ones,
# as Python does by itself, is a tenth of the time of the tests or more.
gc.set_threshold(50_000, 20, 100)
compiling.remember()


class TogetherScheduling(LoadFileScheduling):
    """One file goes to one worker, and so do files that share a run."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Deal the files out as `--dist loadfile` does, files that share a run together."""
    return TogetherScheduling(config, log)


@pytest.fixture(autouse=True)
def _english_desk():
    """Let every test begin and end with a desk that speaks English."""
    formats.speak("en")
    yield
    formats.speak("en")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the files with a slow test first, then the folders of long ones; for the rest the (random) order stays.

    Within a file, tests of one notebook that is opened in the browser come together, by name: it is run once, and what
    it shows is looked at before its settings are turned.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    places = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in items))}

    def rank(item):
        long = 0 if item.path in slow else 1 if item.path.parent.name in LONG else 2
        is_opened = hasattr(item, "callspec") and "ran" in item.callspec.params
        return long, places[item.path], (item.callspec.params["ran"], item.name) if is_opened else ()

    items.sort(key=rank)
