"""The browser edition: JupyterLite, Pyodide and the course's own wheel, as a folder of files."""

from tools.live.edition import build

__all__ = ["build"]
