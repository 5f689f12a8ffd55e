"""What only a browser shows of the playground: a fresh clone, without data and without network, in a real Chromium."""

import re

import pytest

from common.playground import frame
from tests.browser import CHROMIUM, Browser, playground

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with playground(tmp_path_factory.mktemp("fresh")) as address_and_code:
        yield address_and_code


@pytest.fixture(scope="module")
def browser(server, tmp_path_factory):
    """A browser that has joined."""
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.join(*server)
        yield browser


@pytest.mark.slow  # test_playground.py asks the same page without a browser
def test_a_seven_drawn_with_the_mouse_is_a_seven(server, browser):
    """The network is trained on the spot, when the button is pressed; then it reads what is drawn."""
    address, _ = server
    browser.size(1280)
    browser.open(f"{address}/digits")
    assert browser.run("document.querySelector('canvas')") is None
    browser.click("button")
    browser.wait(lambda: browser.run("!!document.querySelector('canvas')"))
    browser.wait(browser.connected)
    browser.draw_seven()
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
