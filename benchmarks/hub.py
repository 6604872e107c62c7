"""A class on a hub on this machine: open, run and save chapters at once, all in the same minute.

    python3 course.py hub --version       makes the environment that has JupyterHub in it
    .venv/bin/python benchmarks/hub.py --learners 30 --write

Each learner logs in by the form, waits for a server of her own, opens a chapter of her workbook,
starts a kernel, runs each cell through its websocket as JupyterLab does, saves half-way and at the
end, and reads the file back. A save is lost if the file, read back at the end of it all over the
network and from the disk, is not what was saved. Linux only, for the memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "teaching" / "hub" / "jupyterhub_config.py"
CHAPTERS = ("01_contract_basics", "04_first_steps", "07_indicators", "09_risk_management",
            "11_pair_trading", "16_diversification")  # fmt: skip
SERVER_SECONDS, PATIENCE_SECONDS = 600, 1_500


@dataclass
class Learner:
    """What one learner met: seconds, and what went wrong."""

    name: str
    chapter: str
    seconds: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    saved: dict | None = None
    lost: int = 0
    token: str = ""


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_hub(state: Path) -> tuple[subprocess.Popen, str]:
    """A hub for trial, with state and learners' homes in `state`; its process and address."""
    public, own, proxy = free_ports(3)
    url = f"http://127.0.0.1:{public}"
    environment = {key: value for key, value in os.environ.items() if key != "M2K_STUDENT"}
    environment |= {"M2K_HUB_TRIAL": "1", "M2K_HUB_STATE": str(state)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = [
        sys.executable, "-m", "jupyterhub", "-f", CONFIG,
        f"--JupyterHub.bind_url={url}", f"--JupyterHub.hub_bind_url=http://127.0.0.1:{own}",
        f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy}", "--JupyterHub.log_level=WARN",
    ]  # fmt: skip
    log = (state / "hub.log").open("w")
    hub = subprocess.Popen(list(map(str, command)), cwd=state, env=environment, stdout=log,
                           stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
    for _ in range(600):
        time.sleep(0.5)
        try:
            if httpx.get(f"{url}/hub/api/", timeout=5).status_code == 200:
                return hub, url
        except httpx.TransportError:
            if hub.poll() is not None:
                break
    stop(hub)
    raise SystemExit(f"the hub did not start:\n{(state / 'hub.log').read_text()[-3_000:]}")


def _ended(*_) -> None:
    raise SystemExit("ended from outside")


def stop(hub: subprocess.Popen) -> None:
    """End the hub and all that it started."""
    family = [hub, *psutil.Process(hub.pid).children(recursive=True)] if hub.poll() is None else []
    if family:
        hub.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(family[1:], timeout=30)
        for one in left:
            one.kill()
        hub.wait(30)


async def log_in(client: httpx.AsyncClient, learner: Learner) -> None:
    """By the form that a browser shows, with its cookies; then a token of her own."""
    page = await client.get("/hub/login")
    page.raise_for_status()
    xsrf = re.search(r'name="_xsrf"\s+value="([^"]*)"', page.text)[1]
    form = {"username": learner.name, "password": "any", "_xsrf": xsrf}
    answer = await client.post("/hub/login?next=/hub/home", data=form)
    if "logout" not in answer.text:
        raise RuntimeError(f"the hub did not let her in: {answer.status_code} {answer.text[:200]}")
    # After the login the hub sends another token against forged requests.
    headers = {"X-XSRFToken": client.cookies.get("_xsrf", path="/hub/"), "Referer": str(answer.url)}
    made = await client.post(f"/hub/api/users/{learner.name}/tokens", headers=headers, json={})
    made.raise_for_status()
    learner.token = made.json()["token"]
    client.headers["Authorization"] = f"token {learner.token}"


async def wait_for_server(client: httpx.AsyncClient, learner: Learner) -> None:
    answer = await client.post(f"/hub/api/users/{learner.name}/server")
    if answer.status_code not in (201, 202):
        raise RuntimeError(f"no server: {answer.status_code} {answer.text[:300]}")
    for _ in range(SERVER_SECONDS):
        user = (await client.get(f"/hub/api/users/{learner.name}")).json()
        server = user.get("servers", {}).get("", {})
        if server.get("ready"):
            return
        if not server:
            raise RuntimeError("the server stopped before it was ready")
        await asyncio.sleep(1)
    raise RuntimeError(f"no server after {SERVER_SECONDS} seconds")


def request(source: str) -> tuple[str, str]:
    message = uuid.uuid4().hex
    content = {"code": source, "silent": False, "store_history": True, "user_expressions": {},
               "allow_stdin": False, "stop_on_error": False}  # fmt: skip
    header = {"msg_id": message, "msg_type": "execute_request", "username": "", "session": message,
              "date": "", "version": "5.3"}  # fmt: skip
    return message, json.dumps({"channel": "shell", "header": header, "parent_header": {},
                                "metadata": {}, "content": content})  # fmt: skip


async def run_cell(socket, cell: dict) -> str:
    """Run a cell and keep its outputs; returns its error, or nothing."""
    message, text = request("".join(cell["source"]))
    await socket.write_message(text)
    outputs, replied, idle, error = [], False, False, ""
    while not (replied and idle):
        raw = await socket.read_message()
        if raw is None:
            return "the connection was closed"
        if isinstance(raw, bytes):
            continue
        said = json.loads(raw)
        if said.get("parent_header", {}).get("msg_id") != message:
            continue
        kind, content = said["msg_type"], said["content"]
        if kind == "execute_reply":
            replied, cell["execution_count"] = True, content.get("execution_count")
            if content["status"] != "ok":
                error = f"{content.get('ename')}: {content.get('evalue')}"
        elif kind == "status":
            idle = idle or content["execution_state"] == "idle"
        elif kind in ("stream", "display_data", "execute_result", "error"):
            content.pop("transient", None)
            outputs.append({"output_type": kind, **content})
    cell["outputs"] = outputs
    return error


async def work(client: httpx.AsyncClient, learner: Learner) -> None:
    """Open the chapter, run it, save it half-way and at the end."""
    base, path = f"/user/{learner.name}", f"workbook/{learner.chapter}.ipynb"
    begin = time.monotonic()
    opened = await client.get(f"{base}/api/contents/{path}?content=1")
    opened.raise_for_status()
    notebook = opened.json()["content"]
    learner.seconds["chapter opened"] = time.monotonic() - begin
    session = {"path": path, "type": "notebook", "name": path, "kernel": {"name": "python3"}}
    begin = time.monotonic()
    made = await client.post(f"{base}/api/sessions", json=session)
    made.raise_for_status()
    kernel = made.json()["kernel"]["id"]
    channel = f"{str(client.base_url).rstrip('/')}{base}/api/kernels/{kernel}/channels"
    socket = await websocket_connect(
        HTTPRequest(channel.replace("http", "ws", 1), connect_timeout=300, headers=client.headers),
        max_message_size=2**28,
    )
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells):
        if error := await run_cell(socket, cell):
            learner.errors.append(f"{learner.chapter}, cell {number}: {error[:200]}")
        if number == 0:
            learner.seconds["first cell answered"] = time.monotonic() - begin
        if number == len(cells) // 2:
            await save(client, learner, path, notebook)
    learner.seconds["chapter run"] = time.monotonic() - begin
    notebook["cells"].append({"cell_type": "markdown", "id": "note", "metadata": {},
                              "source": f"My note: {uuid.uuid4().hex}"})  # fmt: skip
    await save(client, learner, path, notebook)
    socket.close()


