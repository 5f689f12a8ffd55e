"""The playground's page of the faces: from noise, as asked for in colours or in words, and the way between two."""

import argparse

import numpy as np
from nicegui import ui

from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from hw5_anime_dcgan import attributes, evaluate, generate

HOMEWORK = "hw5_anime_dcgan"
NAME = "faces"
TITLE = ("Faces", "動漫人臉")
ABOUT = (
    "A GAN draws anime faces from noise. Ask for colours, or in a sentence; click two faces for the way between them.",
    "GAN 從雜訊畫出動漫人臉。可以指定顏色，或用一句話說；點兩張臉，看從一張變成另一張。",
)
FACES, STEPS = 12, 9  # drawn at a time; on the way between two
HAIR = ("黑", "棕", "紅", "橙", "金", "綠", "藍", "紫", "粉紅", "白")
EYES = ("深", "棕", "紅", "黃", "綠", "藍", "紫")


def build():
    found = models.finished(HOMEWORK)
    command = f"python {HOMEWORK}/train.py --conditional --out outputs/asked"

    def change():
        """Another run draws other faces: those on the page are not its own."""
        wishes.set_visibility(asks(chosen.value))
        shown.clear()
        clicked.clear()
        strip.show([])
        walk.show([])
        told.text = ""

    chosen = models.choose(found, command, on_change=change)
    if not chosen:
        return
    shown, clicked = [], []  # (noise, wish) of the faces on the page; the numbers of those that were clicked

    async def draw(text):
        run = chosen.value
        asked = argparse.Namespace(run=run.folder, hair=hair.value, eyes=eyes.value, text=text)
        if text:
            asked.hair = asked.eyes = None
        if (drawn := await compute(draw_faces, run, asked)) and run == chosen.value:
            faces, shown[:], unknown = drawn
            clicked.clear()
            strip.show(faces)
            told.text = understood(asked, unknown) if text else ""

    async def click(number):
        clicked.append(number)
        if len(clicked) < 2:
            return
        run = chosen.value
        if (way := await compute(walk_between, run, *(shown[i] for i in clicked[-2:]))) and run == chosen.value:
            walk.show(way)

    with ui.column() as wishes:
        ui.label(say("What are they to look like?", "想要什麼樣子？"))
        with ui.row().style("align-items: center"):
            hair, eyes = (
                ui.select(
                    {
                        None: say("any", "都可以"),
                        **{name: say(name, its) for name, its in zip(names, chinese, strict=True)},
                    },
                    value=None,
                    label=label,
                ).style("min-width: 7rem")
                for names, chinese, label in (
                    (attributes.HAIR, HAIR, say("hair", "頭髮")),
                    (attributes.EYES, EYES, say("eyes", "眼睛")),
                )
            )
        sentence = ui.input(
            say("or in a sentence", "或用一句話說"), value=say("a girl with blue hair", "藍髮紅眼的女孩")
        )
        sentence.style("min-width: 16rem").props("maxlength=200")
        ui.button(say("draw what the sentence says", "照這句話畫"), on_click=lambda: draw(sentence.value)).props(
            "no-caps"
        )
        told = ui.label().classes("quiet")
    wishes.set_visibility(asks(chosen.value))
    ui.button(say("new faces", "新的臉"), icon="casino", on_click=lambda: draw(None)).props("no-caps")
    strip = parts.Strip(say("face", "臉"), "88px", click)
    ui.label(say("Click two faces: the way between them.", "點兩張臉，看中間的變化。")).classes("quiet")
    walk = parts.Strip(say("step", "第幾步"), "88px")


def understood(asked, unknown):
    """What a sentence was taken for, and its words that mean nothing to the network."""
    names = {"hair": (attributes.HAIR, HAIR), "eyes": (attributes.EYES, EYES)}
    colours = {
        kind: say(name, chinese[english.index(name)]) if (name := getattr(asked, kind)) else say("any", "任何顏色")
        for kind, (english, chinese) in names.items()
    }
    told = say("{hair} hair, {eyes} eyes", "頭髮：{hair}，眼睛：{eyes}").format(**colours)
    return told + (say("; unknown words: ", "；不認得的字：") + ", ".join(unknown) if unknown else "")


def asks(run):
    """Whether a run can be asked for colours."""
    return bool(run.config["options"].get("conditional"))


def open_generator(run):
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return analysis.in_float32(model)


def draw_faces(run, asked):
    """(FACES faces of new noise, [(noise, wish)] of them, the words of a text that are not known).

    asked: with hair, eyes and text, as generate.py has them from its command line; a text sets hair and eyes. Raises
    UserError for a text without any word that the network knows.
    """
    generator = models.prepared(open_generator, run)
    unknown = generate.read(asked) if asked.text else []
    seeds = np.random.default_rng().integers(2**31, size=FACES).tolist()
    latent_dim = generator.inputs[0].shape[1]
    noise = np.stack([generate.face_noise(seed, latent_dim, np.inf) for seed in seeds])
    wishes = np.stack([generate.face_wish(seed, asked) for seed in seeds])
    faces = draw_all(generator, noise, wishes)
    return faces, list(zip(noise, wishes, strict=True)), unknown


def draw_all(generator, noise, wishes):
    return list(evaluate.draw(generator, [noise, wishes] if len(generator.inputs) == 2 else noise))


def walk_between(run, start, end):
    """STEPS faces on the way from one (noise, wish) to another."""
    noise = generate.slerp(start[0], end[0], STEPS - 1)
    share = np.linspace(0, 1, STEPS, dtype="float32")[:, None]
    wishes = (1 - share) * start[1] + share * end[1]
    return draw_all(models.prepared(open_generator, run), np.concatenate([noise, end[0][None]]), wishes)
