"""The playground, by simulated visitors: the frame, the line in front of the models, the digits, the runs."""

import asyncio
import importlib
import json
import shutil
import threading

import httpx
import numpy as np
import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload
from PIL import Image
from starlette.responses import PlainTextResponse

from common.errors import UserError
from common.playground import __main__ as program
from common.playground import frame, line, models, parts
from common.playground import gate as gates
from common.playground.gate import Gate
from common.run import analysis
from hw1_mnist_mlp import page as digits
from hw1_mnist_mlp import train
from tests.helpers import ROOT, assert_one_sentence
from tests.playground import another, as_png, as_sent, seen, seven, texts, until, visits

PAGES = frame.find()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of runs with a digit network that was trained on the built-in sample."""
    folder = tmp_path_factory.mktemp("outputs")
    options = ["--data", "sample", "--precision", "float32", "--set", "hidden=[128]", "--out"]
    assert train.main([*options, str(folder / train.HOMEWORK)]) == 0
    return folder


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """Nothing is trained and nothing is staged, unless a test says otherwise."""
    monkeypatch.setattr(models.where, "outputs", tmp_path / "outputs")
    monkeypatch.setattr(models.where, "data_dir", tmp_path / "no-data")


def test_every_page_is_found():
    modules = [path for path in ROOT.glob("*/**/page.py") if ".venv" not in path.parts]
    assert len(PAGES) == len(modules)
    for address, page in PAGES.items():
        assert address == page.NAME
        assert not isinstance(page, frame.UnusablePage), page.ABOUT
        for english, chinese in (page.TITLE, page.ABOUT):
            assert english.isascii()
            assert any("\u4e00" <= character <= "\u9fff" for character in chinese), chinese
        assert callable(page.build)


@visits
async def test_a_page_that_cannot_be_imported_stops_no_other(user, monkeypatch):
    load = importlib.import_module

    def fails(name):
        if name == "hw1_mnist_mlp.page":
            raise SyntaxError("a <b> is missing")
        return load(name)

    monkeypatch.setattr(importlib, "import_module", fails)
    pages = frame.find()
    assert len(pages) == len(PAGES)
    assert "a <b> is missing" in pages["hw1_mnist_mlp.page"].ABOUT[0]


@visits
async def test_the_list_names_all_pages_in_both_languages(user):
    await user.open("/")
    for page in PAGES.values():
        assert page.ABOUT[0] in texts(user)
    user.http_client.cookies.set("language", "zh-TW")
    await user.open("/")
    for page in PAGES.values():
        assert page.ABOUT[1] in texts(user)
    await user.open("/no/such/page")
    assert "沒有這個頁面" in texts(user)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_a_model_names_the_command(name):
    @visits
    async def visit(user):
        await user.open(f"/{name}")
        commands = [label.text for label in seen(user) if "command" in label.classes]
        if name != "lowest-point":  # the game needs no model
            script = commands[0].split()[1]
            assert commands[0].startswith("python ")
            assert (ROOT / script).exists(), script

    visit()


@visits
async def test_opening_a_page_loads_and_trains_nothing(user, monkeypatch, trained):
    def never(*_, **__):
        raise AssertionError("it was not asked for")

    for module, name in ((analysis, "open_model"), (models.data, "load"), (digits.subprocess, "run")):
        monkeypatch.setattr(module, name, never)
    monkeypatch.setattr(models.where, "outputs", trained)
    for name in PAGES:
        await user.open(f"/{name}")
        await asyncio.sleep(0.1)
        assert "not asked for" not in texts(user)


@visits
async def test_one_computes_and_the_others_see_that_they_wait(user, monkeypatch):
    monkeypatch.setattr(line, "PATIENCE", 0.02)
    second, gone = another(user), another(user)
    for each in (user, second, gone):
        await each.open("/runs")
    release, order = threading.Event(), []

    def first():
        assert release.wait(30)
        order.append("first")
        return 1

    async def ask(visitor, function):
        with visitor.client:
            return await line.compute(function)

    tasks = [
        asyncio.create_task(ask(visitor, function))
        for visitor, function in (
            (user, first),
            (gone, lambda: order.append("gone")),
            (second, lambda: order.append("second")),
        )
    ]
    await until(lambda: "2 before you" in texts(second))
    assert "computing" in texts(user)
    gone.client.delete()
    await until(lambda: "1 before you" in texts(second))
    release.set()
    assert (await asyncio.gather(*tasks, return_exceptions=True))[0] == 1
    assert order == ["first", "second"]
    assert "before you" not in texts(second)


@visits
async def test_what_fails_is_said_and_the_next_computes(user):
    await user.open("/runs")

    def wrong():
        raise UserError("there is no <b>face</b> in it")

    def broken():
        raise ZeroDivisionError("by zero")

    with user.client:
        assert await line.compute(wrong) is None
        assert await line.compute(broken) is None
        assert await line.compute(lambda: 3) == 3
    assert "there is no <b>face</b> in it" in user.notify.messages
    assert any("ZeroDivisionError: by zero" in message for message in user.notify.messages)


async def behind(scope, receive, send):
    """The application behind the gate in its tests."""
    await PlainTextResponse("inside")(scope, receive, send)


def at(gate, address="http://127.0.0.1:8080"):
    """A visitor of what stands behind a Gate."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url=address, follow_redirects=True)