async def save(client: httpx.AsyncClient, learner: Learner, path: str, notebook: dict) -> None:
    begin = time.monotonic()
    body = {"type": "notebook", "format": "json", "content": notebook}
    answer = await client.put(f"/user/{learner.name}/api/contents/{path}", json=body)
    answer.raise_for_status()
    learner.saved = json.loads(json.dumps(notebook))
    learner.seconds["save"] = max(learner.seconds.get("save", 0), time.monotonic() - begin)


def same(left: dict, right: dict) -> bool:
    """Whether two notebooks have the same cells, with the same texts and outputs."""

    def plain(value):
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return "".join(value)
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items() if key != "trusted"}
        return value

    return plain(left["cells"]) == plain(right["cells"])


async def read_back(client: httpx.AsyncClient, learner: Learner, homes: Path) -> None:
    path = f"workbook/{learner.chapter}.ipynb"
    answer = await client.get(f"/user/{learner.name}/api/contents/{path}?content=1")
    on_disk = json.loads((homes / learner.name / path).read_text(encoding="utf-8"))
    for found in (answer.json()["content"], on_disk):
        learner.lost += learner.saved is None or not same(found, learner.saved)


async def one_learner(url: str, learner: Learner, ready: asyncio.Barrier) -> httpx.AsyncClient:
    # The proxy closes a connection that is idle for five seconds. A browser then asks again.
    new_each_time = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(
        base_url=url, timeout=600, follow_redirects=True, limits=new_each_time
    )
    try:
        begin = time.monotonic()
        await log_in(client, learner)
        learner.seconds["logged in"] = time.monotonic() - begin
        await wait_for_server(client, learner)
        learner.seconds["server ready"] = time.monotonic() - begin
    # Whatever a learner meets is counted, and the others go on.
    except Exception as error:
        learner.errors.append(f"before the first lesson: {type(error).__name__}: {error}"[:500])
    await ready.wait()
    if learner.token and "server ready" in learner.seconds:
        try:
            await asyncio.wait_for(work(client, learner), PATIENCE_SECONDS)
        except Exception as error:
            learner.errors.append(f"in the lesson: {type(error).__name__}: {error}"[:500])
    return client


