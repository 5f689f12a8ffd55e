"""The pages of the homeworks, by simulated visitors, with networks that have learned nothing (tests/untrained.py)."""

import asyncio
import shutil
from argparse import Namespace

import numpy as np
import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import UserInteraction

from common.data import Dataset
from common.playground import models, parts
from common.run.predictor import Local
from hw3_lstm_text.captions.looking import as_gif
from tests import untrained
from tests.playground import as_png, as_sent, seen, seven, texts, until, visits


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    for make in untrained.ALL:
        make(folder / make.__name__)
    untrained.writing(folder / "poems", "\n，。五七言二四八句雜深度學習花月", "poems")
    untrained.captions(folder / "plain", note_size=0)
    shutil.copytree(folder / "codes", folder / "more_codes")
    return folder


@pytest.fixture(autouse=True)
def there(outputs, tmp_path, monkeypatch):
    monkeypatch.setattr(models.where, "outputs", outputs)
    monkeypatch.setattr(models.where, "data_dir", tmp_path / "no-data")
    x, y = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), "uint8"), np.arange(60) % 10
    photographs = Dataset(x, y, x, y, None, tuple("abcdefghij"))
    digits = Dataset(x[:, :28, :28, 0], y, x[:, :28, :28, 0], y, None)
    monkeypatch.setattr(models, "examples", {"mnist": digits, "cifar10": photographs}.get)


def pictures(user):
    """How many pictures the visitor sees."""
    return len([picture for picture in seen(user, parts.Picture) if picture.visible])


async def press(user, text):
    user.find(kind=ui.button, content=text).click()
    await asyncio.sleep(0)


@visits
async def test_codes(user):
    await user.open("/codes")
    await press(user, "show the map")
    await until(lambda: pictures(user) == 1)
    user.find(marker="map").trigger("click", [0.25, 0.5])
    await until(lambda: pictures(user) == 2)
    (star,) = seen(user, ui.label, "star")
    assert star.visible
    assert star.style["left"] == "25.0%"
    assert star.style["top"] == "50.0%"
    user.find(kind=parts.Drawing).trigger("stroke", as_sent(seven()))
    await until(lambda: pictures(user) == 3)
    await press(user, "walk")
    await until(lambda: pictures(user) == 3 + 11)
    await press(user, "new noise")
    await until(lambda: pictures(user) == 3 + 11 + 12)
    coders = max(seen(user, ui.select, "runs"), key=lambda field: len(field.options))
    with user.client:
        coders.value = list(coders.options)[1]
    await until(lambda: pictures(user) == 1 + 12)  # what the other network drew is gone, but for the GAN's digits


@visits
async def test_faces(user):
    await user.open("/faces")
    await press(user, "new faces")
    await until(lambda: pictures(user) == 12)
    for face in seen(user, parts.Picture)[:2]:
        UserInteraction(user, {face}, None).trigger("click")
    await until(lambda: pictures(user) == 12 + 9)
    (sentence,) = seen(user, ui.input)
    with user.client:
        sentence.value = "a girl with qqq hair"
    await press(user, "draw what the sentence says")
    await until(lambda: "unknown words: qqq" in texts(user))
    with user.client:
        sentence.value = "qqq"
    await press(user, "draw what the sentence says")
    await until(lambda: any("knows no word" in each for each in user.notify.messages))


@visits
async def test_colour(user):
    await user.open("/colour")
    user.find(kind=parts.Drawing).trigger("stroke", as_sent(seven()))
    await until(lambda: pictures(user) == 2)


@visits
async def test_news(user):
    await user.open("/news")
    (text,) = seen(user, ui.textarea)
    with user.client:
        text.value = "Oil prices <b>rise</b> as the wheat falls"
    await press(user, "what is it about?")
    await until(lambda: seen(user, marker="marked", kind=ui.element))
    words = {span.text.strip(): span for span in seen(user, parts.Span)}
    assert {"oil", "prices", "b", "wheat"} <= set(words)
    assert "quiet" in words["rise"].classes
    assert "quiet" not in words["oil"].classes
    with user.client:
        text.value = "/etc/passwd"  # a text, not the name of a file
    await press(user, "what is it about?")
    await until(lambda: any("knows none of the words" in each for each in user.notify.messages))


@visits
async def test_objects(user):
    await user.open("/objects")
    (field,) = seen(user, ui.upload)
    with user.client:
        await field.handle_uploads([SmallFileUpload("my <i>.png", "image/png", as_png(seven()))])
    await until(lambda: seen(user, ui.element, "bars"))
    layers = [text for text in texts(user).split("\n") if ", filter " in text]
    assert len(layers) == 7 * 4
    assert pictures(user) == 1 + 2 * len(layers)
    await press(user, "a test picture")
    await until(lambda: pictures(user) == 1 + 2 * len(layers))


