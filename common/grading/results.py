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


def write(folder, students, homeworks, rules, protections):
    """Write everything into `folder`. students: list of grade.Student, homeworks: keys."""
    twins = copies(students)
    rows = [_row(student, homeworks, twins) for student in students]
    try:
        files.write_csv(folder / "grades.csv", rows, encoding="utf-8-sig")
        for student in students:
            files.write_json(folder / "students" / f"{student.file}.json", _content(student, twins, protections))
            _write_text(folder / "students" / f"{student.file}.md", _page(student, twins, rules))
        _write_junit(folder / "junit.xml", students)
        _write_text(folder / "summary.md", _summary(students, homeworks, twins, protections))
        show_distribution(folder / "distribution.png", students, homeworks, rules)
    except OSError as error:
        raise UserError(f"cannot write to {folder} ({error.strerror}): choose another --out") from None


def copies(students):
    """{(submission, homework): names of the other submissions with the same weights}."""
    owners = {}
    for student in students:
        for homework, result in student.results.items():
            if result.weights:
                owners.setdefault((homework, result.weights), []).append(student.name)
    return {
        (name, homework): [other for other in names if other != name]
        for (homework, _), names in owners.items()
        if len(names) > 1
        for name in names
    }


def _row(student, homeworks, twins):
    row = {"submission": _cell(student.name), "points": f"{student.points:g}"}
    for homework in homeworks:
        result = student.results[homework]
        same = twins.get((student.name, homework), [])
        row |= {
            f"{homework} value": "" if result.value is None else f"{result.value:.4f}",
            f"{homework} bar": f"{bars.FULL[homework].threshold:g}",
            f"{homework} points": f"{result.points:g}",
            f"{homework} reason": _cell(result.reason),
            f"{homework} same weights as": _cell("; ".join(same)),
        }
    return row


def _cell(text):
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _content(student, twins, protections):
    return {
        "submission": student.name,
        "points": student.points,
        "homeworks": {
            homework: {
                "figures": result.figures,
                "bar": bars.FULL[homework].threshold,
                "tier": result.tier,
                "points": result.points,
                "reason": result.reason,
                "weights": result.weights,
                "same_weights_as": twins.get((student.name, homework), []),
            }
            for homework, result in student.results.items()
        },
        "graded_how": protections,
    }


def _page(student, twins, rules):
    lines = [f"# {_markdown(student.name)}", "", f"{student.points:g} points", ""]
    for homework, result in student.results.items():
        if not result.handed_in:
            continue
        lines += [f"## {homework}: {result.points:g} points", "", _markdown(result.reason), ""]
        if result.figures:
            lines += ["| figure | value |", "|---|---|"]
            lines += [f"| {name.replace('_', ' ')} | {value:.4f} |" for name, value in result.figures.items()]
            lines += [""]
        tiers = rules.tiers[homework]
        word = "at most" if bars.FULL[homework].at_most else "at least"
        wanted = ", ".join(f"{tier} {word} {bar.threshold:g} ({rules.points[tier]:g})" for tier, bar in tiers.items())
        lines += [f"Tiers and their points, by {bars.FULL[homework].figure.replace('_', ' ')}: {wanted}.", ""]
        if same := twins.get((student.name, homework)):
            lines += [f"The same weights as: {_markdown(', '.join(same))}. {COPIES}", ""]
    if absent := [homework for homework, result in student.results.items() if not result.handed_in]:
        lines += [f"Not handed in: {', '.join(absent)}.", ""]
    return "\n".join(lines)


def _summary(students, homeworks, twins, protections):
    lines = ["# Grades", "", f"{len(students):,} submissions. {protections[0].upper()}{protections[1:]}.", ""]
    lines += ["| homework | bar | passed | with points | handed in | median |", "|---|---|---|---|---|---|"]
    for homework in homeworks:
        results = [student.results[homework] for student in students]
        figures = [result.figures for result in results if result.figures]
        values = [result.value for result in results if result.figures]
        passed = sum(bars.FULL[homework].passes(each) for each in figures)
        rewarded, given = sum(r.points > 0 for r in results), sum(r.handed_in for r in results)
        median = f"{statistics.median(values):.4f}" if values else ""
        lines += [f"| {homework} | {bars.FULL[homework].threshold:g} | {passed} | {rewarded} | {given} | {median} |"]
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
    groups = sorted({(homework, tuple(sorted([name, *others]))) for (name, homework), others in twins.items()})
    if groups:
        lines += ["", "## Identical weights", "", COPIES, ""]
        lines += [f"- {homework}: {_markdown(', '.join(names))}" for homework, names in groups]
    return "\n".join(lines) + "\n"


def _failures(student):
    """The homeworks that were handed in and got no points, with the reasons, each once."""
    homeworks = {}
    for homework, result in student.results.items():
        if result.handed_in and not result.points:
            homeworks.setdefault(result.reason, []).append(homework)
    return "; ".join(
        f"{'all' if len(names) == len(student.results) > 1 else ', '.join(names)}: {_markdown(reason)}"
        for reason, names in homeworks.items()
    )


def _markdown(text):
    """Text in which nothing has a meaning for Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", html.escape(text, quote=False))


def _write_junit(path, students):
    suite = ElementTree.Element("testsuite", name="grades")
    for student in students:
        for homework, result in student.results.items():
            case = ElementTree.SubElement(suite, "testcase", classname=student.name, name=homework)
            passed = bool(result.figures) and bars.FULL[homework].passes(result.figures)
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


def show_distribution(path, students, homeworks, rules):
    """For each homework how many students reached which tier, as bars."""
    tiers = ["none", *sorted(rules.points, key=rules.points.get)]
    columns = min(3, len(homeworks))
    rows = -(-len(homeworks) // columns)
    figure = plots.new_figure(max(4.2 * columns, 5), 3 * rows + 0.6, "Who reached which tier")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(homeworks) :]:
        ax.set_axis_off()
    for ax, homework in zip(axes, homeworks, strict=False):
        results = [student.results[homework] for student in students]
        absent = sum(not result.handed_in for result in results)
        counts = [sum(r.handed_in and (r.tier or "none") == tier for r in results) for tier in tiers]
        colours = ["lightgrey", plots.INK, *[plots.COLOURS[0]] * (len(tiers) - 1)]
        ax.bar(["absent", *tiers], [absent, *counts], color=colours)
        ax.bar_label(ax.containers[0], fontsize=9)
        ax.tick_params(axis="x", labelsize=8.5)
        ax.set_title(homework, fontsize=11)
        ax.set_ylabel("students")
        ax.margins(y=0.15)
        ax.yaxis.get_major_locator().set_params(integer=True)
    plots.save(figure, path)
