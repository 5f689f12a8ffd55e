"""Which characters the fonts of the pictures can draw, and what to draw in place of the others."""

import functools

import matplotlib
from matplotlib import font_manager

# Noto Sans TC lacks these variants, which old texts are full of: the usual form of the same character is drawn.
VARIANTS = dict(
    zip(
        "爲劒荆鬬幷髪鏁鵶敎徴帬虵胷恡僞隟覰倂鳯駞氊顚静緑遥鞵糺粤",
        "為劍荊鬥并髮鎖鴉教徵裙蛇胸吝偽隙覷併鳳駝氈顛靜綠遙鞋糾粵",
        strict=True,
    )
)
MISSING = "□"


def drawable(text):
    """The text, character for character, with variants and "□" for what the fonts lack. After plots.new_figure.

    Bytes of a file name that are no text, and control characters, are "□" too; white space is a space or a line end.
    """
    known = _known(tuple(matplotlib.rcParams["font.family"]))
    shown = (VARIANTS.get(c, c) if ord(c) not in known else c for c in text)
    return "".join(c if c == "\n" or ord(c) in known else " " if c.isspace() else MISSING for c in shown)


@functools.cache
def _known(families):
    """The code points for which one of the fonts has a glyph."""
    fonts = (font_manager.get_font(font_manager.findfont(family)) for family in families)
    return frozenset(point for font in fonts for point in font.get_charmap())
