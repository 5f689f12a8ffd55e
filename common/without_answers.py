"""Takes the answers to the exercises out of all pages, in place: for a teacher who hands out the course.

    python -m common.without_answers               this repository
    python -m common.without_answers handed_out/   a copy of it

Nothing else of a page changes. The history of Git still has the answers: hand out a copy without .git.
"""

import re
import sys

from common import files
from common.errors import UserError
from common.run import cli

START = r"<details><summary>(?:Answer|答案)</summary>"
ANSWER = re.compile(rf"\r?\n{START}\r?\n(?:(?!<details>).)*?\r?\n</details>\r?\n", re.S)


def remove(folder):
    """Rewrite the pages that have answers: [(page, how many were in it)]. Raises UserError where there are none."""
    found = []
    for page in sorted(folder.glob("hw*/**/README*.md")):
        text, count = ANSWER.subn("", page.read_bytes().decode("utf-8"))  # bytes: line ends stay as they are
        if re.search(START, text):
            raise UserError(f"an answer in {page} has no end: nothing was changed, close its <details> first")
        if count:
            found.append((page, count, text))
    if not found:
        raise UserError(f"there are no answers in the pages of {folder}: is it a copy of the course that has them?")
    for page, _, text in found:
        with files.atomic(page) as part:
            part.write_bytes(text.encode("utf-8"))
    return [(page, count) for page, count, _ in found]


@cli.guarded
def main(argv=None):
    parser = cli.Parser(__doc__, prog="python -m common.without_answers")
    parser.add_argument("folder", type=cli.path, nargs="?", default=cli.ROOT, metavar="FOLDER", help="the course")
    folder = parser.parse_args(argv).folder
    for page, count in remove(folder):
        print(f"{page.relative_to(folder)}: {count} answers taken out")


if __name__ == "__main__":
    sys.exit(main())
