"""The order of the tests: files that run whole batches come first, so that none is left to one worker at the end."""

import pytest

from csworkbench import formats


@pytest.fixture(autouse=True)
def _english_desk():
    """Let every test begin and end with a desk that speaks English."""
    formats.speak("en")
    yield
    formats.speak("en")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the files with a slow test first; within and among the others the (random) order stays."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
