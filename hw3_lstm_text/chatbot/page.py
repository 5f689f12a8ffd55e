"""The playground's page of the talk: a visitor types a line, the chatbot answers and remembers what was said last."""

from nicegui import ui

from common.playground import models, parts
from common.playground.line import compute
from common.playground.words import say
from hw3_lstm_text.chatbot.generate import HOMEWORK, LONGEST, Talker, open_speaker

NAME = "talk"
TITLE = ("Talk", "聊天")
ABOUT = (
    "Type a line: a small network that has read students' chats answers. It knows nothing and means nothing by it.",
    "打一句話，讀過學生聊天紀錄的小網路會回答。它什麼都不懂，說的話也不代表什麼。",
)


def build():
    chosen = models.choose(models.finished(HOMEWORK), "python hw3_lstm_text/chatbot/train.py")
    if not chosen:
        return
    state = {"talker": None, "run": None, "busy": False, "talk": 0}  # talk: which one, counted

    async def answer():
        text = (line.value or "").strip()
        if not text or state["busy"]:
            return
        state["busy"], line.value = True, ""
        show(text, "you")
        run, this_talk = chosen.value, state["talk"]
        if state["run"] != run:  # another network, or a new talk
            state["talker"] = await compute(begin, run)
            state["run"] = state["talker"] and run  # what fails is tried again
        said = state["talker"] and await compute(state["talker"].answer, text, temperature.value)
        if this_talk != state["talk"]:  # begun anew meanwhile
            state["run"] = None
        elif said is not None:
            show(said or "…", "it")
        state["busy"] = False

    def show(text, who):
        colour, side = ("#dbeafe", "flex-end") if who == "you" else ("#eeeeee", "flex-start")
        style = f"background: {colour}; align-self: {side}; padding: .4rem .8rem; border-radius: 1rem; max-width: 80%"
        with lines:
            ui.label(parts.as_text(text)).classes("text").style(style).mark(who)

    def begin_anew():
        lines.clear()
        state["run"], state["talk"] = None, state["talk"] + 1

    chosen.on_value_change(begin_anew)
    with ui.column().style("gap: 0; max-width: 20rem"):
        ui.label(say("temperature: low is safe, high is bold", "溫度（temperature）：低保守，高大膽")).classes("quiet")
        temperature = ui.slider(min=0, max=1.5, step=0.1, value=0.7).props("label").mark("temperature")
    lines = ui.column().classes("panel").style("min-height: 12rem; flex: none").mark("talk")
    with ui.row().style("align-items: center"):
        line = ui.input(say("say something", "說點什麼")).props(f"maxlength={LONGEST}").style("min-width: 18rem")
        line.mark("line").on("keydown.enter", answer)
        ui.button(say("say it", "送出"), icon="send", on_click=answer).props("no-caps")
        ui.button(say("a new talk", "重新開始"), icon="delete", on_click=begin_anew).props("no-caps outline")


def open_for_all(run):
    return open_speaker(run.options)[0]


def begin(run):
    """A Talker for one visitor; the network is kept for all."""
    return Talker(models.prepared(open_for_all, run), None)
