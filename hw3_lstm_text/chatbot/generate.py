"""Talk with the network that train.py or reinforce.py left in outputs/.

    python hw3_lstm_text/chatbot/generate.py --talk                                         until an empty line
    python hw3_lstm_text/chatbot/generate.py --say "What do you do on weekends?"            one answer
    python hw3_lstm_text/chatbot/generate.py --say "Do you like music?" --beam 5 --run outputs/hw3_chatbot_reinforced
    python hw3_lstm_text/chatbot/generate.py --say "Hello!" --itself 6                      a talk with itself

It remembers what was said last, as far as it looked back in training: two utterances.
"""

import sys
from argparse import Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common.errors import OptionError, UserError
from common.run import analysis, streams
from common.run.predictor import Local
from hw3_lstm_text.chatbot import pieces
from hw3_lstm_text.chatbot.speaker import Speaker
from hw3_lstm_text.generate import seed_of_now

HOMEWORK = "hw3_chatbot"
LONGEST = 1000  # characters of what is said to it that are read


class Talker:
    """A talk with a Speaker that remembers what was said. temperature, top_p: see Speaker.answer; beam: its width."""

    def __init__(self, speaker, seed):
        self.speaker, self.rng, self.said = speaker, np.random.default_rng(seed), []

    def answer(self, text, temperature=0.7, top_p=1.0, beam=None):
        """The answer (str) to what is said now. Raises UserError where there is nothing to read."""
        if not self.speaker.pieces.encode(text[-LONGEST:]):
            raise UserError("there is nothing to answer: say a few words")
        self.said.append(text[-LONGEST:])
        return self.go_on(temperature, top_p, beam)

    def go_on(self, temperature=0.7, top_p=1.0, beam=None):
        """The answer to what was said last."""
        context = self.speaker.context(self.said)
        if beam:
            codes = self.speaker.beam(context, beam)
        else:
            codes = self.speaker.answer(context, self.rng, temperature, top_p)[0][0]
        self.said.append(self.speaker.pieces.decode(codes))
        return self.said[-1]


def open_speaker(options):
    """(Speaker, config as a dict) of the finished run in options.run. Raises UserError when there is none."""
    model, config = analysis.open_model(options, HOMEWORK)
    return Speaker(Local(model), pieces.read(options.run), Namespace(**config["options"])), config


def generate(options):
    speaker, _ = open_speaker(options)
    talker = Talker(speaker, options.seed)
    how = options.temperature, options.top_p, options.beam
    if options.talk:
        print("Say something. An empty line ends the talk.", file=sys.stderr)
        while (text := ask()) and not streams.lost():
            print(talker.answer(text, *how), flush=True)
        return
    print(talker.answer(options.say, *how))
    for _ in range((options.itself or 1) - 1):
        print(talker.go_on(*how))
    print(f"(--seed {options.seed})", file=sys.stderr)


def ask():
    """A line of the person at the keyboard; "" at the end."""
    try:
        return cli.text(input("> " if sys.stdin.isatty() else "")).strip()
    except EOFError:
        return ""


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    add = parser.add_argument
    add("--talk", action="store_true", help="a conversation, line by line; an empty line ends it")
    add("--say", type=cli.text, metavar="TEXT", help="something to answer")
    add("--itself", type=cli.positive, metavar="N", help="with --say, so many answers: it goes on with itself (1)")
    add("--temperature", type=cli.number(0, 10), default=0.7, help="under 1 safer, 0 the likeliest (0.7)")
    add("--top-p", type=cli.number(0, 1, above=True), default=1.0, help="draw among the likeliest of this share (1)")
    add("--beam", type=cli.positive, metavar="N", help="the likeliest answer of N beginnings; nothing is drawn")
    add("--seed", type=cli.seed, default=seed_of_now(), metavar="N", help="the same seed answers the same (the clock)")
    options = parser.parse_args(argv)
    if bool(options.talk) == (options.say is not None):
        raise OptionError('give either --talk or --say "..."')
    if options.talk and options.itself:
        raise OptionError("--itself goes with --say: in a --talk you are the other one")
    generate(options)


if __name__ == "__main__":
    sys.exit(main())
