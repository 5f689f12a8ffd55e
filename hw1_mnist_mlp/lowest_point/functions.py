"""The three hidden functions of the game, and what gradient descent makes of them.

Whoever reads this file still does not know where the lowest point is: each round mirrors, shifts, stretches and lifts
its function anew (`draw`).
"""

import dataclasses

import numpy as np

LOW, HIGH = -10.0, 10.0  # where teams may look
SHAPES = {  # kind: (value, slope) before it is moved
    # One valley: steep walls that grow flatter away from it.
    "smooth": (
        lambda u: 2 * np.log(1 + u**2 / 4) + 0.03 * u**2,
        lambda u: 4 * u / (4 + u**2) + 0.06 * u,
    ),
    # A wide valley, and far from it a narrow one that is deeper.
    "trap": (
        lambda u: 0.04 * u**2 - 3 * np.exp(-((u - 4) ** 2) / 8) - 5.5 * np.exp(-((u + 4) ** 2) / 1.5),
        lambda u: (
            0.08 * u + 0.75 * (u - 4) * np.exp(-((u - 4) ** 2) / 8) + 22 / 3 * (u + 4) * np.exp(-((u + 4) ** 2) / 1.5)
        ),
    ),
    # A bowl full of holes: the slope underfoot says little about the bowl.
    "rough": (
        lambda u: 0.06 * u**2 + 0.9 * np.sin(3.1 * u) + 0.5 * np.sin(7.7 * u + 1),
        lambda u: 0.12 * u + 2.79 * np.cos(3.1 * u) + 3.85 * np.cos(7.7 * u + 1),
    ),
}
KINDS = tuple(SHAPES)


@dataclasses.dataclass(frozen=True)
class Function:
    """f(x) = stretch * shape(side * x - shift) + lift; x a number or an array."""

    kind: str
    side: float  # 1, or -1: mirrored
    shift: float
    stretch: float
    lift: float

    def value(self, x):
        return self.stretch * SHAPES[self.kind][0](self.side * x - self.shift) + self.lift

    def slope(self, x):
        return self.stretch * self.side * SHAPES[self.kind][1](self.side * x - self.shift)

    def lowest(self):
        """The x of the lowest point within the range, to 0.001."""
        places = np.linspace(LOW, HIGH, 20_001)
        return float(places[np.argmin(self.value(places))])


def draw(kind, rng):
    """A Function of this kind, moved by chance; rng: a NumPy generator."""
    shift, stretch, lift = rng.uniform([-3, 0.7, -5], [3, 1.5, 20])
    return Function(kind, float(rng.choice([-1, 1])), float(shift), float(stretch), float(lift))


def descend(function, start, rate, momentum, guesses):
    """The x of gradient descent in as many guesses as a team has, the first at `start`.

    v = momentum v - rate f'(x), x = x + v (Polyak 1964); momentum 0 is plain descent. It stays within the range, as
    teams must: at the edge it stands still.
    """
    x, speed, path = start, 0.0, [start]
    for _ in range(guesses - 1):
        speed = momentum * speed - rate * float(function.slope(x))
        x = x + speed
        if not LOW <= x <= HIGH:
            x, speed = min(max(x, LOW), HIGH), 0.0
        path.append(x)
    return path
