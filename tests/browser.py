"""A headless Chromium that tests drive by its DevTools protocol: mouse, size of the window, what is loaded."""

import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

from websockets.sync.client import connect

from tests.helpers import NO_NETWORK, PATIENCE, ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def playground(folder):
    """(address, code that joins) of a playground that serves to others, with its outputs/ in `folder` and no data."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    options = ["--host", "localhost", "--port", str(port), "--outputs", str(folder / "outputs")]
    # a server that finds PYTEST_CURRENT_TEST would be NiceGUI's own test server, which asks for other settings
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    process = subprocess.Popen(
        [sys.executable, "-m", "common.playground", *options, "--data-dir", str(folder / "no-data")],
        cwd=ROOT,
        env={**environment, **NO_NETWORK},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.search(r"(http://localhost:\d+) +the code that joins: (\d{6})", line)
        assert found, line
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port)):
                break
            assert process.poll() is None, "the playground has stopped before it served a page"
            assert time.monotonic() < end, "the playground serves nothing"
            time.sleep(0.05)
        yield found.groups()
    finally:
        process.terminate()
        process.wait(PATIENCE)


class Browser:
    """One window; a context manager. requests: the addresses of all that was asked for. errors: what the console says.

    folder: for its profile.
    """

    def __init__(self, folder, patience=PATIENCE):
        self.patience, self.requests, self.errors, self.number = patience, [], [], itertools.count(1)
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        options += [f"--user-data-dir={folder}", "--remote-debugging-port=0", "--window-size=1280,900", "--lang=en-US"]
        self.process = subprocess.Popen(
            [CHROMIUM, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port = self.wait(lambda: (folder / "DevToolsActivePort").read_text().split()[0], (OSError, IndexError))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=patience) as answer:
            (page,) = (each for each in json.load(answer) if each["type"] == "page")
        self.socket = connect(page["webSocketDebuggerUrl"], max_size=None)
        for domain in ("Page", "Network", "Runtime"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.kill()
        self.process.wait(self.patience)

    def wait(self, condition, missing=()):
        """What `condition()` gives as soon as that is true; `missing`: exceptions that mean not yet."""
        end = time.monotonic() + self.patience
        while True:
            try:
                if found := condition():
                    return found
            except missing:
                pass
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    def send(self, method, **parameters):
        """The answer to a command of the protocol; events that come in between are kept."""
        number = next(self.number)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(self.patience))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                self.requests.append(message["params"].get("url") or message["params"]["request"]["url"])
            elif message["method"] == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"])

    def run(self, script):
        """What an expression of JavaScript gives."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def load(self, address):
        """Go to an address, and wait until all of the page is there."""
        answer = self.send("Page.navigate", url=address)
        assert "errorText" not in answer, answer
        self.wait(lambda: self.run(f"document.readyState == 'complete' && location.href.startsWith({address!r})"))

    def join(self, address, code):
        """Type the code that joins, and wait for the list of the pages."""
        self.load(address)
        assert "Digits" not in self.run("document.body.textContent")
        self.run(f"document.querySelector('#code').value = '{code}'; document.querySelector('form').submit()")
        self.wait(lambda: "Digits" in (self.run("document.body && document.body.textContent") or ""))

    def open(self, address):
        """Go to a page of the playground, and wait until it is there and connected."""
        self.load(address)
        self.wait(self.connected)

    def connected(self):
        return self.run("document.readyState == 'complete' && !!window.socket && window.socket.connected")

    def size(self, width, height=900):
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def drag(self, *places):
        """Press the mouse at the first of `places` (x, y), pull it along the others, let it go."""
        for i, (x, y) in enumerate(places):
            kind = "mouseMoved" if i else "mousePressed"
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)

    def box(self, selector):
        """(left, top, width, height) of an element, scrolled into view."""
        return self.run(f"""(() => {{
            const element = document.querySelector({selector!r});
            element.scrollIntoView({{block: "center"}});
            const box = element.getBoundingClientRect();
            return [box.left, box.top, box.width, box.height];
        }})()""")

    def click(self, selector):
        left, top, width, height = self.box(selector)
        self.drag((left + width / 2, top + height / 2))

    def draw_seven(self):
        """Draw a seven into the field, in one stroke."""
        left, top, width, height = self.box("canvas")
        places = ((0.25, 0.22), (0.5, 0.21), (0.75, 0.22), (0.6, 0.5), (0.48, 0.8))
        self.drag(*((left + x * width, top + y * height) for x, y in places))

    def screenshot(self, path, whole=True):
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))