@visits
async def test_writing(user, monkeypatch):
    from hw3_lstm_text import page

    monkeypatch.setattr(page, "PAUSE", 0)
    monkeypatch.setattr(page, "LENGTH", 20)
    await user.open("/writing")
    (chosen,) = seen(user, ui.select, "runs")
    with user.client:
        chosen.value = next(run for run in chosen.options if run.folder.name == "writing")
    await asyncio.sleep(0.1)
    (cell,) = seen(user, ui.select, "cell")
    assert cell.options[7] == "lstm2, 1"
    with user.client:
        cell.value = 7
    await press(user, "write")
    await until(lambda: len(seen(user, parts.Span)) >= 20)
    spans = seen(user, parts.Span)
    assert {span.text for span in spans} <= set("\n abcdefgh")
    assert all(span.style["background"].startswith("#") for span in spans)
    (prompt,) = seen(user, ui.input, "prompt")
    with user.client:
        prompt.value = "no such letters: ß"
    await press(user, "write")
    await until(lambda: any("ß" in each for each in user.notify.messages))

    monkeypatch.setattr(page, "LENGTH", 500)  # a network that has learned nothing seldom ends a clause
    with user.client:
        prompt.value = ""
        chosen.value = next(run for run in chosen.options if run.folder.name == "poems")
    await asyncio.sleep(0.1)
    (heads,) = seen(user, ui.input, "acrostic")
    (cell,) = seen(user, ui.select, "cell")
    with user.client:
        heads.value, cell.value = "深度", 0
    await press(user, "write")
    await until(lambda: {"深", "度"} <= {span.text for span in seen(user, parts.Span)})
    assert all(span.style["background"].startswith("#") for span in seen(user, parts.Span))


@visits
async def test_captions(user):
    await user.open("/captions")
    (chosen,) = seen(user, ui.select, "runs")
    with user.client:
        chosen.value = next(run for run in chosen.options if run.folder.name == "captions")
    await press(user, "another clip")
    await until(lambda: seen(user, marker="word"))
    words = [label.text for label in seen(user, marker="word")]
    assert set("".join(words)) <= set("數字左右上下移動，。0123456789")
    assert pictures(user) == 1 + len(words)  # the clip, and where it looked for each
    assert "true: 數字" in texts(user)
    (clip,) = (picture for picture in seen(user, parts.Picture) if picture.props["alt"] == "the clip")
    assert clip.props["src"].startswith("data:image/gif;base64,")
    moving = [seven().convert("L").resize((64, 64)).rotate(0, translate=(x, 0)) for x in (0, 5, 10)]
    (field,) = seen(user, ui.upload)

    async def send(content):
        with user.client:
            await field.handle_uploads([SmallFileUpload("my <i>.gif", "image/gif", content)])

    await send(as_gif([each.point(lambda value: 255 - value) for each in moving]))
    await until(lambda: "true: " not in texts(user))
    await send(as_png(seven()))
    await until(lambda: any("my <i>.gif is a single picture" in each for each in user.notify.messages))
    with user.client:
        chosen.value = next(run for run in chosen.options if run.folder.name == "plain")
    await press(user, "another clip")
    await until(lambda: pictures(user) == 1)  # without attention it looks nowhere


@visits
async def test_talk(user):
    await user.open("/talk")
    (line,) = seen(user, ui.input, "line")
    for i, text in enumerate(("how are you?", "<b>music</b>")):
        with user.client:
            line.value = text
        await press(user, "say it")
        await until(lambda i=i: len(seen(user, ui.label, "it")) == i + 1)
    assert {label.text for label in seen(user, ui.label, "you")} == {"how are you?", "<b>music</b>"}
    await press(user, "a new talk")
    await until(lambda: not seen(user, ui.label, "it"))


def test_a_text_of_few_characters_has_bars_to_spare():
    from hw3_lstm_text import model, page

    reader = page.Reader(Local(model.build_reader(3, 4, [5])), "AC\n")
    writer = page.Writer(reader, Namespace(prompt="A", form=None, acrostic="", top_p=1.0, rhyme=False, temperature=1.0))
    *_, (chances, names) = writer.go_on(1.0)[0]
    assert len(chances) == len(names) == page.LIKELIEST
    assert sorted(names[:3]) == ["A", "C", "⏎"]
    assert names[3:] == [""] * 5
    assert chances[:3].sum() == pytest.approx(1, abs=1e-5)
