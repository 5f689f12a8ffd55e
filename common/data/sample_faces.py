"""Anime-like faces drawn from a seed: what the homework on faces is tried with where there are no real ones."""

import colorsys
import functools

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64
ZOOM = 3  # drawn so many times too large and scaled down for smooth edges
HAIR = {  # hue in degrees, saturation, value: (lowest, highest) of each
    "black": ((200, 260), (0.1, 0.3), (0.12, 0.22)),
    "brown": ((15, 30), (0.5, 0.7), (0.35, 0.5)),
    "blonde": ((44, 54), (0.45, 0.7), (0.85, 0.97)),
    "red": ((0, 16), (0.7, 0.9), (0.7, 0.9)),
    "pink": ((325, 345), (0.35, 0.55), (0.9, 1.0)),
    "purple": ((265, 295), (0.4, 0.65), (0.55, 0.8)),
    "blue": ((205, 235), (0.5, 0.8), (0.6, 0.95)),
    "green": ((100, 165), (0.45, 0.75), (0.5, 0.85)),
    "white": ((200, 260), (0.0, 0.08), (0.8, 0.93)),
}
EYES = {
    "brown": ((15, 30), (0.6, 0.8), (0.35, 0.55)),
    "red": ((350, 365), (0.75, 0.95), (0.65, 0.9)),
    "yellow": ((42, 55), (0.75, 0.95), (0.8, 0.95)),
    "green": ((105, 150), (0.6, 0.9), (0.5, 0.75)),
    "blue": ((200, 230), (0.65, 0.95), (0.65, 0.95)),
    "purple": ((270, 295), (0.5, 0.8), (0.5, 0.8)),
}


@functools.cache
def faces(n_train=2700, n_test=300):
    """x_train uint8 (n_train, 64, 64, 3), y_train (n_train,) of zeros, x_test, y_test. Read-only: drawn once only."""
    images, _, _ = drawn(n_train + n_test)
    labels = np.zeros(len(images), "uint8")
    images.setflags(write=False)
    return images[:n_train], labels[:n_train], images[n_train:], labels[n_train:]


def drawn(n, seed=0):
    """(images uint8 (n, 64, 64, 3), names of their hair colours, names of their eye colours)."""
    rngs = [np.random.default_rng((seed, i)) for i in range(n)]
    hair, eyes = (np.array([rng.choice(names) for rng in rngs]) for names in ([*HAIR], [*EYES]))
    return np.stack([_face(*each) for each in zip(hair, eyes, rngs, strict=True)]), hair, eyes


def _colour(ranges, rng):
    hue, saturation, value = (rng.uniform(*each) for each in ranges)
    return np.array(colorsys.hsv_to_rgb(hue / 360 % 1, saturation, value)) * 255


def _fill(colour, brightness=1.0):
    """A colour for Pillow, darker or (above 1) nearer to white."""
    mixed = colour * brightness if brightness <= 1 else 255 - (255 - colour) * (2 - brightness)
    return tuple(int(value) for value in mixed)


