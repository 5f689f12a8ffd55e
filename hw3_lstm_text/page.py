"""The playground's page of the writing: text letter by letter, what it might have been, and a cell that colours it."""

import argparse
import asyncio
import itertools
import json

import numpy as np
from matplotlib.colors import to_hex
from nicegui import ui
from scipy.special import softmax

from common.data.corpus import decode, encode, is_chinese
from common.errors import UserError
from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from common.run.predictor import Local
from hw3_lstm_text.cell_pictures import TINTS
from hw3_lstm_text.generate import acrostic, form_of, prompt_of
from hw3_lstm_text.reader import Reader, choose, read_characters

HOMEWORK = "hw3_lstm_text"
NAME = "writing"
TITLE = ("Writing", "寫作")
ABOUT = (
    "An LSTM writes, letter by letter: see how likely each next letter is, and what its cells keep track of.",
    "LSTM 一個字一個字地寫：看下一個字的機率，以及它的記憶單元（cell）記住了什麼。",
)
FORMS = ("五言四句", "七言四句", "五言八句", "七言八句")
LENGTH, LONGEST = 500, 300  # characters that are written, and of a prompt
TOGETHER, PAUSE = 2, 0.06  # characters per turn in the line, seconds between two turns: so that one can read along
LIKELIEST = 8  # next characters that are shown


def build():
    chosen = models.choose(models.finished(HOMEWORK), f"python {HOMEWORK}/train.py")
    if not chosen:
        return
    letters = []  # [(Span, tanh of all cells after it, float16)]
    state = {"writing": None, "cell": None}  # what is asked of the writing that goes on

    async def write():
        if state["writing"]:
            stop()
            return
        letters.clear()
        text.clear()
        go.text = say("stop", "停")
        state["writing"] = asked = argparse.Namespace(
            prompt=prompt.value or "", form=form.value, acrostic=heads.value, top_p=1.0, rhyme=False
        )
        writer = await compute(begin, chosen.value, asked)
        while writer and len(letters) < LENGTH and not text.client.is_deleted:
            written = await compute(writer.go_on, temperature.value)
            if not written or state["writing"] is not asked:
                break
            with text:
                for letter, cells, _ in written:
                    letters.append((parts.Span(letter, colour_of(cells)), cells))
            next_letters.show(*written[-1][2])
            await asyncio.sleep(PAUSE)
        if state["writing"] is asked:
            stop()

    def stop():
        state["writing"] = None
        go.text = say("write", "寫")

    def colour_of(cells):
        number = state["cell"]
        return None if number is None else to_hex(TINTS((float(cells[number]) + 1) / 2))

    def colour(event):
        state["cell"] = event.value
        for span, cells in letters:
            span.style(f"background: {colour_of(cells) or 'none'}")

    with ui.row().style("align-items: center"):
        prompt = ui.input(say("begins with", "開頭"), value="").props(f"maxlength={LONGEST}").mark("prompt")
        with ui.column().style("gap: 0; min-width: 12rem"):
            label = say("temperature: low is safe, high is bold", "溫度（temperature）：低保守，高大膽")
            ui.label(label).classes("quiet")
            temperature = ui.slider(min=0, max=1.5, step=0.1, value=0.8).props("label").mark("temperature")
        poems = ui.row()
        with poems:
            form = ui.select(
                {None: say("any", "不限"), **{each: each for each in FORMS}}, value=None, label=say("form", "形式")
            )
            form.style("min-width: 7rem").mark("form")
            heads = ui.input(say("acrostic", "藏頭")).props("maxlength=8").mark("acrostic")
        go = ui.button(say("write", "寫"), icon="edit", on_click=write).props("no-caps")

    @ui.refreshable
    def fields():
        poems.set_visibility(kind_of(chosen.value) == "poems")
        form.value, heads.value, state["cell"] = None, "", None
        label = say("a cell colours the text", "用一個記憶單元替文字上色")
        options = {None: say("none", "不上色"), **cells_of(chosen.value)}
        cell = ui.select(options, value=None, label=label, on_change=colour, with_input=True)
        cell.style("min-width: 18rem").mark("cell")

    def change():
        stop()  # what was written is of another network
        letters.clear()
        text.clear()
        fields.refresh()

    fields()
    chosen.on_value_change(change)
    ui.label(say("Red: the cell is near 1; blue: near -1.", "紅色：記憶單元接近 1；藍色：接近 -1。")).classes("quiet")
    with ui.element("div").classes("panels"):
        text = ui.element("div").classes("panel text").style("flex: 3 1 20rem; font-family: monospace").mark("written")
        with ui.column().classes("panel small"):
            ui.label(say("the last letter: what it might have been", "剛寫的字：本來可能是哪些")).classes("quiet")
            next_letters = parts.Bars(LIKELIEST * [" "])