async def socket_is_refused(gate, headers):
    """Whether a web socket is closed before it opens."""
    sent = []

    async def send(message):
        sent.append(message)

    await gate(
        {"type": "websocket", "path": "/_nicegui_ws/", "headers": headers, "server": ("127.0.0.1", 1)}, None, send
    )
    return sent == [{"type": "websocket.close", "code": 1008}]


def test_a_code_lets_in(monkeypatch):
    waits, sleep = [], asyncio.sleep

    def wait(seconds):
        waits.append(seconds)
        return sleep(0)

    async def visit():
        gate = Gate(behind, code="123456")
        async with at(gate) as visitor:
            asked = await visitor.get("/digits")
            assert "inside" not in asked.text
            assert "code" in asked.text
            answer = await visitor.get("/join", params={"code": "<b>1"})
            assert answer.status_code == 403
            assert "&lt;b&gt;1" in answer.text
            visitor.cookies.set("joined", "123456")  # the code is no cookie: that could be guessed without waiting
            assert "inside" not in (await visitor.get("/")).text
            visitor.cookies.clear()
            assert (await visitor.get("/join", params={"code": "123 456"})).text == "inside"
            assert (await visitor.get("/digits")).text == "inside"
            token = visitor.cookies["joined"]
        assert await socket_is_refused(gate, [(b"cookie", b"joined=123456")])
        assert not await socket_is_refused(gate, [(b"cookie", f"joined={token}".encode())])

    monkeypatch.setattr(asyncio, "sleep", wait)
    asyncio.run(visit())
    assert waits == [1]


def test_codes_are_looked_at_one_at_a_time(monkeypatch):
    """Else a program tries all of them in minutes; and who must wait for too many others is sent away."""
    monkeypatch.setattr(gates, "MOST_WAITING", 3)

    async def visit():
        gate = Gate(behind, code="123456")
        async with at(gate) as visitor, gate.guessing:
            guesses = [asyncio.ensure_future(visitor.get("/join", params={"code": "123456"})) for _ in range(4)]
            done, waiting = await asyncio.wait(guesses, timeout=0.5)
            assert [(await each).status_code for each in done] == [429]
            assert len(waiting) == 3
        return [(await each).text for each in waiting]

    assert asyncio.run(visit()) == ["inside"] * 3


def test_this_machine_is_called_by_its_own_name_only():
    async def visit():
        gate = Gate(behind, hosts=("127.0.0.1", "localhost"))
        assert (await at(gate).get("/")).text == "inside"
        assert (await at(gate, "http://evil.example:8080").get("/")).status_code == 421

    asyncio.run(visit())


def test_nobody_sends_more_than_a_picture():
    async def visit():
        visitor = at(Gate(behind))
        assert (await visitor.post("/", content=b"x")).status_code == 200
        assert (await visitor.post("/", headers={"content-length": "30000000"}, content=b"x")).status_code == 413

    asyncio.run(visit())


def test_the_language_is_kept_and_leads_back_to_own_pages_only():
    async def visit():
        visitor = at(Gate(behind))
        visitor.follow_redirects = False
        answer = await visitor.get("/language", params={"language": "zh-TW", "to": "/digits"})
        assert answer.headers["location"] == "/digits"
        assert answer.cookies["language"] == "zh-TW"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        for elsewhere in ("//evil.example", "/\\evil.example", "http://evil.example"):
            assert (await visitor.get("/language", params={"to": elsewhere})).headers["location"] == "/"

    asyncio.run(visit())


