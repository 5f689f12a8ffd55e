"""The playground's page of the runs: what each has reached, its curves while it still trains, the report of all."""

import csv
import json
import time
from typing import NamedTuple

from nicegui import ui

from common import bars, report
from common.figures import plots
from common.playground import models
from common.playground.line import compute
from common.playground.parts import as_text
from common.playground.words import say

NAME = "runs"
TITLE = ("Runs", "訓練紀錄")
ABOUT = (
    "What has been trained and how well it did, and the curves of what is being trained now.",
    "訓練過的模型和成績，以及正在訓練的模型的曲線。",
)
EVERY = 2.0  # seconds between two looks into the folders
QUIET = 600  # seconds without a word after which a run is taken for one that was stopped
COUNTS = ("epoch", "updates", "seconds")  # columns of history.csv that are no metric
_last = {"place": None, "when": 0.0, "found": []}  # what all visitors are shown until it is EVERY seconds old
ABOUT_THE_RUN = ("homework", "task", "model", "bar", "value", "passed")  # of metrics.json: said in other words


class Seen(NamedTuple):
    """What lies in the folder of a run, finished or not."""

    name: str
    config: dict
    metrics: dict  # {} of one that is not finished
    rows: list  # of history.csv
    changed: float  # when it was last written to, in seconds


def look():
    """The Seen of every run in outputs/, the one written to last first; what cannot be read is passed over.

    The folders are looked into once every EVERY seconds, however many visitors look.
    """
    place, now = models.outputs(), time.monotonic()
    if _last["place"] != place or now - _last["when"] > 0.9 * EVERY:
        _last.update(place=place, when=now, found=_look())
    return _last["found"]


def _look():
    found = []
    for folder in models.outputs().iterdir() if models.outputs().is_dir() else []:
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            files = [folder / name for name in ("config.json", "metrics.json", "history.csv")]
            changed = max(path.stat().st_mtime for path in files if path.exists())
            metrics = json.loads(files[1].read_text(encoding="utf-8")) if files[1].exists() else {}
            with files[2].open(newline="", encoding="utf-8") as file:
                rows = [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(file)]
            config["options"]["homework"], metrics.get("value")
            found.append(Seen(as_text(folder.name), config, metrics, rows, changed))
        except FileNotFoundError:  # before its first epoch has ended a run has no history
            continue
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return sorted(found, key=lambda run: -run.changed)


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def build():
    runs = {run.name: run for run in look()}
    if not runs:
        ui.label(say("There is no run yet. The first:", "還沒有訓練紀錄，先訓練一個："))
        ui.label("python hw1_mnist_mlp/train.py").classes("command")
        return

    def show():
        shown = [runs[name] for name in chosen.value if name in runs]
        columns = list(dict.fromkeys(name for run in shown for row in run.rows for name in row))
        names = [name for name in columns if name not in COUNTS and not name.startswith("val_")]
        metric.set_options(names, value=metric.value if metric.value in names else next(iter(names), None))
        chart.options["series"] = lines(shown, metric.value, say("training", "訓練"), say("validation", "驗證"))
        chart.update()
        table.clear()
        with table:
            show_metrics(shown)

    def again():
        now = {run.name: run for run in look()}
        if now != runs or titles() != chosen.options:  # a run that was killed says nothing: it only grows old
            runs.clear()
            runs.update(now)
            chosen.set_options(titles(), value=[name for name in chosen.value if name in runs])
            show()

    def titles():
        return {name: f"{name} · {state(run)}" for name, run in runs.items()}

    async def hand_over():
        if content := await compute(lambda: report.page(report.runs(models.outputs()))):
            ui.download.content(content.encode("utf-8", "backslashreplace"), "report.html", "text/html")

    with ui.element("div").classes("panels"):
        newest = next(iter(runs))
        label = say("runs", "訓練紀錄")
        chosen = ui.select(titles(), value=[newest], label=label, multiple=True, on_change=show).mark("runs")
        metric = ui.select([], label=say("curve", "曲線"), on_change=show).classes("metric").mark("metric")
    chosen.classes("panel").props("use-chips")
    chart = ui.echart(
        {
            "xAxis": {
                "type": "value",
                "min": "dataMin",
                "name": say("epoch or updates", "epoch 或 update"),
                "nameLocation": "middle",
                "nameGap": 28,
            },
            "yAxis": {"type": "value", "scale": True},
            "legend": {"type": "scroll", "top": 0},
            "tooltip": {"trigger": "axis"},
            "grid": {"left": 60, "right": 20, "bottom": 50, "top": 40},
            "animation": False,
            "series": [],
        }
    ).classes("chart")
    table = ui.element("div").classes("wide")
    ui.button(say("the report of all runs", "所有訓練的報告"), icon="download", on_click=hand_over).props("no-caps")
    show()
    ui.timer(EVERY, again)


def state(run):
    """What has become of a run, in a few words."""
    if not run.metrics:
        count = f"{run.rows[-1].get('updates') or run.rows[-1].get('epoch') or 0:,.0f}" if run.rows else "0"
        ends = [0, *(row.get("seconds") or 0 for row in run.rows)][-2:]
        if time.time() - run.changed > max(QUIET, 3 * (ends[-1] - ends[0])):
            return say(f"not finished, stopped at {count}", f"沒有跑完，停在 {count}")
        return say(f"training, at {count}", f"訓練中，已到 {count}")
    bar, passed = bars.FULL.get(run.metrics.get("task")), run.metrics.get("passed")
    verdict = {True: say("passes the bar", "達到及格門檻"), False: say("misses the bar", "未達及格門檻")}.get(passed)
    if bar and isinstance(run.metrics.get("value"), float):
        value = f"{bar.metric.replace('_', ' ')} {run.metrics['value']:.4g}"
        return f"{value}, {verdict}" if verdict else value
    return verdict or say("finished", "已完成")


def lines(runs, metric, training, validation):
    """The series of the chart: for each run its training curve, and dashed its validation curve."""
    series = []
    for i, run in enumerate(runs):
        unit = "updates" if run.rows and "updates" in run.rows[-1] else "epoch"
        for column, name, kind in ((metric, training, "solid"), (f"val_{metric}", validation, "dashed")):
            points = [[row[unit], row[column]] for row in run.rows if row.get(column) is not None]
            if points:
                colour = plots.COLOURS[i % len(plots.COLOURS)]
                style = {"lineStyle": {"type": kind}, "color": colour, "symbolSize": 5 if len(points) < 60 else 0}
                series.append({"type": "line", "name": f"{run.name}, {name}", "data": points, **style})
    return series


def show_metrics(runs):
    """A table: the metrics of the runs, one column each."""
    names = dict.fromkeys(name for run in runs for name in run.metrics if name not in ABOUT_THE_RUN)
    rows = [
        {"name": name.replace("_", " "), **{str(i): _shown(run.metrics.get(name)) for i, run in enumerate(runs)}}
        for name in names
        if not any(isinstance(run.metrics.get(name), (dict, list)) for run in runs)
    ]
    head = {"name": "name", "label": "", "field": "name", "align": "left"}
    columns = [head, *({"name": str(i), "label": run.name, "field": str(i)} for i, run in enumerate(runs))]
    if rows:
        ui.table(rows=rows, columns=columns).props("dense flat hide-pagination").mark("metrics")


def _shown(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else as_text(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
