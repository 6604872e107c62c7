"""Papers that came back: each gets marks or a reason, by its own learner's numbers."""

import csv
import json

import pytest

from tools import notebooks
from tools.classroom import exam, exam_marks, sandbox

CLASS = ["Ada Lovelace", "Bo Li", "Cy", "Di", "Ed", "Flo", "Gil"]


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A class of seven and a stranger: handed in, marked from the command line, read back."""
    if not sandbox.has_namespaces():
        pytest.skip("this machine has no namespaces: marking refuses, see the test below")
    folder = tmp_path_factory.mktemp("exam")
    (folder / "seed.txt").write_text("a secret that is long enough", encoding="utf-8")
    (folder / "names.csv").write_text("name\n" + "\n".join(CLASS), encoding="utf-8")
    exam.main(["--seed", str(folder / "seed.txt"), "--students", str(folder / "names.csv"),
               "--to", str(folder / "may"), "--name", "may"])  # fmt: skip

    def paper(of):
        return notebooks.read(folder / "may" / "answers" / of / "may.ipynb")

    def hand_in(notebook, *place):
        path = folder.joinpath("in", *place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")

    hand_in(paper("Ada_Lovelace"), "Ada_Lovelace", "may.ipynb")
    hand_in(paper("Ada_Lovelace"), "Bo_Li_may.ipynb")  # another's answers
    wrong = paper("Cy")
    made, _ = exam.read(folder / "may")
    q1 = made.questions("Cy")["q1"]
    value = float(q1.mistakes[1].answer(**q1.numbers))
    for cell in wrong["cells"]:
        text = "".join(cell["source"])
        if "q1.check" in text:  # right at first, then a known mistake: the last answer counts
            cell["source"] = [text, f"\nanswer = {value}\nq1.check(answer)"]
        if "q2.check" in text:
            cell["source"] = ["import os\nos._exit(3)\n", "q2.check(worst_night_usd)"]
    hand_in(wrong, "Cy", "may.ipynb")
    (folder / "in" / "Di").mkdir()
    (folder / "in" / "Di" / "may.ipynb").write_text("{", encoding="utf-8")
    hand_in(paper("Ed"), "Ed", "may.ipynb")
    hand_in(paper("Ed"), "Ed", "may (1).ipynb")
    (folder / "in" / "Flo").mkdir()
    (folder / "in" / "Flo" / "may.ipynb").symlink_to(folder / "in" / "Ed" / "may.ipynb")
    hand_in(paper("Ed"), "..Zoe\n", "may.ipynb")
    exam.main(["--mark", str(folder / "in"), "--to", str(folder / "may")])
    with (folder / "may" / "marks.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(marked, learner):
    return {row["question"]: row for row in marked if row["learner"] == learner}


def test_right_answers_get_their_points(marked):
    found = rows(marked, "Ada Lovelace")
    assert [row["points"] for row in found.values()] == ["2", "4", "1"]
    assert {row["state"] for row in found.values()} == {"correct"}


def test_answers_to_anothers_numbers_are_wrong_and_told(marked):
    found = rows(marked, "Bo Li")
    assert (found["q1"]["state"], found["q1"]["points"]) == ("wrong", "0")
    assert "It is right for the numbers of Ada Lovelace." in found["q1"]["reply"]
    assert found["q2"]["state"] == "correct"  # a function has no numbers


def test_the_last_answer_counts_and_a_crash_leaves_what_came_before(marked):
    found = rows(marked, "Cy")
    assert found["q1"]["state"] == "wrong"
    assert found["q1"]["reply"].startswith("Those are dollars a contract.")
    assert found["q2"]["state"] == found["q3"]["state"] == "stopped"
    assert all("crashed in cell 7" in row["reason"] for row in found.values())


@pytest.mark.parametrize(
    ("learner", "reason"),
    [
        ("Di", "it can't be read as a notebook"),
        ("Ed", "2 notebooks, and one is asked for: which?"),
        ("Flo", "it is a link or no file"),
        ("Gil", "nothing was handed in"),
        ("..Zoe?", "this name is not in the class"),
    ],
)
def test_what_can_not_be_marked_has_a_reason(marked, learner, reason):
    (row,) = [row for row in marked if row["learner"] == learner]
    assert row["reason"] == reason
    assert row["points"] == ""


def test_nobody_is_lost(marked):
    assert {row["learner"] for row in marked} == {*CLASS, "..Zoe?"}


def test_without_namespaces_marking_refuses(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "has_namespaces", lambda: False)
    with pytest.raises(exam.TemplateError, match="--without-namespaces"):
        exam_marks.mark(tmp_path, None, [], tmp_path)
