"""The finished runs in outputs/, and their models: chosen by the visitor, opened when they are asked for."""

import argparse
import functools
import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from nicegui import ui

from common import data
from common.playground.given import where
from common.playground.parts import as_text
from common.playground.words import say
from common.run import cli


@dataclass(frozen=True)
class Run:
    """A finished run. changed: when its model was written, so that a run that was trained again is another one."""

    folder: Path
    changed: int
    config: dict = field(hash=False, compare=False)
    metrics: dict = field(hash=False, compare=False)

    @property
    def options(self):
        """What the functions of common/run/analysis.py want to know, as an analyze.py has it from its command line."""
        return argparse.Namespace(run=self.folder, data_dir=where.data_dir)

    @property
    def recipe(self):
        """The name after --model."""
        return self.config["options"].get("model")

    @property
    def label(self):
        """For people: the folder, the recipe, the value that is judged."""
        value = self.metrics.get("value")
        parts = [self.folder.name, self.recipe, f"{value:.4g}" if isinstance(value, float) else None]
        return as_text(" · ".join(str(part) for part in parts if part))


def outputs():
    """The folder of the runs."""
    return where.outputs or cli.ROOT / "outputs"


def finished(homework, fits=lambda run: True):
    """The finished runs of a homework, those in the folder of its name first. fits: whether a Run is of the right kind.

    A folder that holds no run, or half of one, is passed over.
    """
    found = []
    for folder in sorted(outputs().iterdir()) if outputs().is_dir() else []:
        try:
            config, metrics = (
                json.loads((folder / name).read_text(encoding="utf-8")) for name in ("config.json", "metrics.json")
            )
            if config["options"]["homework"] == homework:
                run = Run(folder, (folder / "model.keras").stat().st_mtime_ns, config, metrics)
                found += [run] if fits(run) else []
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return sorted(found, key=lambda run: run.folder.name != homework)


@functools.lru_cache(maxsize=32)  # a class that is on all pages at a time opens each model once
def prepared(prepare, run):
    """prepare(run), kept for all visitors; to be called in `line.compute`. prepare: a function of the page's module."""
    return prepare(run)


def choose(found, command, several=False, on_change=None):
    """A field that chooses one of the runs `found`, whose `value` is the Run; or, where there is none, None.

    Then it says which command trains one. several: more than one can be chosen, `value` is a list.
    """
    if found:
        label = say("the run in outputs/", "outputs/ 裡的訓練結果")
        options = {run: run.label for run in found}
        return ui.select(options, value=found[0], label=label, multiple=several, on_change=on_change).mark("runs")
    ui.label(
        say("There is no finished run for this yet. This command trains one:", "還沒有訓練好的模型，用這個指令訓練：")
    )
    ui.label(command).classes("command")
    return None


@functools.lru_cache(maxsize=4)
def examples(name):
    """The data set `name` as a data.Dataset, to show a model beside: what is staged, else the built-in sample.

    Nothing is downloaded. To be called in `line.compute`.
    """
    folder = where.data_dir or cli.default_data_dir()
    file = importlib.import_module(f"common.data.{name}").SPEC.file
    kind = "full" if (folder / file).exists() else "sample"
    return data.load(name, argparse.Namespace(data=kind, data_dir=folder, limit=None, seed=0))
