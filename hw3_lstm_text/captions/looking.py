"""Shows where the network looked for each word, and clips as animations."""

import io

import matplotlib.colors
import numpy as np
from PIL import Image

from common.figures import plots
from hw3_lstm_text.captions.clips import FRAMES, SIDE

LIGHT = np.array(matplotlib.colors.to_rgb(plots.COLOURS[1]))  # where attention lies
STEP, HOLD = 250, 8  # milliseconds that a frame is shown; frames for which the whole sentence stays


def looked_at(weights):
    """The number of the frame on which most of the weights (FRAMES, MAP, MAP) of a word lie."""
    return int(weights.sum(axis=(1, 2)).argmax())


def lit(frame, weights):
    """A frame, uint8 (SIDE, SIDE), with light where the weights (MAP, MAP) are large: uint8 (SIDE, SIDE, 3)."""
    shares = Image.fromarray((weights / weights.max()).astype("float32")).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    light = 0.7 * np.asarray(shares).clip(0, 1)[..., None]
    return np.round((1 - light) * frame[..., None] + light * 255 * LIGHT).astype("uint8")


def animation(frames, words, weights, gap):
    """Pictures (PIL): the clip, beside it the frame that each word was taken from, below the sentence so far.

    words: a list of at most FRAMES; one comes with each frame. weights: (words, FRAMES, MAP, MAP) or None.
    """
    pictures = []
    for t in range(FRAMES):
        last = min(t, len(words) - 1)
        figure = plots.new_figure(5.2, 3)
        axes = figure.subplots(1, 2 if weights is not None else 1, squeeze=False)[0]
        axes[0].imshow(frames[t], cmap="gray", vmin=0, vmax=255)
        axes[0].set_title("the clip", fontsize=10)
        if weights is not None:
            number = looked_at(weights[last])
            axes[1].imshow(lit(frames[number], weights[last][number]))
            axes[1].set_title(f"for '{words[last]}': frame {number + 1}", fontsize=10)
        for ax in axes:
            ax.set_axis_off()
        figure.supxlabel(wrapped(words[: last + 1], gap), fontsize=11, x=0.04, ha="left", linespacing=1.3)
        buffer = io.BytesIO()
        figure.savefig(buffer)
        pictures.append(Image.open(buffer).convert("RGB"))
    return pictures + HOLD * pictures[-1:]


def wrapped(words, gap):
    """The words in two lines, of which the second may still be empty: the picture keeps its shape."""
    half = FRAMES // 2
    return f"{gap.join(words[:half])}\n{gap.join(words[half:])}"


def as_gif(pictures, milliseconds=STEP):
    """An animated GIF, as bytes, of pictures (PIL, or arrays uint8); it begins again when it has ended."""
    pictures = [each if isinstance(each, Image.Image) else Image.fromarray(each) for each in pictures]
    first, *others = [each.quantize(64) for each in pictures]  # so many colours are enough, and make small files
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return buffer.getvalue()
