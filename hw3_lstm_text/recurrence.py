"""How an LSTM walks through a text, and how the error walks back: back-propagation through time, written out.

Keras would find the gradient by itself, as it does in all other networks here. It is written by hand for two reasons.
It can be read: this is the way that an error takes from a character to those before it. And on a CPU it is faster: all
that needs no order in time, such as the gradient by the weights, is one product of large matrices in place of one a
step. On a GPU, where Keras' layer is one call of cuDNN, it was not measured.

The equations are those of Keras' own layer: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

import keras
from keras import ops


@ops.custom_gradient
def walk(inputs, kernel, h, c):
    """(outputs of an LSTM at each step, (time, n, units); its cells after the last step, (n, units)).

    inputs: (time, n, 4 units), what the input adds to the sums before the gates. kernel: (units, 4 units), what the
    output of the step before adds. h, c: (n, units), output and cells before the first step. All of one dtype.
    """

    def step(state, x):
        h, c = state
        i, f, g, o = gates(x + ops.matmul(h, kernel))
        c = f * c + i * g  # what is kept, and what is new
        h = o * ops.tanh(c)
        return (h, c), (h, c)

    (_, c_last), (outputs, cells) = through_time(step, (h, c), inputs)

    def back(*upstream):
        """The gradients by inputs, kernel, h and c; upstream: those by the outputs and by the last cells."""
        d_outputs, d_c_last = keras.tree.flatten(upstream)
        h_before = ops.concatenate([h[None], outputs[:-1]])
        c_before = ops.concatenate([c[None], cells[:-1]])
        i, f, g, o = gates(inputs + ops.matmul(h_before, kernel))  # once more, now all steps at once
        tanh_c = ops.tanh(cells)
        c_by_h = o * (1 - tanh_c * tanh_c)
        # how the sums before i, f and g change c, and the one before o changes h
        slopes = [g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)]

        def step_back(d_state, x):
            d_h, d_c = d_state
            d_output, slope, to_c, forget = x
            d_h = d_h + d_output  # an output is read by the layer above, and by the next step
            d_c = d_c + d_h * to_c
            d_sums = ops.concatenate([d_c, d_c, d_c, d_h], axis=-1) * slope
            d_h = ops.matmul(d_sums, ops.transpose(kernel))  # on this way it fades, or explodes
            d_c = d_c * forget  # on this way it lasts as long as the gate is open
            return (d_h, d_c), d_sums

        by_time = d_outputs, ops.concatenate(slopes, axis=-1), c_by_h, f
        (d_h, d_c), d_sums = through_time(step_back, (ops.zeros_like(h), d_c_last), by_time, reverse=True)
        d_kernel = ops.tensordot(h_before, d_sums, [[0, 1], [0, 1]])
        return d_sums, d_kernel, d_h, d_c

    return (outputs, c_last), back


def gates(sums):
    """Input gate, forget gate, candidate and output gate, (..., units) each, of their sums (..., 4 units)."""
    i, f, g, o = ops.split(sums, 4, axis=-1)
    return ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)


def through_time(step, state, inputs, reverse=False):
    """`ops.scan`. On TensorFlow step by step, with no loop in the graph: that is faster on a CPU."""
    if keras.backend.backend() != "tensorflow":
        return ops.scan(step, state, inputs, reverse=reverse)
    results = []
    steps = range(keras.tree.flatten(inputs)[0].shape[0])
    for t in reversed(steps) if reverse else steps:
        state, result = step(state, keras.tree.map_structure(lambda x, t=t: x[t], inputs))
        results.append(result)
    return state, keras.tree.map_structure(lambda *x: ops.stack(x), *(results[::-1] if reverse else results))
