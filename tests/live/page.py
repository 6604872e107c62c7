"""The live edition as a reader meets it: a folder, served, in a Chromium that reaches no more."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import threading
import time
from dataclasses import dataclass, field

from playwright.sync_api import TimeoutError

# Nothing but the site itself can be reached, by page, worker or service worker.
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
# What JupyterLab knows of the cells, also of those that are not drawn.
CELLS = """() => {
    const {currentWidget} = window.jupyterapp.shell;
    return [...currentWidget.content.model.cells].filter(cell => cell.type === 'code').map(
        cell => ({id: cell.id, count: cell.executionCount, state: cell.executionState,
                  outputs: cell.outputs.toJSON(), source: cell.sharedModel.getSource()}));
}"""
KERNEL = "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser that is closed hangs up in the middle; that is no fault of the site."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(folder):
    """Serve a folder as any static host would; yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _telling(route):
    """The site's settings, with JupyterLab's own object to ask: no test is in what is published."""
    response = route.fetch()
    settings = response.json()
    settings["jupyter-config-data"]["exposeAppInBrowser"] = True
    route.fulfill(response=response, body=json.dumps(settings))


@dataclass
class Lesson:
    """A lesson open in the browser."""

    page: object
    address: str
    outside: list = field(default_factory=list)
    messages: list = field(default_factory=list)

    def open(self, chapter, seconds=120):
        """Open a chapter; return the seconds until its kernel stands idle."""
        begin = time.monotonic()
        self.page.goto(f"{self.address}/lab/index.html?path={chapter}.ipynb&reset")
        self.page.wait_for_function("() => window.jupyterapp !== undefined", timeout=30_000)
        self.wait_idle(seconds)
        # Only cells in view are drawn otherwise, and a test can't find the rest.
        self.page.evaluate(
            """() => { const {content} = window.jupyterapp.shell.currentWidget;
                       content.notebookConfig = {...content.notebookConfig, windowingMode: 'none'};
                     }"""
        )
        return time.monotonic() - begin

    def wait_idle(self, seconds):
        self.page.wait_for_function(f"() => ({KERNEL})() === 'idle'", timeout=1000 * seconds)

    def do(self, command):
        self.page.evaluate("name => void window.jupyterapp.commands.execute(name)", command)

    def run_all(self, seconds):
        """Run all cells; return the seconds until the last one was answered."""
        begin = time.monotonic()
        self.page.evaluate(
            "() => void window.jupyterapp.commands.execute('notebook:run-all-cells')"
        )
        done = f"() => ({CELLS})().every(cell => !cell.source.trim() || cell.count !== null)"
        try:
            self.page.wait_for_function(done, timeout=1000 * seconds, polling=500)
        except TimeoutError as error:
            waits = [cell["id"] for cell in self.cells() if cell["count"] is None]
            raise AssertionError(f"after {seconds} s still not answered: {waits}") from error
        return time.monotonic() - begin

    def answer(self, marked, text, seconds=120):
        """Write `text` into the code cell that holds `marked` (None: leave it) and run it."""
        number = self.page.evaluate(
            """marked => {
                const {content} = window.jupyterapp.shell.currentWidget;
                const cells = [...content.model.cells];
                content.activeCellIndex = cells.findIndex(cell =>
                    cell.type === 'code' && cell.sharedModel.getSource().includes(marked));
                return cells.filter(cell => cell.type === 'code').indexOf(content.activeCell.model);
            }""",
            marked,
        )
        assert number >= 0, f"no code cell holds {marked}"
        if text is not None:
            self.do("notebook:enter-edit-mode")
            self.page.wait_for_function(
                "() => document.activeElement.closest('.jp-Cell.jp-mod-active .cm-content')"
            )
            self.page.keyboard.press("Control+A")
            self.page.keyboard.insert_text(text)
        before = self.cells()[number]["count"]
        self.do("notebook:run-cell")
        self._wait_answered(number, before, seconds)
        return self.cells()[number]

    def run(self, text, wait=True, seconds=120):
        """Run `text` in a new cell at the end."""
        self.page.evaluate(
            """() => { const {content} = window.jupyterapp.shell.currentWidget;
                       content.activeCellIndex = content.model.cells.length - 1; }"""
        )
        self.do("notebook:insert-cell-below")
        self.do("notebook:enter-edit-mode")
        self.page.keyboard.insert_text(text)
        number = len(self.cells()) - 1
        self.do("notebook:run-cell")
        if wait:
            self._wait_answered(number, None, seconds)
        return self.cells()[number]

    def _wait_answered(self, number, before, seconds):
        self.page.wait_for_function(
            f"([number, before]) => {{ const {{count}} = ({CELLS})()[number];"
            " return count !== null && count !== before; }",
            arg=[number, before], timeout=1000 * seconds,
        )  # fmt: skip
        self.wait_idle(seconds)

    def key_to_picture_ms(self, times):
        """Press an arrow key on the first explorer's first slider; milliseconds to its picture."""
        explorer = self.page.locator(".jp-OutputArea-output .m2k-explorer").first
        explorer.scroll_into_view_if_needed()
        handle = explorer.locator(".noUi-handle").first
        low, now = (handle.get_attribute(f"aria-value{which}") for which in ("min", "now"))
        there, back = ("ArrowRight", "ArrowLeft") if now == low else ("ArrowLeft", "ArrowRight")
        explorer.evaluate(
            """node => {
                window.m2kTimes = [];
                let pressed = null, before = null;
                const source = () => node.querySelector('img').src;
                node.addEventListener('keydown', () => {
                    [pressed, before] = [performance.now(), source()];
                }, true);
                // The number beside the slider changes at once; the picture comes from the kernel.
                new MutationObserver(() => {
                    if (pressed && source() !== before) {
                        window.m2kTimes.push(performance.now() - pressed);
                        pressed = null;
                    }
                }).observe(node, {subtree: true, childList: true, attributes: true,
                                  attributeFilter: ['src']});
            }"""
        )
        for number in range(times):
            before = explorer.locator("img").first.get_attribute("src")
            handle.press(back if number % 2 else there)  # takes the focus, too
            self.page.wait_for_function(
                "([node, src]) => node.querySelector('img').src !== src",
                arg=[explorer.element_handle(), before],
            )
        return self.page.evaluate("() => window.m2kTimes")

    def save(self):
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")

    def restart(self, seconds):
        """Restart the kernel as the menu does, in the middle of whatever it is doing."""
        self.page.evaluate(
            "() => void window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
        )
        self.page.wait_for_function(f"() => ({KERNEL})() !== 'busy'", timeout=30_000)
        self.wait_idle(seconds)

    def cells(self):
        return self.page.evaluate(CELLS)

    def errors(self):
        """Cells that ended in an error: number among the code cells, name, text."""
        return [
            (number, output["ename"], output["evalue"])
            for number, cell in enumerate(self.cells())
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]


@contextlib.contextmanager
def reader(playwright, chromium_path, address, profile, flags):
    """A browser whose storage lies in the folder `profile`, so that it outlives the browser."""
    context = playwright.chromium.launch_persistent_context(
        str(profile), executable_path=chromium_path, args=[*flags, ALONE],
        viewport={"width": 1366, "height": 768},
    )  # fmt: skip
    try:
        page = context.pages[0] if context.pages else context.new_page()
        page.set_default_timeout(60_000)
        lesson = Lesson(page, address)
        context.on("request", lambda asked: _note(lesson, asked.url))
        page.on("console", lambda said: lesson.messages.append((said.type, said.text)))
        page.on("pageerror", lambda error: lesson.messages.append(("pageerror", str(error))))
        context.route("**/jupyter-lite.json*", _telling)
        yield lesson
    finally:
        context.close()


def _note(lesson, url):
    if url.startswith("http") and not url.startswith(lesson.address):
        lesson.outside.append(url)
