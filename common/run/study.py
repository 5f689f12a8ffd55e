"""What all studies share: their options, and how a table of answers is printed."""

from common.run import cli


def options(doc):
    """A parser with the options of every study: where its picture goes, and --quick, for a look at whether it runs."""
    parser = cli.Parser(doc)
    out = cli.ROOT / "outputs" / "studies"
    parser.add_argument("--out", type=cli.path, default=out, metavar="DIR", help="where it goes (outputs/studies)")
    parser.add_argument("--quick", action="store_true", help="seconds in place of minutes: the answer may be wrong")
    return parser


def print_table(rows):
    """Print rows of texts, the first one the heads, in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