def kind_of(run):
    """What kind of text a run has learned: "english", "chinese", "poems", or None where its folder does not say."""
    try:
        return read_characters(run.folder)[1]
    except UserError:
        return None


def cells_of(run):
    """{number: name} of the cells of a run, those of which analyze.py has found what they track with that."""
    units = run.config["options"]["units"]
    firsts = np.cumsum([0, *units]).tolist()
    names = {firsts[i] + unit: f"lstm{i + 1}, {unit}" for i, n in enumerate(units) for unit in range(n)}
    try:
        found = json.loads((run.folder / "analysis.json").read_text(encoding="utf-8"))["cells"]
        known = {firsts[int(best["layer"][4:]) - 1] + best["cell"]: name for name, best in found.items()}
    except (OSError, ValueError, LookupError, TypeError):
        known = {}
    return {number: f"{names[number]}: {parts.as_text(name)}" for number, name in known.items()} | {
        number: name for number, name in names.items() if number not in known
    }


def open_reader(run):
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return Reader(Local(model), read_characters(run.folder)[0])


def begin(run, asked):
    """A Writer of what is asked for: prompt, form, acrostic. Raises UserError for characters that it does not know."""
    return Writer(models.prepared(open_reader, run), asked)


class Writer:
    """A text that is being written by a Reader, for one visitor."""

    def __init__(self, reader, asked):
        self.reader, self.rng, self.asked = reader, np.random.default_rng(), asked
        if asked.acrostic:
            if not all(map(is_chinese, asked.acrostic)):
                raise UserError(
                    "an acrostic is made of Chinese characters: write them one after the other, as 深度學習"
                )
            self.steps = acrostic(reader, asked.acrostic, form_of(asked), self.rng, asked)
        else:
            codes = encode(prompt_of(reader.characters, asked.form, asked.prompt[:LONGEST]), reader.characters)
            self.steps = self.write(codes)

    def write(self, codes):
        """Go on after `codes`, a poem to its end: yields what generate.acrostic does."""
        logits, states = self.reader.read(codes[None])
        end = ""
        while True:
            (code,) = choose(logits, self.rng, self.asked.temperature)
            letter, before = decode([code], self.reader.characters), logits[0]
            end = end[-1:] + letter
            if self.asked.form and end == "\n\n":
                return
            logits, states = self.reader.read(np.array([[code]]), states)
            yield letter, before, states

    def go_on(self, temperature):
        """The next characters: [(character, tanh of all cells, (chances, characters) of LIKELIEST before it)].

        [] at the end of a poem.
        """
        self.asked.temperature = temperature
        written = []
        for letter, logits, states in itertools.islice(self.steps, TOGETHER):
            known = self.reader.characters
            chances = np.pad(softmax(logits), (0, LIKELIEST))  # a text may have fewer characters than are shown
            best = np.argsort(-chances, kind="stable")[:LIKELIEST]
            names = [visible(decode([each], known)) if each < len(known) else "" for each in best]
            cells = np.tanh(np.concatenate(states[1::2], axis=1))[0].astype("float16")
            written.append((letter, cells, (chances[best], names)))
        return written


def visible(letter):
    """A character that shows: blanks and line ends have signs."""
    return {" ": "␣", "\n": "⏎"}.get(letter, letter)
