"""HTML → PNG, by a headless Chromium and its DevTools protocol.

Chromium's own `--screenshot` may be too early on a busy machine.
"""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",  # it reads from file descriptor 3 and writes to 4
    "--no-sandbox",  # not available to root; only our own page is opened
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
_ON_A_PIPE = ["sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 >/dev/null 2>&1']
_SIZE = "({width: document.body.offsetWidth, height: document.body.offsetHeight})"


def screenshot(page: str, picture: Path, *, scale: float) -> None:
    """Draw the body of a page, with `scale` pixels for each CSS pixel."""
    browser = next(filter(shutil.which, _NAMES), None)
    if browser is None:
        sys.exit("There is no browser to draw with: install Chromium, by `apt-get install chromium` on Debian.")
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen(
            [*_ON_A_PIPE, browser, *_OPTIONS, f"--user-data-dir={profile}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        tab = _Tab(process)
        tab.ask("Page.setDocumentContent", frameId=tab.id, html=page)
        size = tab.ask("Runtime.evaluate", expression=_SIZE, returnByValue=True)["result"]["value"]
        tab.ask("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=scale, mobile=False)
        tab.ask("Emulation.setDefaultBackgroundColorOverride", color={"r": 0, "g": 0, "b": 0, "a": 0})
        picture.write_bytes(base64.b64decode(tab.ask("Page.captureScreenshot")["data"]))


class _Tab:
    """A tab of a browser, controlled over a pipe."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._asked = 0
        self._session: dict[str, str] = {}
        self.id = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=self.id, flatten=True)

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a DevTools command; returns its result."""
        assert self._process.stdin
        self._asked += 1
        request = {"id": self._asked, "method": method, "params": parameters} | self._session
        self._process.stdin.write(json.dumps(request).encode() + b"\0")
        self._process.stdin.flush()
        while (message := self._read()).get("id") != self._asked:
            pass  # an event
        assert "result" in message, message
        return message["result"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        message = bytearray()
        while (byte := self._process.stdout.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        return json.loads(message)
