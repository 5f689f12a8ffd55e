"""Points from metrics, by the tiers of rules.toml."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from common import bars
from common.errors import UserError

DEFAULT = Path(__file__).with_name("rules.toml")
EXERCISE = "exercise"  # the one tier of an exercise that the rules do not list


class Rules(NamedTuple):
    """points: {tier: points}. tiers: {key of bars.JUDGED: {tier: Bar}}. limits: see rules.toml."""

    points: dict
    tiers: dict
    limits: dict

    def judge(self, task, metrics):
        """(the best tier that the metrics reach, or None; its points)."""
        reached = [tier for tier, bar in self.tiers[task].items() if bar.passes(metrics)]
        best = max(reached, key=lambda tier: self.points[tier], default=None)
        return best, self.points[best] if best else 0


def load(path=DEFAULT):
    """The Rules of a TOML file. Raises UserError when it does not have the form of rules.toml."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        defaults = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
        points = {EXERCISE: float(defaults["points"][EXERCISE])}
        points |= {str(tier): float(value) for tier, value in content.pop("points").items()}
        limits = defaults["limits"] | {name: int(value) for name, value in content.pop("limits", {}).items()}
        unknown = {*content} - {*bars.JUDGED} | {*limits} - {*defaults["limits"]}
        if unknown:
            raise ValueError(f"it names {', '.join(sorted(unknown))}, which there is not")
        tiers = {}
        for task in bars.JUDGED:
            thresholds = content.get(task, {EXERCISE if task in bars.EXERCISES else "best": "bar"})
            if {*thresholds} - {*points}:
                raise ValueError(f"[points] lacks {', '.join(sorted({*thresholds} - {*points}))}")
            tiers[task] = {tier: _bar(task, threshold) for tier, threshold in thresholds.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"the rules in {path} cannot be used: {reason}") from None
    return Rules(points, tiers, limits)


def _bar(task, threshold):
    """The Bar of a tier: the assignment's with another threshold; below that without its further metrics.

    An exercise keeps them: its limit of the weights is what it is about.
    """
    bar = bars.JUDGED[task]
    if threshold == "bar":
        return bar
    threshold = float(threshold)
    easier = threshold > bar.threshold if bar.at_most else threshold < bar.threshold
    return bar._replace(threshold=threshold, also=() if easier and task in bars.FULL else bar.also)
