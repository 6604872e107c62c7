"""JupyterHub for a class: own numbers, own folder, limits, and an end for what lies idle.

Started by `python course.py hub`; teaching/hub/README.md says what a server needs. Each setting can
be changed in a file of your own that begins with `load_subconfig("…/jupyterhub_config.py")`.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools import workbook  # noqa: E402
from tools.classroom import sandbox  # noqa: E402

MEMORY_GB = float(os.environ.get("M2K_HUB_MEMORY_GB", "2"))  # of one kernel, see benchmarks/hub.md
IDLE_MINUTES = int(os.environ.get("M2K_HUB_IDLE_MINUTES", "60"))
CLASS = os.environ.get("M2K_HUB_CLASS", "")  # names.csv: who may come in; anybody if not given
STATE = Path(os.environ.get("M2K_HUB_STATE") or ROOT / "build" / "hub")
TRIAL = os.environ.get("M2K_HUB_TRIAL", "")  # no accounts and no passwords, on this machine only


def names_of(path):
    """User names of a class, as JupyterHub writes them, each with the name in the file."""
    return {workbook.folder_name(name).lower(): name for name in workbook.names_in(Path(path))}


NAMES = names_of(CLASS) if CLASS else {}


def environment_of(spawner):
    """What a learner's server and kernels find in their environment."""
    user = spawner.user.name
    return {
        "M2K_STUDENT": NAMES.get(user, user),
        "M2K_MEMORY_BYTES": str(int(MEMORY_GB * 2**30)),
        "PYTHONPATH": str(ROOT),
        # Thirty learners share the processors: a kernel's libraries take one each.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "M2K_COMPILED": str(COMPILED),
    }


def before_start(spawner):
    spawner.environment = {**spawner.environment, **environment_of(spawner)}


# The machine code of the course's loops, made once; each learner starts with a copy of it.
COMPILED = sandbox.seed()

c = get_config()  # noqa: F821, JupyterHub gives it

# ----------------------------------------------------------------------------- a learner's server
c.Spawner.pre_spawn_hook = before_start
c.Spawner.cmd = [sys.executable, str(ROOT / "teaching" / "hub" / "start.py")]
c.Spawner.args = [
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    f"--LabApp.extra_labextensions_path={ROOT / 'jupyter' / 'labextensions'}",
    # A kernel that has not computed for so long ends. What was typed and saved stays.
    f"--MappingKernelManager.cull_idle_timeout={IDLE_MINUTES * 60}",
    "--MappingKernelManager.cull_interval=60",
    "--MappingKernelManager.cull_connected=True",
]
if os.name == "posix":
    # Ports are chosen before they are used: of thirty servers, two will choose the same. And what
    # passes through a port can be read by everybody on the machine.
    c.Spawner.args = [*c.Spawner.args, "--KernelManager.transport=ipc"]
c.Spawner.default_url = "/lab/tree/workbook/00_start_here.ipynb"
c.Spawner.notebook_dir = "~"
c.Spawner.disable_user_config = True
# Docker, Kubernetes and systemd spawners hold this; start.py holds it for each kernel elsewhere.
c.Spawner.mem_limit = f"{MEMORY_GB:g}G"
# A class starts all at once, and a small machine needs minutes for thirty servers.
c.Spawner.start_timeout = 600
c.Spawner.http_timeout = 600
c.JupyterHub.concurrent_spawn_limit = 0

# -------------------------------------------------------------------------------- who may come in
if CLASS:
    c.Authenticator.allowed_users = set(NAMES)
else:
    c.Authenticator.allow_all = True
if TRIAL:
    c.JupyterHub.authenticator_class = "dummy"
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes" / "{username}")
    c.JupyterHub.bind_url = "http://127.0.0.1:8000"
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container, mostly
        c.Spawner.args = [*c.Spawner.args, "--allow-root"]

# --------------------------------------------------------------------------------- the hub itself
STATE.mkdir(parents=True, exist_ok=True)
c.JupyterHub.db_url = f"sqlite:///{STATE / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
proxy = shutil.which("configurable-http-proxy") or str(
    ROOT / "teaching" / "hub" / "node_modules" / ".bin" / "configurable-http-proxy"
)
c.ConfigurableHTTPProxy.command = [proxy]
c.JupyterHub.services = [
    {
        "name": "idle",
        "command": [
            sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_MINUTES * 60}",
        ],
    }
]  # fmt: skip
c.JupyterHub.load_roles = [
    {
        "name": "idle",
        "services": ["idle"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
