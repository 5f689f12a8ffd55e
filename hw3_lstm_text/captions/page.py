"""The playground's page of the captions: a clip of moving digits, the sentence about it, where each word came from."""

import base64

import numpy as np
from nicegui import ui
from PIL import Image

from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from hw3_lstm_text.captions import clips, own_clip
from hw3_lstm_text.captions.generate import HOMEWORK, open_captioner
from hw3_lstm_text.captions.looking import as_gif, lit, looked_at

NAME = "captions"
TITLE = ("Captions", "影片敘述")
ABOUT = (
    "A clip of moving digits: the network says what happens, and shows where it looked for each word.",
    "一段數字移動的影片：網路說出發生了什麼事，並顯示每個詞它看了哪裡。",
)
TIMES = 4  # so much larger are clips shown


def build():
    chosen = models.choose(models.finished(HOMEWORK), "python hw3_lstm_text/captions/train.py")
    if not chosen:
        return

    async def caption(file):
        if found := await compute(look_at, chosen.value, file):
            show(*found)

    def show(gif, words, looks, true):
        clip.props["src"] = f"data:image/gif;base64,{base64.b64encode(gif).decode()}"
        clip.set_visibility(True)
        sentence.clear()
        with sentence:
            for word, look in zip(words, looks, strict=True):
                with ui.column().style("gap: .1rem; align-items: center"):
                    ui.label(parts.as_text(word)).classes("title").mark("word")
                    if look:
                        number, picture = look
                        parts.Picture(say("where it looked", "它看的地方"), "72px").show(picture)
                        ui.label(say(f"frame {number}", f"第 {number} 張")).classes("quiet")
        truth.text = say(f"true: {true}", f"正確答案：{true}") if true else ""

    with ui.row():
        another = say("another clip", "換一段影片")
        ui.button(another, icon="casino", on_click=lambda: caption(None)).props("no-caps")
        parts.upload(say("a GIF of yours", "上傳 GIF"), caption)
    with ui.element("div").classes("panels"):
        with ui.column().classes("panel small"):
            clip = parts.Picture(say("the clip", "影片"), f"{TIMES * clips.SIDE}px")
        with ui.column().classes("panel").style("flex: 3 1 20rem"):
            sentence = ui.element("div").classes("strip").mark("sentence")
            truth = ui.label().classes("quiet").mark("true")


def open_run(run):
    captioner, _ = open_captioner(run.options)
    return captioner


def look_at(run, file):
    """(the clip as a GIF in bytes, the words about it, for each (number of a frame, picture) or None, what is true).

    Of a clip that was sent, or where `file` is None of a new one of test digits: of the first nobody knows the truth.
    """
    captioner, true = models.prepared(open_run, run), ""
    if file:
        clip = own_clip.read(file)
    else:
        digits = models.examples("mnist")
        scenes = clips.draw_scenes(digits.y_test, 1, np.random.default_rng())
        (clip,), _ = clips.film(scenes, digits.x_test)
        (true,) = captioner.language.sentences(scenes)
    words, weights = captioner.describe(clip)
    looks = [None] * len(words)
    if weights is not None:
        looks = [
            (number + 1, lit(clip[number], weight[number]))
            for weight, number in zip(weights, map(looked_at, weights), strict=True)
        ]
    large = [Image.fromarray(frame).resize((TIMES * clips.SIDE,) * 2, Image.Resampling.NEAREST) for frame in clip]
    return as_gif(large, 120), words, looks, true
