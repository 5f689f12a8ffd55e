"""Gradients with respect to an input: the one thing of the analysis that Keras has no backend-neutral call for."""

import keras


def input_gradient(function):
    """A compiled function (x, *more) -> (value, gradient) for a scalar `function(x, *more)`; gradient shaped like x."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function
        def value_and_gradient(x, *more):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x, *more)
            return value, tape.gradient(value, x)

        return value_and_gradient
    import jax

    return jax.jit(jax.value_and_grad(function))
