"""Writes the grades: a table, a JSON file and a page per student, JUnit XML, and a summary with a picture."""

import html
import io
import re
import statistics
from urllib.parse import quote
from xml.etree import ElementTree

from common import bars, files
from common.errors import UserError
from common.figures import plots

COPIES = (
    "The same command with the same seed gives the same weights on the same kind of machine: alone it proves nothing."
)


def write(folder, students, tasks, rules, protections, baseline=(), left_out=""):
    """Write everything into `folder`.

    students: list of grader.Student, tasks: of common/bars.py. baseline: hashes of weights that were handed out.
    left_out: a sentence about what was no submission, or "".
    """
    groups = alike(students, tasks, baseline)
    number_of = {(name, task): i for i, (task, names) in enumerate(groups, 1) for name in names}
    rows = [_row(student, tasks, number_of) for student in students]
    try:
        files.write_csv(folder / "grades.csv", rows, encoding="utf-8-sig")  # Excel on Windows asks for the mark
        for student in students:
            content = _content(student, number_of, protections)
            files.write_json(folder / "students" / f"{student.file}.json", content)
            _write_text(folder / "students" / f"{student.file}.md", _page(student, number_of, rules))
        _write_junit(folder / "junit.xml", students)
        as_given = handed_out(students, tasks, baseline)
        _write_text(folder / "summary.md", _summary(students, tasks, groups, as_given, protections, left_out))
        show_distribution(folder / "distribution.png", students, tasks, rules)
    except OSError as error:
        raise UserError(f"cannot write to {folder} ({error.strerror}): choose another --out") from None


def alike(students, tasks, baseline=()):
    """[(task, names of submissions)] of those with the same weights, those of the baseline left out."""
    owners = {}
    for task in tasks:
        for student in students:
            weights = student.results[task].weights
            if weights and weights not in baseline:
                owners.setdefault((task, weights), []).append(student.name)
    return [(task, names) for (task, _), names in owners.items() if len(names) > 1]


def handed_out(students, tasks, baseline):
    """[(task, names of submissions)] of those who handed in the baseline as it is."""
    found = [
        (task, [student.name for student in students if student.results[task].weights in baseline]) for task in tasks
    ]
    return [(task, names) for task, names in found if names]


def _row(student, tasks, number_of):
    row = {"submission": _cell(student.name), "points": f"{student.points:g}"}
    for task in tasks:
        result, number = student.results[task], number_of.get((student.name, task))
        row |= {
            f"{task} value": "" if result.value is None else f"{result.value:.4f}",
            f"{task} bar": f"{bars.JUDGED[task].threshold:g}",
            f"{task} points": f"{result.points:g}",
            f"{task} reason": _cell(result.reason),
            f"{task} identical weights": f"group {number}" if number else "",
        }
    return row


def _cell(text):
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _content(student, number_of, protections):
    return {
        "submission": student.name,
        "points": student.points,
        "homeworks": {
            task: {
                "metrics": result.metrics,
                "bar": bars.JUDGED[task].threshold,
                "tier": result.tier,
                "points": result.points,
                "reason": result.reason,
                "weights": result.weights,
                "identical_weights": number_of.get((student.name, task)),
            }
            for task, result in student.results.items()
        },
        "graded_how": protections,
    }


def _page(student, number_of, rules):
    lines = [f"# {_markdown(student.name)}", "", f"{student.points:g} points", ""]
    for task, result in student.results.items():
        if not result.handed_in:
            continue
        lines += [f"## {task}: {result.points:g} points", "", _markdown(result.reason), ""]
        if result.metrics:
            lines += ["| metric | value |", "|---|---|"]
            lines += [f"| {name.replace('_', ' ')} | {_number(value)} |" for name, value in result.metrics.items()]
            lines += [""]
        tiers = rules.tiers[task]
        word = "at most" if bars.JUDGED[task].at_most else "at least"
        wanted = ", ".join(f"{tier} {word} {bar.threshold:g} ({rules.points[tier]:g})" for tier, bar in tiers.items())
        lines += [f"Tiers and their points, by {bars.JUDGED[task].metric.replace('_', ' ')}: {wanted}.", ""]
        if number := number_of.get((student.name, task)):
            lines += [f"Others have the same weights: group {number} in summary.md. {COPIES}", ""]
    if absent := [task for task, result in student.results.items() if not result.handed_in]:
        lines += [f"Not handed in: {', '.join(absent)}.", ""]
    return "\n".join(lines)


