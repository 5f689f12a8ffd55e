"""The playground's page of the codes: a map whose every place is a digit, walks between digits, digits from noise."""

import numpy as np
from nicegui import ui

from common.data import images
from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from hw4_autoencoder import evaluate, maps, writing
from hw4_autoencoder.analyze import GANS
from hw4_autoencoder.codes import Codes

HOMEWORK = "hw4_autoencoder"
NAME = "codes"
TITLE = ("Codes", "code 的地圖")
ABOUT = (
    "An autoencoder turns a digit into a few numbers, its code, and a code into a digit. Click into the map of codes.",
    "自編碼器把手寫數字變成幾個數值（code），也能把 code 變回手寫數字。點一點 code 的地圖。",
)
DIGITS = [str(digit) for digit in range(10)]
KNOWN, MAPPED = 10_000, 3000  # training digits whose codes are asked for, test digits on the map
SAMPLES = 12  # digits that a GAN draws at a time


def build():
    def of_digits(run):
        return run.config["options"].get("data_set", "mnist") == "mnist"

    coders = models.finished(
        HOMEWORK,
        lambda run: of_digits(run) and run.recipe not in GANS and run.config["options"]["latent_dim"] >= 2,
    )
    build_map(coders)
    ui.separator()
    ui.label(say("Digits from noise", "從雜訊生成數字")).classes("title")
    build_noise(models.finished(HOMEWORK, lambda run: of_digits(run) and run.recipe == "cgan"))


def build_map(found):
    """The map, the digit of a place, the visitor's own digit on it, the walk between two digits."""

    async def show_map():
        for picture in (here, seen):  # they are of another network
            picture.set_visibility(False)
        told.text = ""
        way.show([])
        if coder := await compute(models.prepared, open_coder, chosen.value):
            star.show(coder.drawn)
            opened.set_visibility(True)
            opener.set_visibility(False)

    async def click(left, top):
        if found := await compute(decode_place, chosen.value, left, top):
            show(*found)

    async def own(file):
        if found := await compute(encode_own, chosen.value, file):
            show(*found)
            seen.show(255 - found[3])

    def show(coder, place, digit, _=None):
        star.show(coder.drawn, place)
        here.show(255 - digit)
        told.text = "(" + ", ".join(f"{number:.2f}" for number in place) + ")"

    async def walk():
        if (drawn := await compute(walk_between, chosen.value, int(start.value), int(end.value))) is not None:
            way.show(255 - drawn)

    chosen = models.choose(found, f"python {HOMEWORK}/train_vae.py --out outputs/vae", on_change=show_map)
    if not chosen:
        return
    opener = ui.button(say("show the map", "顯示地圖"), icon="map", on_click=show_map).props("no-caps")
    with ui.element("div") as opened, ui.element("div").classes("panels"):
        with ui.column().classes("panel"):
            ui.label(
                say("Click anywhere: the digit of that code appears.", "點任何地方，就會出現那個 code 的手寫數字。")
            )
            star = parts.StarMap(say("the map of the codes", "code 的地圖"), click)
        with ui.column().classes("panel"):
            here, told = parts.Picture(say("the digit of this place", "這個位置的數字"), "168px"), ui.label()
            ui.label(say("A walk between two digits:", "從一個數字走到另一個：")).classes("title")
            with ui.row():
                start = ui.select(DIGITS, value="3", label=say("from", "從")).mark("start")
                end = ui.select(DIGITS, value="8", label=say("to", "到")).mark("end")
                ui.button(say("walk", "走"), on_click=walk).props("no-caps")
            way = parts.Strip(say("step", "第幾步"), "44px")
        with ui.column().classes("panel"):
            ui.label(
                say("Draw your own: where does it lie, and what comes back?", "自己畫一個：它在哪裡？會變回什麼？")
            )
            field = parts.Drawing(own)
            with ui.row():
                ui.button(say("clear", "清除"), icon="delete", on_click=field.clear).props("no-caps")
                parts.upload(say("a picture", "上傳圖片"), own)
            seen = parts.Picture(say("your digit, as the network sees it", "網路看到的你的數字"), "84px")
    opened.set_visibility(False)


def build_noise(found):
    """A digit is asked for, and a GAN draws it from noise."""
    chosen = models.choose(found, f"python {HOMEWORK}/train_gan.py --out outputs/cgan")
    if not chosen:
        return

    async def draw():
        if (drawn := await compute(draw_digit, chosen.value, int(digit.value))) is not None:
            strip.show(255 - drawn)

    chosen.on_value_change(lambda: strip.show([]))  # what was drawn is another's
    with ui.row().style("align-items: center"):
        digit = ui.select(DIGITS, value="5", label=say("digit", "數字")).mark("digit")
        ui.button(say("new noise", "新的雜訊"), icon="casino", on_click=draw).props("no-caps")
    strip = parts.Strip(say("sample", "樣本"), "64px")


class Coder(Codes):
    """A Codes with its map: `to_plane` and `back`, see maps.plane; `drawn`, the parts.Map; codes of test digits."""

    def __init__(self, model):
        super().__init__(model)
        digits = models.examples("mnist")
        self.to_plane, self.back = maps.plane(self, self.encode(digits.x_train[:KNOWN]))
        self.codes, self.labels = self.encode(digits.x_test[:MAPPED]), digits.y_test[:MAPPED]
        self.drawn = parts.Map(self.to_plane(self.codes), self.labels, DIGITS, size=4.5)


def open_coder(run):
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return Coder(analysis.in_float32(model))


def decode_place(run, left, top):
    """(the Coder, the place (2,) of a click, the digit of its code)."""
    coder = models.prepared(open_coder, run)
    place = coder.drawn.point(left, top)
    return coder, place, coder.decode(coder.back(place[None]))[0]


def encode_own(run, file):
    """(the Coder, the place (2,) of a drawn digit, what comes back, the digit as the network sees it)."""
    coder, digit = models.prepared(open_coder, run), images.read_digit(file)
    code = coder.encode(digit[None])
    return coder, coder.to_plane(code)[0], coder.decode(code)[0], digit


def walk_between(run, start, end):
    """The images on the straight way between the codes of a typical `start` and a typical `end`."""
    coder = models.prepared(open_coder, run)
    ends = [coder.codes[writing.typical(coder.codes, coder.labels, digit)] for digit in (start, end)]
    return coder.decode(writing.walk(*ends))


def open_generator(run):
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return analysis.in_float32(model)


def draw_digit(run, digit):
    """SAMPLES images of a digit, uint8, by a cgan, from new noise."""
    generator = models.prepared(open_generator, run)
    noise = np.random.default_rng().standard_normal((SAMPLES, generator.inputs[0].shape[1]), "float32")
    return evaluate.generate(generator, [noise, np.eye(10, dtype="float32")[[digit] * SAMPLES]])
