"""The playground's page of the news: the topics of a text, and the words that decided."""

import numpy as np
from nicegui import ui

from common.data.wires import TOPICS
from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from common.run import analysis
from hw1_reuters_mlp.analyze import judge_text, open_words
from hw1_reuters_mlp.marked_text import AGAINST, FOR
from hw1_reuters_mlp.texts import english

HOMEWORK = "hw1_reuters_mlp"
NAME = "news"
TITLE = ("News", "新聞主題")
ABOUT = (
    "Paste an English newspaper text: which topics it is about, and which words decided.",
    "貼上一段英文新聞，看看它是什麼主題，以及哪些字決定了答案。",
)
LONGEST, SHOWN = 20_000, 600  # characters that are read, words that are shown
EXAMPLE = (
    "Crude oil prices rose sharply after OPEC ministers agreed to cut production by one million barrels a day. "
    "Analysts said the dollar may weaken if the central bank does not raise interest rates."
)


def build():
    chosen = models.choose(models.finished(HOMEWORK), f"python {HOMEWORK}/train.py")
    if not chosen:
        return

    async def read():
        if judged := await compute(judge, chosen.value, text.value or ""):
            show(*judged)

    def show(bag, words, known, scores, top, added):
        answer.clear()
        with answer:
            if known < max(5, len(words) / 2):
                ui.label(
                    say(
                        f"The network knows only {known} of the {len(words)} words: do not trust this answer.",
                        f"{len(words)} 個字裡，網路只認得 {known} 個，這個答案不可靠。",
                    )
                ).classes("command")
            for topic, values in zip(top, added, strict=True):
                best = [i for i in np.argsort(-values)[:6] if values[i] > 0]
                ui.label(f"{TOPICS[topic]} ({scores[topic]:+.2f})").classes("title")
                ui.label(", ".join(f"{bag.words[i]} {values[i]:+.2f}" for i in best)).classes("quiet")
            mark(bag, words[:SHOWN], added[0])

    text = ui.textarea(say("the text", "新聞內容"), value=EXAMPLE).props(f"outlined autogrow maxlength={LONGEST}")
    ui.button(say("what is it about?", "這是什麼主題？"), on_click=read).props("no-caps")
    answer = ui.column().style("align-items: stretch")


def mark(bag, words, added):
    """The words, blue where they speak for the first topic, orange where against it; unknown ones grey."""
    numbers = {word: i for i, word in enumerate(bag.words.tolist())}
    limit = np.abs(added).max() or 1
    with ui.element("div").classes("text").mark("marked"):
        for word in words:
            value = added[numbers[word]] / limit if word in numbers else 0
            strength = round(255 * (0.15 + 0.6 * abs(value)))
            colour = f"{FOR if value > 0 else AGAINST}{strength:02x}" if abs(value) > 0.04 else None
            parts.Span(word, colour).classes("word" if word in numbers else "word quiet")
    ui.label(
        say(
            "Blue words speak for the first topic, orange ones against it; grey ones the network does not know.",
            "藍底的字支持第一個主題，橘底的字反對它；灰色的字網路不認得。",
        )
    ).classes("quiet")


def open_reader(run):
    """(the network of a run, its bag of words)."""
    model, _ = analysis.open_model(run.options, HOMEWORK)
    return model, open_words(run.options)


def judge(run, text):
    """(the bag of words, what analyze.judge_text gives) of a text. Raises UserError."""
    model, bag = models.prepared(open_reader, run)
    return bag, *judge_text(model, bag, english(text[:LONGEST], "the text"))