def memory_mb(hub: subprocess.Popen) -> dict[str, list[float]]:
    """Proportional memory of each process under the hub, by what it is."""
    found: dict[str, list[float]] = {"hub and proxy": [], "server": [], "kernel": [], "other": []}
    for one in [psutil.Process(hub.pid), *psutil.Process(hub.pid).children(recursive=True)]:
        try:
            command, size = " ".join(one.cmdline()), one.memory_full_info().pss / 2**20
        except psutil.Error:
            continue
        names = {"singleuser": "server", "ipykernel": "kernel", "exercises.child": "other",
                 "jupyterhub": "hub and proxy", "http-proxy": "hub and proxy"}  # fmt: skip
        found[next((kind for word, kind in names.items() if word in command), "other")].append(size)
    return found


def processor_seconds(hub: subprocess.Popen) -> float:
    total = 0.0
    for one in [psutil.Process(hub.pid), *psutil.Process(hub.pid).children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


async def a_class(url: str, hub: subprocess.Popen, number: int, homes: Path) -> dict:
    learners = [
        Learner(f"learner-{place:02d}", CHAPTERS[place % len(CHAPTERS)]) for place in range(number)
    ]
    barrier, found = asyncio.Barrier(number + 1), {}
    tasks = [asyncio.create_task(one_learner(url, one, barrier)) for one in learners]
    await barrier.wait()
    found["idle"] = await asyncio.to_thread(memory_mb, hub)
    found["before"] = await asyncio.to_thread(processor_seconds, hub)
    begin = time.monotonic()
    clients = await asyncio.gather(*tasks)
    found["all chapters"] = time.monotonic() - begin
    found["full"] = await asyncio.to_thread(memory_mb, hub)
    found["after"] = await asyncio.to_thread(processor_seconds, hub)
    for client, learner in zip(clients, learners, strict=True):
        if "server ready" in learner.seconds:
            await read_back(client, learner, homes)
        else:
            learner.lost += 1
        await client.aclose()
    return found | {"learners": learners}


def table(found: dict, load: float) -> str:
    learners = found["learners"]
    lines = [
        "# A class on a hub",
        "",
        "`.venv/bin/python benchmarks/hub.py --learners 30 --write` makes this table (the first "
        "lines of the script say how). All log in in the same second and, when the last server is "
        "ready, open and run a chapter in the same second: more of a storm than a lesson.",
        "",
        f"{len(learners)} learners, {os.cpu_count()} processor cores, load of other work "
        f"{load:.1f} at the start, {time.strftime('%d %B %Y')}. Chapters, in turn: "
        f"{', '.join(name[:2] for name in CHAPTERS)}.",
        "",
        "| | |",
        "| --- | ---: |",
        f"| errors | {sum(len(one.errors) for one in learners)} |",
        f"| lost saves | {sum(one.lost for one in learners)} of {2 * len(learners)} read back |",
        f"| memory, all servers ready, no kernel | {total(found['idle']):,.0f} MB |",
        f"| memory, all chapters run, {len(found['full']['kernel'])} kernels alive | "
        f"{total(found['full']):,.0f} MB |",
        f"| of it hub and proxy | {sum(found['full']['hub and proxy']):,.0f} MB |",
        f"| a learner's server, median | {middle(found['full']['server']):,.0f} MB |",
        f"| a kernel after its chapter, median | {middle(found['full']['kernel']):,.0f} MB |",
        f"| the largest | {max(found['full']['kernel'], default=0):,.0f} MB |",
        f"| processor for start, log-in and server, a learner | "
        f"{found['before'] / len(learners):.1f} s |",
        f"| processor for a chapter, a learner | "
        f"{(found['after'] - found['before']) / len(learners):.1f} s |",
        f"| all chapters run after | {found['all chapters']:.0f} s |",
        "",
        "Memory is proportional (PSS): what processes share is counted once.",
        "",
        "| waiting time, seconds | median | longest |",
        "| --- | ---: | ---: |",
    ]
    for what in ("logged in", "server ready", "chapter opened", "first cell answered",
                 "chapter run", "save"):  # fmt: skip
        times = [one.seconds[what] for one in learners if what in one.seconds]
        if times:
            lines.append(f"| {what} | {statistics.median(times):.1f} | {max(times):.1f} |")
    counted = Counter(error for one in learners for error in one.errors)
    lines += ["", *(f"- {number} × {error}" for error, number in counted.most_common(20))]
    return "\n".join(lines).rstrip() + "\n"


def total(memory: dict[str, list[float]]) -> float:
    return sum(map(sum, memory.values()))


def middle(values: list[float]) -> float:
    return statistics.median(values) if values else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--learners", type=int, default=4)
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/hub.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _ended)  # so that the hub ends, too
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="m2k-hub-") as folder:
        hub, url = start_hub(Path(folder))
        try:
            homes = Path(folder) / "homes"
            found = asyncio.run(a_class(url, hub, options.learners, homes))
        finally:
            stop(hub)
            Path(tempfile.gettempdir(), "m2k-hub.log").write_text(
                (Path(folder) / "hub.log").read_text()
            )
    text = table(found, load)
    print(text)
    if options.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    if any(one.errors or one.lost for one in found["learners"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
