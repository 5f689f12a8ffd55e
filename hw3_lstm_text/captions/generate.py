"""Says what happens in a clip, with the network that train.py left in outputs/hw3_captions.

    python hw3_lstm_text/captions/generate.py                        new clips of test digits
    python hw3_lstm_text/captions/generate.py --clip my_clip.gif     your own: an animated GIF, or a folder of frames
    python hw3_lstm_text/captions/generate.py --beam 5               the five likeliest sentences of beam search

Writes for each clip an animation into figures/ of the run: the sentence appears word by word, beside where it looks.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common import data, files
from common.errors import OptionError
from common.run import analysis
from common.run.predictor import Local
from hw3_lstm_text.captions import clips, own_clip
from hw3_lstm_text.captions.captioner import Captioner
from hw3_lstm_text.captions.looking import animation, as_gif
from hw3_lstm_text.captions.sentences import Language

HOMEWORK = "hw3_captions"


def open_captioner(options):
    """(the Captioner, config as a dict) of a finished run."""
    model, config = analysis.open_model(options, HOMEWORK)
    return Captioner(Local(model), Language(config["options"]["language"])), config


def generate(options):
    captioner, config = open_captioner(options)
    if options.clip:
        tell(captioner, own_clip.read(options.clip), f"own_{options.clip.stem}", options)
        return
    given = analysis.run_options(options, config)
    digits = analysis.as_seen(data.load("mnist", given), options, config)
    scenes = clips.draw_scenes(digits.y_test, options.count or 3, np.random.default_rng(options.seed or 0))
    frames, _ = clips.film(scenes, digits.x_test)
    for i, sentence in enumerate(captioner.language.sentences(scenes), start=1):
        tell(captioner, frames[i - 1], f"clip_{i}", options, f"   (true: {sentence})")


def tell(captioner, clip, name, options, remark=""):
    """Print what is said about a clip; write its animation."""
    words, weights = captioner.describe(clip)
    gap = captioner.language.gap
    print(f"{name}: {gap.join(words)}{remark}")
    if options.beam > 1:
        for codes, log_p in captioner.beam(clip, options.beam):
            print(f"    {100 * np.exp(log_p):5.1f} %  {captioner.language.text(codes)}")
    with files.atomic(options.run / "figures" / f"{name}.gif") as part:
        part.write_bytes(as_gif(animation(clip, words, weights, gap)))


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    add = parser.add_argument
    add("--clip", type=cli.path, metavar="FILE", help="an animated GIF, or a folder with the frames of a clip")
    add("--count", type=cli.positive, metavar="N", help="clips of test digits, where there is no --clip (3)")
    add("--seed", type=cli.seed, metavar="N", help="another one gives other clips of test digits (0)")
    add("--beam", type=cli.positive, default=1, metavar="N", help="also the N likeliest sentences of beam search (1)")
    options = parser.parse_args(argv)
    if options.clip and (options.count or options.seed is not None):
        raise OptionError("--count and --seed are for clips of test digits: leave them out, or --clip")
    generate(options)
    print(f"animations: {options.run / 'figures'}")


if __name__ == "__main__":
    sys.exit(main())
