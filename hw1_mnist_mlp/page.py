"""The playground's page of the digits: who draws one sees what the network says, and what each layer makes of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from nicegui import ui

from common.data import images
from common.errors import UserError
from common.playground import models, parts
from common.playground.given import where
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from hw1_mnist_mlp.own_digit import DigitReader

HOMEWORK = "hw1_mnist_mlp"
NAME = "digits"
TITLE = ("Digits", "手寫數字")
ABOUT = (
    "Draw a digit with the mouse or a finger. A fully connected network reads it; see what each layer makes of it.",
    "用滑鼠或手指畫一個數字，讓全連接網路辨識，並看看每一層把它變成什麼樣子。",
)
DIGITS = [str(digit) for digit in range(10)]


def build():
    found = models.finished(HOMEWORK)
    chosen = models.choose(found, f"python {HOMEWORK}/train.py", several=True)
    if not found:
        ui.button(say("or train one here and now", "或現在就訓練一個"), on_click=train_here).props("no-caps")
        return

    async def read(file):
        if not chosen.value:
            ui.notify(say("Choose a run first.", "請先選一個訓練結果。"))
        elif answers := await compute(read_digit, tuple(chosen.value), file):
            show(*answers)

    def show(digit, answers):
        seen_as.show(255 - digit)
        answered.clear()
        with answered:
            for run, reader, seen in answers:
                if len(answers) > 1:
                    ui.label(run.label).classes("quiet")
                parts.Bars(DIGITS).show(seen[reader.last].chances)
        of_layers(*answers[0][1:])

    panels = {}  # {layer: what shows it}, of the run that was shown last

    def of_layers(reader, seen):
        if panels.get("of") is not reader:
            panels.clear()
            layers.clear()
            with layers:
                panels.update({"of": reader, **{name: Layer(name) for name in seen}})
        for name, layer in seen.items():
            panels[name].show(layer, reader.drawn[name], name == reader.last)

    with ui.element("div").classes("panels"):
        with ui.column().classes("panel"):
            field = parts.Drawing(read)
            with ui.row():
                ui.button(say("clear", "清除"), icon="delete", on_click=field.clear).props("no-caps")
                parts.upload(say("a picture", "上傳圖片"), read)
        answered = ui.column().classes("panel answered")
        with ui.column().classes("panel small"):
            ui.label(say("what the network sees, 28 x 28", "網路看到的樣子（28 x 28）")).classes("quiet")
            seen_as = parts.Picture(say("the digit as the network sees it", "網路看到的數字"), "112px")
    ui.label(
        say(
            "What each layer makes of it: its numbers (the darker, the larger), and where it puts your digit, the "
            "star, on the map of test digits (PCA). A linear probe is a linear classifier that sees this layer alone.",
            "每一層把它變成什麼：輸出的數值（越深越大），以及你的數字（星星）落在測試數字地圖（PCA）的哪裡。"
            "linear probe 是只看這一層輸出的線性分類器。",
        )
    ).classes("quiet")
    layers = ui.element("div").classes("panels")


class Layer:
    """What one layer makes of the digit: its numbers as a picture, and its map with the star."""

    def __init__(self, name):
        with ui.column().classes("panel small"):
            ui.label(name).classes("title")
            self.says = ui.label().classes("quiet")
            self.units = parts.Picture(say(f"the numbers of {name}", f"{name} 的輸出"), "112px")
            self.map = parts.StarMap(say(f"the map of {name}, by PCA", f"{name} 的 PCA 地圖"))

    def show(self, seen, drawn, is_last):
        who = say("the network", "網路") if is_last else say("a linear probe", "linear probe ")
        digit, chance = seen.chances.argmax(), 100 * seen.chances.max()
        self.says.text = say(f"{who} says {digit}, {chance:.0f} %", f"{who}說是 {digit}，{chance:.0f} %")
        if not is_last:
            self.units.show(as_square(seen.output))
        self.map.show(drawn, seen.place)


def as_square(output):
    """The numbers of a layer (units,) as a picture, dark for the largest; as square as it gets."""
    side = int(np.ceil(np.sqrt(len(output))))
    shown = np.zeros(-(-len(output) // side) * side)
    shown[: len(output)] = output.clip(0) / max(output.max(), 1e-6)
    return 1 - shown.reshape(-1, side)


class Reader(DigitReader):
    """A DigitReader with `drawn`, {layer: its parts.Map}."""

    def __init__(self, model, digits):
        super().__init__(model, digits)
        self.drawn = {name: parts.Map(points, self.labels, DIGITS) for name, points in self.points.items()}
        self.read(digits.x_test[0])  # the first takes longer: the network is traced


def open_reader(run):
    """The Reader of a run."""
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return Reader(model, models.examples("mnist"))


def read_digit(runs, file):
    """(the digit as the networks see it, [(run, reader, {layer: Seen}) of each run])."""
    digit = images.read_digit(file)
    readers = [models.prepared(open_reader, run) for run in runs]
    return digit, [(run, reader, reader.read(digit)) for run, reader in zip(runs, readers, strict=True)]


async def train_here():
    if await compute(train):  # else what went wrong stays to be read
        ui.navigate.reload()


def train():
    """Train the default network, on what is staged or else on the built-in sample: seconds. True, or a UserError."""
    if models.finished(HOMEWORK):  # somebody else has asked before
        return True
    command = [sys.executable, str(Path(__file__).with_name("train.py")), "--out", str(models.outputs() / HOMEWORK)]
    if models.examples("mnist").source.kind == "sample":
        command += ["--data", "sample"]
    if where.data_dir:
        command += ["--data-dir", str(where.data_dir)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise UserError(f"the training failed: {process.stderr.strip()}")
    return True
