"""The hub's configuration without JupyterHub, what starts a learner's server, and the containers.

A class on a real hub is measured in benchmarks/hub.py.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from traitlets.config import Config

import course
from tests.test_packaging import EXTRAS, locked
from tools import lock, workbook
from tools.classroom import sandbox

ROOT = Path(course.ROOT)
HUB = ROOT / "teaching" / "hub"


def configured(monkeypatch, tmp_path, **settings):
    """The configuration as JupyterHub would read it: its `c`, and its functions."""
    (tmp_path / "cache").mkdir(exist_ok=True)
    monkeypatch.setattr(sandbox, "seed", lambda: tmp_path / "cache")
    for name in [name for name in os.environ if name.startswith("M2K_HUB_")]:
        monkeypatch.delenv(name)
    for name, value in ({"STATE": tmp_path / "state"} | settings).items():
        monkeypatch.setenv(f"M2K_HUB_{name}", str(value))
    c = Config()
    path = HUB / "jupyterhub_config.py"
    names = {"get_config": lambda: c, "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
    return c, names


def started(c, user):
    """The environment that a learner's server gets."""
    spawner = SimpleNamespace(user=SimpleNamespace(name=user), environment={"KEPT": "1"})
    c.Spawner.pre_spawn_hook(spawner)
    return spawner.environment


def test_each_learner_gets_her_name_and_limits(monkeypatch, tmp_path):
    c, _ = configured(monkeypatch, tmp_path, MEMORY_GB="1.5", IDLE_MINUTES="20")
    ada, bo = started(c, "ada"), started(c, "bo")
    assert (ada["M2K_STUDENT"], bo["M2K_STUDENT"]) == ("ada", "bo")
    assert ada["KEPT"] == "1"
    assert ada["M2K_MEMORY_BYTES"] == str(3 * 2**29)
    assert c.Spawner.mem_limit == "1.5G"
    assert "--MappingKernelManager.cull_idle_timeout=1200" in c.Spawner.args
    (service,) = c.JupyterHub.services
    assert "--timeout=1200" in service["command"]
    (role,) = c.JupyterHub.load_roles
    assert role["services"] == [service["name"]]
    assert Path(c.Spawner.cmd[1]).exists()
    assert (ROOT / "notebooks" / c.Spawner.default_url.rpartition("/")[2]).exists()
    folder = next(arg for arg in c.Spawner.args if "labextensions" in arg).partition("=")[2]
    assert Path(folder, "m2k-course").is_dir()


def test_accounts_are_asked_for_unless_it_is_a_trial(monkeypatch, tmp_path):
    c, _ = configured(monkeypatch, tmp_path)
    assert "authenticator_class" not in c.JupyterHub  # JupyterHub's own: accounts of the system
    assert "spawner_class" not in c.JupyterHub
    c, _ = configured(monkeypatch, tmp_path, TRIAL="1")
    assert (c.JupyterHub.authenticator_class, c.JupyterHub.spawner_class) == ("dummy", "simple")
    assert c.JupyterHub.bind_url.startswith("http://127.0.0.1:")


def test_a_class_comes_in_under_the_names_of_the_list(monkeypatch, tmp_path):
    (tmp_path / "names.csv").write_text("name\nAda Lovelace\nBo\n", encoding="utf-8")
    c, _ = configured(monkeypatch, tmp_path, CLASS=tmp_path / "names.csv")
    assert c.Authenticator.allowed_users == {"ada_lovelace", "bo"}
    assert "allow_all" not in c.Authenticator
    assert started(c, "ada_lovelace")["M2K_STUDENT"] == "Ada Lovelace"


