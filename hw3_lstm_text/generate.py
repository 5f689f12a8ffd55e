"""Write text with the network that train.py left in outputs/hw3_lstm_text.

    python hw3_lstm_text/generate.py --prompt "ROMEO:" --temperature 0.7
    python hw3_lstm_text/generate.py --run outputs/tang --form 七言四句 --count 3
    python hw3_lstm_text/generate.py --run outputs/tang --form 七言四句 --rhyme
    python hw3_lstm_text/generate.py --run outputs/tang --acrostic 深度學習

The text appears as it is made. The memory of the network is carried along, so a character costs the same however long
the text is: some hundreds a second on two CPU cores.
"""

import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common.data import poems
from common.data.corpus import decode, encode
from common.errors import OptionError, UserError
from common.run import analysis, streams
from common.run.predictor import Local
from hw3_lstm_text.reader import Reader, boundary, choose, read_characters
from hw3_lstm_text.sound import rhyme_asked

HOMEWORK = "hw3_lstm_text"
CLAUSE_ENDS = "，。？！；"


def generate(options):
    if options.form and not poems.HEADER.fullmatch(options.form):
        raise OptionError(
            f"--form {options.form} is no form of the corpus: give the length and the number of the clauses, such as "
            "五言四句 (絕句) or 七言八句 (律詩), or 雜言"
        )
    if options.rhyme and (form_of(options) or "")[:1] not in ("五", "七"):
        raise OptionError("--rhyme is for poems of even clauses: add --form 五言四句, --form 七言八句, or --acrostic")
    model, _ = analysis.open_model(options, HOMEWORK)
    characters, kind = read_characters(options.run)
    reader = Reader(Local(model), characters)
    if (options.form or options.acrostic) and kind != "poems":
        raise UserError(
            f"the network in {options.run} has not learned poems: train with --corpus tang, or use --prompt"
        )
    for i in range(options.count):
        rng = np.random.default_rng((options.seed, i))
        if options.acrostic:
            start, steps = "", acrostic(reader, options.acrostic, form_of(options), rng, options)
            # a clause may never end, at temperature 0
            pieces = (piece for piece, _, _ in itertools.islice(steps, options.length))
        else:
            start = (options.prompt or "").replace("\\n", "\n")
            prompt = encode(prompt_of(characters, options.form, start), characters)
            pieces = itertools.islice(written(reader, prompt, start, rng, options), options.length)
        if i:
            print("\n---")
        began = time.perf_counter()
        n = show(start, pieces, options.until or ("\n\n" if options.form else None))
        if streams.lost():
            return
        rate = n / (time.perf_counter() - began)
        print(f"\n({n:,} characters, {rate:,.0f} per second, --seed {options.seed})", file=sys.stderr)


def prompt_of(characters, form, start):
    """What the network reads before it goes on writing after `start`: as at the beginning of a text, or of a poem."""
    return boundary(characters, 2) + (f"{form}\n" if form else "") + start


def written(reader, prompt, text, rng, options):
    """Go on writing after the codes of `prompt`, which ends with `text`: yields characters, for ever."""
    characters = reader.characters

    def limit(logits):
        if options.rhyme:
            keep_rhyme(logits, text, options.form, characters)

    for codes in reader.write(prompt[None], rng, options.temperature, options.top_p, limit):
        piece = decode(codes, characters)
        text += piece
        yield piece


def keep_rhyme(logits, poem, form, characters):
    """Take from `logits` (1, characters) what would not rhyme at the end of `poem`, without the line of its form."""
    rhymes = rhyme_asked(poem, poems.DIGITS.index(form[0]), characters)
    if rhymes is not None:
        logits[:, ~rhymes] = -np.inf


def form_of(options):
    """The form asked for; of an acrostic a clause for each character, of seven if --form says so, else of five."""
    if not options.acrostic:
        return options.form
    length = 7 if options.form and options.form.startswith("七") else 5
    return poems.form_name(length, len(options.acrostic))


def show(start, pieces, until):
    """Print the text as it comes, up to and without `until`, or while it is read; the number of characters written."""
    print(start, end="", flush=True)
    held, n = "", 0  # the end of the text that may be the beginning of `until`
    for piece in pieces:
        if streams.lost():
            break
        n += 1
        held += piece
        if until and until in held:
            held = held[: held.index(until)]
            break
        keep = next((k for k in range(len(until) - 1, 0, -1) if held.endswith(until[:k])), 0) if until else 0
        print(held[: len(held) - keep], end="", flush=True)
        held = held[len(held) - keep :]
    print(held, flush=True)
    return n


def acrostic(reader, heads, form, rng, options):
    """Write a poem of the form whose clauses begin with `heads` (藏頭詩); the rest is the network's.

    Yields (character, logits (characters,) that the network gave before it, the states after it).
    """
    characters = reader.characters
    line_end, poem = encode("\n", characters), ""
    logits, states = reader.read(encode(f"\n\n{form}\n", characters)[None])
    for i, head in enumerate(encode(heads, characters)):
        given = [head] if i % 2 or not i else [*line_end, head]  # a couplet is a line
        piece = ""
        while piece not in CLAUSE_ENDS or not piece:
            logits[:, line_end] = -np.inf  # not before the mark that ends the clause
            if options.rhyme:
                keep_rhyme(logits, poem, form, characters)
            code = given.pop(0) if given else choose(logits, rng, options.temperature, options.top_p)[0]
            piece, before = decode([code], characters), logits[0]
            logits, states = reader.read(np.array([[code]]), states)
            poem += piece
            yield piece, before, states


def seed_of_now():
    """Another one at every call; it is printed, so that a text can be had again."""
    return time.time_ns() // 1000 % 2**32


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    add, begins = parser.add_argument, parser.add_mutually_exclusive_group()
    begins.add_argument(
        "--prompt", type=cli.text, metavar="TEXT", help="how the text begins; \\n stands for a line end (none)"
    )
    begins.add_argument(
        "--acrostic",
        type=cli.text,
        metavar="CHARACTERS",
        help="for poems: each clause begins with one of these, as in 深度學習",
    )
    add("--length", type=cli.positive, default=600, metavar="N", help="characters to write at most (600)")
    add(
        "--temperature",
        type=cli.number(0, 10),
        default=0.8,
        help="under 1 safer, over 1 bolder, 0 the likeliest (0.8)",
    )
    add(
        "--top-p",
        type=cli.number(0, 1, above=True),
        default=1.0,
        help="draw among the likeliest that have this probability (1)",
    )
    add("--seed", type=cli.seed, default=seed_of_now(), metavar="N", help="the same seed writes the same (the clock)")
    add("--count", type=cli.positive, default=1, metavar="N", help="texts to write (1)")
    add("--until", type=cli.text, metavar="TEXT", help="stop where this would appear; \\n stands for a line end")
    add("--form", type=cli.text, metavar="FORM", help="for poems: 五言四句, 七言四句, 五言八句, ...")
    add("--rhyme", action="store_true", help="for poems: choose among rhymes at the end of every couplet")
    options = parser.parse_args(argv)
    if options.until:
        options.until = options.until.replace("\\n", "\n")
    generate(options)


if __name__ == "__main__":
    sys.exit(main())