def _face(hair_name, eye_name, rng):
    """One face. Coordinates are those of the 64 x 64 picture; eyes and hair lie where they do in real pictures."""
    hair, eye = _colour(HAIR[hair_name], rng), _colour(EYES[eye_name], rng)
    skin = np.array([255, rng.uniform(215, 238), rng.uniform(190, 222)])
    head = Image.new("RGBA", (SIDE * ZOOM, SIDE * ZOOM))
    draw = ImageDraw.Draw(head)

    def polygon(points, fill):
        draw.polygon([(x * ZOOM, y * ZOOM) for x, y in points], fill=fill)

    def ellipse(x, y, rx, ry, fill):
        draw.ellipse([(x - rx) * ZOOM, (y - ry) * ZOOM, (x + rx) * ZOOM, (y + ry) * ZOOM], fill=fill)

    def line(points, fill, width=1.0):
        draw.line([(x * ZOOM, y * ZOOM) for x, y in points], fill=fill, width=max(1, int(width * ZOOM)), joint="curve")

    # from back to front: hair behind, shoulders, neck, face
    length = rng.choice([30, 44, 66])
    wide = rng.uniform(21, 25)
    ellipse(32, 22, wide, 21, _fill(hair, 0.85))
    sides = [(32 - wide, 22), (32 + wide, 22), (32 + wide + rng.uniform(-3, 4), length)]
    polygon([*sides, (32 - wide - rng.uniform(-3, 4), length)], _fill(hair, 0.85))
    clothes = _colour(((0, 360), (0.1, 0.8), (0.3, 1)), rng)
    polygon([(26, 44), (38, 44), (40, 56), (62, 66), (2, 66), (24, 56)], _fill(clothes))
    polygon([(27, 42), (37, 42), (37, 52), (32, 57), (27, 52)], _fill(skin, 0.88))
    jaw = rng.uniform(15, 17)
    ellipse(32, 25, jaw + 0.5, 16, _fill(skin))
    chin = rng.uniform(46, 49)
    curve = [(32 - jaw, 27), (32 - 0.9 * jaw, 36), (32 - 0.45 * jaw, chin - 4), (32, chin)]
    polygon([*curve, *((64 - x, y) for x, y in reversed(curve))], _fill(skin))

    turn = rng.uniform(-2.5, 2.5)  # of the head, to the right: what lies in front moves more
    low = rng.uniform(24.5, 27)
    blush = rng.random() < 0.5
    closed = rng.random() < 0.04
    tall = rng.uniform(4.6, 6)
    frown = rng.uniform(-1.5, 0.7)
    for one in (-1, 1):
        x, rx = 32 + turn + one * 11.5, 4.6 - 0.25 * one * turn
        if blush:
            ellipse(x + one * 1.5, low + 9, 3, 1.6, _fill(skin * (1, 0.85, 0.85)))
        if closed:
            line([(x - rx, low + 1), (x, low + 3), (x + rx, low + 1)], (50, 35, 40), 1)
        else:
            ellipse(x, low, rx, tall, (250, 250, 252))
            ellipse(x + 0.15 * turn, low + 0.3, 0.8 * rx, tall, _fill(eye))
            ellipse(x + 0.15 * turn, low - 0.35 * tall, 0.72 * rx, 0.6 * tall, _fill(eye, 0.7))
            ellipse(x + 0.15 * turn, low, 0.3 * rx, 0.38 * tall, (25, 20, 30))
            ellipse(x - 0.3 * rx, low - 0.45 * tall, 0.3 * rx, 0.25 * tall, (255, 255, 255))
            line([(x - rx - 0.3, low - 0.5 * tall), (x, low - tall), (x + rx + 0.3, low - 0.5 * tall)], (45, 30, 35), 1)
        line([(x - 4, low - 8.5 - frown * one), (x + 4, low - 8.5 + frown * one)], _fill(hair, 0.55), 0.7)
    line([(32 + 1.4 * turn, 34), (32.5 + 1.4 * turn, 35)], _fill(skin, 0.7), 0.8)
    smile, open_mouth = rng.uniform(1.5, 3.5), rng.uniform(0.4, 2.6)
    x, y = 32 + 1.2 * turn, rng.uniform(39.5, 41)
    if open_mouth > 1.2:
        ellipse(x, y, smile, open_mouth, (190, 70, 80))
    else:
        line([(x - smile, y - 0.6), (x, y + 0.4), (x + smile, y - 0.6)], (150, 70, 70), 0.8)

    # hair in front: the fringe with its teeth, a shine, locks at the sides
    teeth = rng.integers(4, 8)
    edge = np.linspace(32 - jaw - 2, 32 + jaw + 2, 2 * teeth + 1)
    depth = np.where(np.arange(2 * teeth + 1) % 2, rng.uniform(19, 22.5), rng.uniform(13, 16.5))
    crown = [(32 + 23 * np.cos(a), 21 - 20 * np.sin(a)) for a in np.linspace(0.15, np.pi - 0.15, 16)]
    polygon([*crown, *zip(edge + 0.7 * turn, depth + rng.normal(0, 1, len(edge)), strict=True)], _fill(hair))
    draw.arc([16 * ZOOM, 5 * ZOOM, 48 * ZOOM, 30 * ZOOM], 215, 325, fill=_fill(hair, 1.3), width=int(1.4 * ZOOM))
    for one in (-1, 1):
        reach = rng.uniform(32, 52)
        x = 32 + one * (jaw + 1)
        polygon([(x - one * 3, 14), (x + one * 5, 16), (x + one * 4, reach - 8), (x, reach)], _fill(hair, 0.95))
    if rng.random() < 0.25:
        ribbon = _fill(_colour(((0, 360), (0.6, 0.9), (0.6, 1)), rng))
        x = 32 + rng.choice([-1, 1]) * 17
        polygon([(x, 9), (x - 6, 5), (x - 6, 13)], ribbon)
        polygon([(x, 9), (x + 6, 5), (x + 6, 13)], ribbon)

    head = head.rotate(rng.normal(0, 7), Image.Resampling.BILINEAR, translate=rng.normal(0, 1.2 * ZOOM, 2).tolist())
    picture = _background(rng)
    picture.paste(head, mask=head)
    picture = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
    light = rng.uniform(0.92, 1.05)
    return (np.asarray(picture, "float32") * light + rng.normal(0, 3, (SIDE, SIDE, 1))).clip(0, 255).astype("uint8")


def _background(rng):
    """One colour into another, from top to bottom, and at times circles."""
    above, below = (_colour(((0, 360), (0, 0.5), (0.4, 1)), rng) for _ in range(2))
    share = np.linspace(0, 1, SIDE * ZOOM)[:, None, None]
    pixels = np.broadcast_to((1 - share) * above + share * below, (SIDE * ZOOM, SIDE * ZOOM, 3))
    picture = Image.fromarray(pixels.astype("uint8"))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(0, 5)):
        x, y, radius = rng.uniform(0, SIDE * ZOOM, 3) * (1, 1, 0.15)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_fill(above, 1.4))
    return picture