@visits
async def test_a_drawn_seven_is_a_seven(user, monkeypatch, trained, tmp_path):
    strange = tmp_path / "outputs" / "<b>mine"
    shutil.copytree(trained / digits.HOMEWORK, strange)
    await user.open("/digits")
    (chosen,) = seen(user, ui.select)
    assert "<b>mine · fast" in chosen.options.values().__iter__().__next__()

    other = another(user)
    await other.open("/digits")
    user.find(kind=parts.Drawing).trigger("stroke", as_sent(seven()))
    await until(lambda: "says 7" in texts(user))
    (best,) = {label.text for label in seen(user) if "best" in label.classes and "%" not in label.text}
    assert best == "7"
    assert {"input", "hidden_1", "logits"} <= set(texts(user).split("\n"))
    stars = [star for star in seen(user, marker="star") if star.visible]
    assert len(stars) == 3
    assert "says" not in texts(other), "a visitor sees what another has drawn"

    (field,) = seen(user, ui.upload)  # a picture that is sent is read as --image reads it: light on dark, too
    dark = Image.fromarray(255 - np.asarray(seven()))
    with user.client:
        await field.handle_uploads([SmallFileUpload("my <i>.png", "image/png", as_png(dark))])
        await asyncio.sleep(0)
        await field.handle_uploads([SmallFileUpload("my <i>.png", "image/png", b"no picture")])
    await until(lambda: any("my <i>.png cannot be read as a picture" in each for each in user.notify.messages))
    monkeypatch.setattr(parts, "MOST_BYTES", 10)
    with user.client:
        await field.handle_uploads([SmallFileUpload("large.png", "image/png", as_png(dark))])
    await until(lambda: any("too large" in each for each in user.notify.messages))


@visits
async def test_two_runs_answer_side_by_side(user, trained, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(trained / digits.HOMEWORK, tmp_path / "outputs" / name)
    await user.open("/digits")
    (chosen,) = seen(user, ui.select)
    with user.client:
        chosen.value = list(chosen.options)
    user.find(kind=parts.Drawing).trigger("stroke", as_sent(seven()))
    await until(lambda: len(seen(user, ui.element, "bars")) == 2)


@visits
async def test_the_runs_are_seen_live(user, trained, tmp_path, monkeypatch):
    from common.playground import page as runs

    monkeypatch.setattr(runs, "EVERY", 0.05)
    run = shutil.copytree(trained / digits.HOMEWORK, tmp_path / "outputs" / "mine")
    (tmp_path / "outputs" / "broken").mkdir()
    (tmp_path / "outputs" / "broken" / "config.json").write_text("{")
    (run / "metrics.json").rename(run / "finished.json")
    await user.open("/runs")
    (chosen,), (chart,) = seen(user, ui.select, "runs"), seen(user, ui.echart)
    assert list(chosen.options) == ["mine"]
    assert "training, at" in chosen.options["mine"]
    length = len(chart.options["series"][0]["data"])
    rows = (run / "history.csv").read_text().splitlines()
    last = rows[-1].split(",")
    (run / "history.csv").write_text("\n".join([*rows, ",".join([str(int(last[0]) + 1), *last[1:]])]) + "\n")
    await until(lambda: len(chart.options["series"][0]["data"]) == length + 1)
    (run / "finished.json").rename(run / "metrics.json")
    await until(lambda: "test accuracy" in chosen.options["mine"])
    (table,) = seen(user, ui.table)
    accuracy = json.loads((run / "metrics.json").read_text())["test_accuracy"]
    assert {"name": "test accuracy", "0": f"{accuracy:.4g}"} in table.rows

    shutil.rmtree(tmp_path / "outputs" / "broken")
    waiting = asyncio.create_task(user.download.next(timeout=30))
    await asyncio.sleep(0)
    user.find("the report of all runs").click()
    assert b"hw1_mnist_mlp: mine" in (await waiting).content


def test_what_the_program_says(capsys, tmp_path):
    with program.socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert program.main(["--port", port]) == 1
    assert_one_sentence(capsys.readouterr().err, "127.0.0.1", port, "--port")
    assert program.address_of("192.168.1.5") == "192.168.1.5"
    assert program.main(["--port", "99999"]) == 1
    assert_one_sentence(capsys.readouterr().err, "there is no port 99999")
