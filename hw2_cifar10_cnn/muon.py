"""Muon: gradient descent whose steps turn all filters of a layer by the same amount.

The step of a layer is a matrix. Made of a few examples it has few strong directions, and the weak ones, which may tell
rare things, hardly move. Muon makes the matrix orthogonal: each direction gets the same length (Jordan et al. 2024,
"Muon: an optimizer for hidden layers in neural networks"). Keras' own Muon hands convolutions over to AdamW.
"""

import keras
from keras import ops


def orthogonal(matrix, steps=3):
    """About the nearest orthogonal matrix to a float32 (n, m), by a Newton-Schulz iteration on its singular values.

    The polynomial is Jordan's. Three steps bring a value of more than a fiftieth of the norm of the matrix near to 1
    (0.7 to 1.2) and make a smaller one up to 41 times as large; bfloat16 is enough for that.
    """
    dtype = keras.config.dtype_policy().compute_dtype
    x = ops.cast(matrix / (ops.sqrt(ops.sum(ops.square(matrix))) + 1e-7), dtype)
    tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(x) if tall else x
    for _ in range(steps):
        gram = ops.matmul(x, ops.transpose(x))
        x = 3.4445 * x + ops.matmul(-4.7750 * gram + 2.0315 * ops.matmul(gram, gram), x)
    return ops.cast(ops.transpose(x) if tall else x, "float32")


class Muon(keras.optimizers.SGD):
    """Muon for kernels of convolutions, SGD with Nesterov momentum for all other variables; after airbench94_muon.

    kernel_rate, bias_rate: the learning rates of kernels and of vectors, which here are the shifts of normalisations,
    as multiples of the rate of the rest; a high bias_rate is of airbench94. kernel_momentum: that of kernels.

    Behind a kernel stands a normalisation, so its length changes nothing but how far a step turns it: after each step
    it is set to that of an orthogonal kernel.
    """

    def __init__(self, learning_rate, momentum, kernel_rate, kernel_momentum, bias_rate, **options):
        super().__init__(learning_rate, momentum, nesterov=True, **options)
        self.kernel_rate, self.kernel_momentum, self.bias_rate = kernel_rate, kernel_momentum, bias_rate

    def build(self, variables):
        super().build(variables)
        if not self.momentums:  # the other variables do without; kernels have a memory of their own kind
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        if len(variable.shape) != 4:
            multiple = self.bias_rate if len(variable.shape) == 1 else 1.0
            super().update_step(gradient, variable, learning_rate * multiple)
            return
        memory = self.momentums[self._get_variable_index(variable)]
        self.assign(memory, self.kernel_momentum * memory + gradient)
        step = gradient + self.kernel_momentum * memory
        n_filters = variable.shape[-1]
        step = ops.reshape(orthogonal(ops.reshape(step, (-1, n_filters))), variable.shape)
        kernel = variable - learning_rate * self.kernel_rate * step
        self.assign(variable, kernel * ops.sqrt(n_filters / ops.sum(ops.square(kernel))))
