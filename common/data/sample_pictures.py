"""Colour pictures of ten kinds of object, drawn from a seed: the sample in the place of CIFAR-10."""

import colorsys
import functools

import numpy as np
from PIL import Image, ImageDraw

NAMES = ("ball", "box", "tent", "star", "cross", "ring", "moon", "arrow", "house", "boat")


@functools.cache
def pictures(n_train=4000, n_test=1000):
    """Colour pictures of ten kinds of object, drawn from a seed: what CIFAR-10 is replaced by without network.

    Returns x_train uint8 (n_train, 32, 32, 3), y_train uint8, x_test, y_test. Place, size, angle, both colours,
    background, clutter behind and in front, and noise vary, and object and background swap brightness, so that no
    pixel by itself tells anything: a linear model stays far below a convolutional network (tests/test_hw2.py). All
    are read-only: drawn once only, as it takes three seconds.
    """
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n_train + n_test) % len(NAMES)).astype("uint8")
    images = np.stack([_picture(label, rng) for label in labels])
    images.setflags(write=False)
    labels.setflags(write=False)
    return images[:n_train], labels[:n_train], images[n_train:], labels[n_train:]


def _picture(label, rng, side=32, zoom=3):
    """One picture of the kind `label`, drawn `zoom` times too large and scaled down for smooth edges."""
    canvas = side * zoom
    hue = rng.random()
    colours = [_colour(hue, rng), _colour(hue + rng.uniform(0.25, 0.75), rng)]
    x, y = np.meshgrid(np.linspace(-1, 1, canvas), np.linspace(-1, 1, canvas))
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 60)
    shade = strength * (np.cos(angle) * x + np.sin(angle) * y)
    image = Image.fromarray((colours[0] + shade[..., None]).clip(0, 255).astype("uint8"))
    draw = ImageDraw.Draw(image)

    def clutter(widest):
        for _ in range(rng.integers(0, 4)):
            ends = rng.uniform(0, canvas, 4)
            draw.line([*ends], fill=tuple(_colour(rng.random(), rng).astype(int)), width=int(rng.integers(2, widest)))

    clutter(12)
    size, turn = rng.uniform(0.17, 0.4) * canvas, rng.uniform(-0.8, 0.8)
    place = rng.uniform(size, canvas - size, 2)

    def points(corners):
        corners = np.asarray(corners, float)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return [tuple(point) for point in place + size * corners @ rotation]

    fill, ground = (tuple(colour.astype(int)) for colour in colours[::-1])
    _draw_object(draw, NAMES[label], points, fill, ground)
    clutter(7)
    image = image.resize((side, side), Image.Resampling.BOX)
    return (np.asarray(image) + rng.normal(0, rng.uniform(2, 24), (side, side, 3))).clip(0, 255).astype("uint8")


def _colour(hue, rng):
    return 255 * np.array(colorsys.hsv_to_rgb(hue % 1, rng.uniform(0.3, 1), rng.uniform(0.35, 1)))


def _circle(radius, centre=(0, 0), start=0, end=2 * np.pi):
    angles = np.linspace(start, end, 40)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1) + centre


def _draw_object(draw, name, points, fill, ground):
    """Draw the object with `points`, which maps corners in -1..1 to its place, size and angle on the canvas."""
    if name == "ball":
        draw.polygon(points(_circle(1)), fill=fill)
    elif name == "box":
        draw.polygon(points([(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]), fill=fill)
    elif name == "tent":
        draw.polygon(points([(0, -0.95), (1, 0.8), (-1, 0.8)]), fill=fill)
    elif name == "star":
        corners = [
            radius * np.array([np.sin(a), -np.cos(a)])
            for a, radius in zip(np.arange(10) * np.pi / 5, [1.05, 0.45] * 5, strict=True)
        ]
        draw.polygon(points(corners), fill=fill)
    elif name == "cross":
        for a, b in ((1, 0.3), (0.3, 1)):
            draw.polygon(points([(-a, -b), (a, -b), (a, b), (-a, b)]), fill=fill)
    elif name == "ring":
        draw.polygon(points(_circle(1)), fill=fill)
        draw.polygon(points(_circle(0.55)), fill=ground)
    elif name == "moon":
        outer, inner = _circle(1, start=0.9, end=2 * np.pi - 0.9), _circle(0.8, (0.45, 0), 1.35, 2 * np.pi - 1.35)
        draw.polygon(points(np.concatenate([outer, inner[::-1]])), fill=fill)
    elif name == "arrow":
        draw.polygon(
            points([(-1, -0.25), (0.1, -0.25), (0.1, -0.8), (1, 0), (0.1, 0.8), (0.1, 0.25), (-1, 0.25)]), fill=fill
        )
    elif name == "house":
        draw.polygon(points([(-0.8, 0.9), (-0.8, -0.1), (0, -0.95), (0.8, -0.1), (0.8, 0.9)]), fill=fill)
        draw.polygon(points([(-0.2, 0.9), (-0.2, 0.3), (0.2, 0.3), (0.2, 0.9)]), fill=ground)
    else:  # boat
        draw.polygon(points([(-1, 0.3), (1, 0.3), (0.6, 0.85), (-0.6, 0.85)]), fill=fill)
        draw.polygon(points([(-0.05, 0.15), (-0.05, -0.95), (0.75, 0.15)]), fill=fill)
