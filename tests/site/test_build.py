"""What the build refuses: somebody else's folder, a link to nowhere, a question it can't find."""

import json
import subprocess

import pytest

from tests.site.conftest import ROOT
from tools.site import __main__ as build
from tools.site import pages


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit, match="holds other files, and no site"):
        build.emptied(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_site_is_built_again_over_itself(tmp_path):
    build.emptied(tmp_path / "site")
    (tmp_path / "site" / "old.html").write_text("old")
    build.emptied(tmp_path / "site")
    assert not (tmp_path / "site" / "old.html").exists()


@pytest.mark.parametrize(
    ("link", "passes"),
    [("#a-heading", True), ("#no-heading", False), ("other.ipynb", False)],
)
def test_a_link_to_nowhere_stops_the_build(link, passes, sphinx, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text(f"# A page\n\n## A heading\n\n[there]({link})\n")
    command = build.sphinx_command(sphinx, source, tmp_path / "out", tmp_path / "trees")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode == 0) == passes, done.stderr


def test_a_question_printed_in_other_words_stops_the_build(tmp_path):
    path = ROOT / "notebooks" / "01_contract_basics.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("sells 3 M2K short", "sells four short")
    changed = tmp_path / path.name
    changed.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(ValueError, match="01_contract_basics.ipynb asks .* in other words: q1"):
        pages.made(changed, tmp_path, lambda *_: "", live=False)


def test_live_links_are_there_only_with_a_live_edition(tmp_path):
    path = ROOT / "notebooks" / "01_contract_basics.ipynb"
    for live in (False, True):
        made = pages.made(path, tmp_path, lambda *_: "", live=live)
        text = json.dumps(made)
        assert text.count("live/lab/index.html?path=01_contract_basics.ipynb") == 2 * live