@pytest.fixture
def start():
    spec = importlib.util.spec_from_file_location("hub_start", HUB / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_workbook_is_made_once_with_her_numbers_and_her_work_is_kept(
    start, tmp_path, monkeypatch
):
    folder = tmp_path / "workbook"
    one = [workbook.NOTEBOOKS / "01_contract_basics.ipynb"]
    monkeypatch.setattr(workbook, "chosen", lambda names: one)
    assert "1 lessons" in start.prepare(folder, "Ada")[0]
    copy = folder / one[0].name
    text = copy.read_text(encoding="utf-8")
    assert "= 'Ada'" in text
    copy.write_text(text.replace("g1.guess(..., ...)", "g1.guess(1, 2)"), encoding="utf-8")
    changed = copy.read_bytes()
    assert start.prepare(folder, "Ada") == []
    os.utime(folder / workbook.STATE, (1, 1))  # as if the course were newer
    assert start.prepare(folder, "Ada") == []
    assert copy.read_bytes() == changed


def test_compiled_code_is_a_copy_of_her_own_and_renewed(start, tmp_path):
    seed = tmp_path / "sandbox" / "cache"
    (seed / "numba").mkdir(parents=True)
    (seed / "numba" / "loop.nbi").write_text("first", encoding="utf-8")
    (seed.parent / "made").write_text("stamp 1", encoding="utf-8")
    kept = tmp_path / "kept"
    places = start.with_compiled(seed, kept)
    mine = Path(places["NUMBA_CACHE_DIR"], "loop.nbi")
    assert mine.read_text(encoding="utf-8") == "first"
    mine.write_text("hers", encoding="utf-8")
    start.with_compiled(seed, kept)
    assert mine.read_text(encoding="utf-8") == "hers"
    assert (seed / "numba" / "loop.nbi").read_text(encoding="utf-8") == "first"
    (seed.parent / "made").write_text("stamp 2", encoding="utf-8")
    start.with_compiled(seed, kept)
    assert mine.read_text(encoding="utf-8") == "first"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory differently")
def test_a_cell_that_wants_too_much_memory_gets_an_error():
    path = str(HUB / "start.py")
    code = (
        f"import importlib.util as u; s = u.spec_from_file_location('s', {path!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m); m.limit_memory(300 * 2**20)\n"
        "kept = bytearray(50 * 2**20); print('some')\n"
        "try: bytearray(400 * 2**20)\nexcept MemoryError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["some", "refused"], done.stderr


def test_the_task_starts_the_hub_with_this_configuration(monkeypatch):
    commands = []
    monkeypatch.setattr(course, "set_up", lambda chosen: commands.append(chosen))
    monkeypatch.setattr(course, "run", lambda *command: commands.append(command) or 0)
    course.hub("--port=8123")
    assert commands[0] == course.HUB_LOCK
    assert commands[1] == ("-m", "jupyterhub", "-f", HUB / "jupyterhub_config.py", "--port=8123")
    course.hub("-f", "mine.py")
    assert commands[3] == ("-m", "jupyterhub", "-f", "mine.py")


def test_the_hubs_lock_holds_the_learners_pins_and_the_hub():
    learner, hub = locked(lock.LEARNER_LOCK), locked(lock.HUB_LOCK)
    assert {pin: learner[pin] for pin in learner if learner[pin] != hub.get(pin)} == {}
    assert all(hub.values())
    pinned = {canonicalize_name(Requirement(pin).name) for pin in hub}
    assert {canonicalize_name(one.name) for one in EXTRAS["hub"]} <= pinned
    text = (ROOT / lock.HUB_LOCK).read_text(encoding="utf-8")
    assert (
        re.search(r"https?:|file:|--index-url|--find-links|/(home|root|tmp|work)\b", text) is None
    )


def test_an_environment_for_the_hub_is_good_for_a_learner_and_not_for_the_tests(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course, "READY", tmp_path / "ready")
    (tmp_path / "ready").write_text(course.fingerprint(course.HUB_LOCK))
    assert course.is_ready(course.HUB_LOCK)
    assert course.is_ready(course.LEARNER_LOCK)
    assert not course.is_ready(course.TEST_LOCK)
    (tmp_path / "ready").write_text(course.fingerprint(course.TEST_LOCK))
    assert not course.is_ready(course.HUB_LOCK)
    assert course.is_ready(course.LEARNER_LOCK)


def test_the_proxy_is_pinned():
    package = json.loads((HUB / "package.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["dependencies"]["configurable-http-proxy"])


def test_the_container_sets_up_what_is_there():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text)
    version = re.search(r":(\d+)\.(\d+)$", container["image"])
    assert (int(version[1]), int(version[2])) in course.PYTHONS
    command = container["postCreateCommand"]
    assert callable(course.set_up)
    assert course.LEARNER_LOCK.exists()
    assert "course.set_up(course.LEARNER_LOCK)" in command
    (tool,) = re.findall(r"tools/\w+\.py", command)
    assert (ROOT / tool).exists()
    (opened,) = container["customizations"]["codespaces"]["openFiles"]
    assert (ROOT / opened.replace("workbook", "notebooks")).exists()


def test_binder_has_the_locked_environment_and_runs_what_is_there():
    text = (ROOT / lock.LEARNER_LOCK).read_text(encoding="utf-8")
    wanted = lock.environment_yml(text, course="..")
    assert (ROOT / lock.BINDER).read_text(encoding="utf-8") == wanted
    assert "      - -e ..\n" in wanted
    for name in ("postBuild", "start"):
        script = ROOT / "binder" / name
        assert script.read_text(encoding="utf-8").startswith("#!/bin/bash\n")
        assert os.name == "nt" or os.access(script, os.X_OK)
    build = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    (module,) = re.findall(r"python -m (\S+)", build)
    assert importlib.util.find_spec(module)
    (tool,) = re.findall(r"python (tools/\S+)", build)
    assert (ROOT / tool).exists()
