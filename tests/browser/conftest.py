"""A book with payloads in every text field and a run of its whole batch, once for all who look at it."""

import json
from functools import cache
from types import SimpleNamespace

import pytest

from tests.acceptance.projects import csw
from tests.hostile import spoil

ACCOUNTS = 120
BY_CSM = ("health", "nps_outreach", "weekly_list")
NEW = "referrals"


@pytest.fixture(scope="session")
def spoiled(tmp_path_factory):
    """Make, for some payloads, a spoiled project with a run of its batch: folder, pages, what was said, payloads.

    The pages are those of the batch, and by CSM those that list accounts. The project has a new analysis, which is in
    no batch, and its notebooks have no stored output that could pass for a new one.
    """

    @cache
    def made(payloads):
        folder = tmp_path_factory.mktemp("hostile")
        project = folder / "book"
        told(csw("sample", "--accounts", ACCOUNTS, "--out", project, "--as-project", cwd=folder))
        told(csw("new", NEW, cwd=project))
        assert min(spoil(project, payloads).values()) > 0
        for path in (project / "notebooks").glob("*.ipynb"):
            _forget_outputs(path)
        said, pages = "", []
        # The whole batch comes last: notebooks that are opened on their own read its results.
        for words in ((*BY_CSM, "--by", "csm"), ()):
            said += told(csw("run", *words, cwd=project))
            pages += sorted((project / "outputs" / "latest").resolve().glob("**/*.html"))
        return SimpleNamespace(folder=folder, project=project, pages=pages, said=said, payloads=payloads)

    return made


def told(done):
    """Return what a command said that ended well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _forget_outputs(path):
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(notebook), "utf-8")