def _number(value):
    """A metric for people; one of several numbers, such as those of each colour, is written as it is."""
    if isinstance(value, (list, dict)):
        return _markdown(str(value))
    return bars.written(value)


def _summary(students, tasks, groups, as_given, protections, left_out):
    lines = ["# Grades", "", f"{len(students):,} submissions. {protections[0].upper()}{protections[1:]}.", ""]
    lines += [f"{left_out[0].upper()}{_markdown(left_out[1:])}.", ""] if left_out else []
    lines += ["| task | bar | passed | with points | handed in | median |", "|---|---|---|---|---|---|"]
    for task in tasks:
        results = [student.results[task] for student in students]
        metrics = [result.metrics for result in results if result.metrics]
        values = [result.value for result in results if result.metrics]
        passed = sum(bars.JUDGED[task].passes(each) for each in metrics)
        rewarded, given = sum(r.points > 0 for r in results), sum(r.handed_in for r in results)
        median = f"{statistics.median(values):.4f}" if values else ""
        lines += [f"| {task} | {bars.JUDGED[task].threshold:g} | {passed} | {rewarded} | {given} | {median} |"]
    lines += [
        "",
        "![how many students reached which tier](distribution.png)",
        "",
        "| submission | points | handed in without points |",
        "|---|---|---|",
    ]
    for student in students:
        link = f"[{_markdown(student.name)}](students/{quote(student.file)}.md)"
        lines += [f"| {link} | {student.points:g} | {_failures(student)} |"]
    if groups:
        lines += ["", "## Identical weights", "", COPIES, ""]
        lines += [
            f"{number}. {task}, {len(names):,} submissions: {_markdown(', '.join(names))}"
            for number, (task, names) in enumerate(groups, 1)
        ]
    if as_given:
        lines += ["", "## The baseline as it was handed out", ""]
        lines += [f"- {task}, {len(names):,} submissions: {_markdown(', '.join(names))}" for task, names in as_given]
    return "\n".join(lines) + "\n"


def _failures(student):
    """The tasks that were handed in and got no points, with the reasons, each once."""
    tasks = {}
    for task, result in student.results.items():
        if result.handed_in and not result.points:
            tasks.setdefault(result.reason, []).append(task)
    return "; ".join(
        f"{'all' if len(names) == len(student.results) > 1 else ', '.join(names)}: {_markdown(reason)}"
        for reason, names in tasks.items()
    )


def _markdown(text):
    """Text in which nothing has a meaning for Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", html.escape(text, quote=False))


def _write_junit(path, students):
    suite = ElementTree.Element("testsuite", name="grades")
    for student in students:
        for task, result in student.results.items():
            case = ElementTree.SubElement(suite, "testcase", classname=student.name, name=task)
            passed = bool(result.metrics) and bars.JUDGED[task].passes(result.metrics)
            if not result.handed_in:
                ElementTree.SubElement(case, "skipped", message=result.reason)
            elif not passed:
                ElementTree.SubElement(case, "failure", message=result.reason)
    counts = {"tests": "testcase", "failures": "testcase/failure", "skipped": "testcase/skipped"}
    for name, path_of_elements in counts.items():
        suite.set(name, str(len(suite.findall(path_of_elements))))
    buffer = io.BytesIO()
    ElementTree.ElementTree(suite).write(buffer, encoding="utf-8", xml_declaration=True)
    with files.atomic(path) as part:
        part.write_bytes(buffer.getvalue())


def _write_text(path, text):
    with files.atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def show_distribution(path, students, tasks, rules):
    """For each task how many students reached which tier, as bars."""
    tiers = ["none", *sorted({tier for task in tasks for tier in rules.tiers[task]}, key=rules.points.get)]
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    figure = plots.new_figure(max(4.2 * columns, 5), 3 * rows + 0.6, "Who reached which tier")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(tasks) :]:
        ax.set_axis_off()
    for ax, task in zip(axes, tasks, strict=False):
        results = [student.results[task] for student in students]
        absent = sum(not result.handed_in for result in results)
        counts = [sum(r.handed_in and (r.tier or "none") == tier for r in results) for tier in tiers]
        colours = ["lightgrey", plots.INK, *[plots.COLOURS[0]] * (len(tiers) - 1)]
        ax.bar(["absent", *tiers], [absent, *counts], color=colours)
        ax.bar_label(ax.containers[0], fontsize=9)
        ax.tick_params(axis="x", labelsize=8.5)
        ax.set_title(task, fontsize=11)
        ax.set_ylabel("students")
        ax.margins(y=0.15)
        ax.yaxis.get_major_locator().set_params(integer=True)
    plots.save(figure, path)
