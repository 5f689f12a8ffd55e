"""What only a browser shows of the playground: a fresh clone, without data and without network, in a real Chromium."""

import os
import re
import socket
import subprocess
import sys

import pytest

from common.playground import frame
from tests.browser import CHROMIUM, Browser
from tests.helpers import NO_NETWORK, PATIENCE, ROOT

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(the address, the code that joins) of a playground that other machines could reach, with nothing trained."""
    folder = tmp_path_factory.mktemp("fresh")
    options = ["--host", "localhost", "--port", str(free_port())]
    options += ["--outputs", str(folder / "outputs"), "--data-dir", str(folder / "no-data")]
    with subprocess.Popen(
        [sys.executable, "-m", "common.playground", *options],
        cwd=ROOT,
        env={**os.environ, **NO_NETWORK},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = process.stdout.readline()
        found = re.search(r"(http://localhost:\d+) +the code that joins: (\d{6})", line)
        assert found, line
        yield found.groups()
        process.terminate()


def free_port():
    with socket.create_server(("localhost", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def browser(server, tmp_path_factory):
    """A browser that has joined by typing the code."""
    address, code = server
    with Browser(tmp_path_factory.mktemp("profile"), PATIENCE) as browser:
        browser.wait(lambda: browser.load(address))
        assert "Digits" not in browser.run("document.body.textContent")
        browser.run(f"document.querySelector('#code').value = '{code}'; document.querySelector('form').submit()")
        browser.wait(lambda: "Digits" in (browser.run("document.body && document.body.textContent") or ""))
        yield browser


def test_a_seven_drawn_with_the_mouse_is_a_seven(server, browser):
    """The network is trained on the spot, when the button is pressed; then it reads what is drawn."""
    address, _ = server
    browser.size(1280)
    browser.open(f"{address}/digits")
    assert browser.run("document.querySelector('canvas')") is None
    browser.click("button")
    browser.wait(lambda: browser.run("!!document.querySelector('canvas')"))
    browser.wait(browser.connected)
    left, top, width, height = browser.box("canvas")
    places = ((0.25, 0.22), (0.5, 0.21), (0.75, 0.22), (0.6, 0.5), (0.48, 0.8))
    browser.drag(*((left + x * width, top + y * height) for x, y in places))
    browser.wait(lambda: browser.run("document.querySelector('.bars .best')?.textContent") == "7")
    assert browser.run("[...document.querySelectorAll('.star')].filter(star => star.offsetParent).length") == 4


@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_nothing_sticks_out_and_nothing_leaves_the_machine(server, browser, width):
    address, _ = server
    browser.size(width)
    for name in ("", *frame.find()):
        browser.open(f"{address}/{name}")
        assert browser.run("document.documentElement.scrollWidth") <= width, name
        assert browser.run("document.querySelector('h1').textContent"), name
    assert not browser.errors
    hosts = {
        re.match(r"\w+://([^/]*)", each)[1] for each in browser.requests if not each.startswith(("data:", "blob:"))
    }
    assert hosts == {address.removeprefix("http://")}


def test_the_language_is_remembered(server, browser):
    address, _ = server
    browser.open(f"{address}/digits")
    browser.run("[...document.querySelectorAll('a')].find(link => link.textContent == '繁體中文').click()")
    browser.wait(lambda: browser.run("document.querySelector('h1')?.textContent") == "手寫數字")
    browser.open(f"{address}/runs")
    assert browser.run("document.querySelector('h1').textContent") == "訓練紀錄"
