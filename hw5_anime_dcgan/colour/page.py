"""The playground's page of the colours: a grey picture or a line drawing of the visitor gets its colours."""

from nicegui import ui

from common.data import images
from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from hw5_anime_dcgan.colour.analyze import colour_own

HOMEWORK = "hw5_colour"  # the name of its folder in outputs/
NAME = "colour"
TITLE = ("Colour", "上色")
ABOUT = (
    "Send a picture of a face, or draw lines: the network sees its grey and gives it colours.",
    "上傳一張臉的圖片，或自己畫線條：網路只看灰階，然後幫它上色。",
)
LARGEST = 512  # pixels of the longer side of what is shown


def build():
    chosen = models.choose(models.finished(HOMEWORK), "python hw5_anime_dcgan/colour/train.py")
    if not chosen:
        return

    async def colour(file):
        if pictures := await compute(colour_picture, chosen.value, file):
            for shown, picture in zip((before, after), pictures, strict=True):
                shown.show(picture)

    with ui.element("div").classes("panels"):
        with ui.column().classes("panel"):
            field = parts.Drawing(colour, pen=4)
            with ui.row():
                ui.button(say("clear", "清除"), icon="delete", on_click=field.clear).props("no-caps")
                parts.upload(say("a picture", "上傳圖片"), colour)
        with ui.column().classes("panel"):
            ui.label(say("what it sees", "網路看到的")).classes("quiet")
            before = parts.Picture(say("its grey", "灰階"), "280px")
        with ui.column().classes("panel"):
            ui.label(say("its colours", "它上的顏色")).classes("quiet")
            after = parts.Picture(say("its colours by the network", "網路上的顏色"), "280px")
    chosen.on_value_change(lambda: after.set_visibility(False))  # what is there is another network's


def open_colourist(run):
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return model


def colour_picture(run, file):
    """(the grey of a picture that was sent, its colours by the network)."""
    picture = images.open_picture(file)
    picture.thumbnail((LARGEST, LARGEST))
    return picture.convert("L"), colour_own(models.prepared(open_colourist, run), picture)
