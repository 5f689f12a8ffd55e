"""Gradients outside of `fit`: the one thing that Keras has no backend-neutral call for."""

import functools

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


def two_gradients(function, first, second, state):
    """(more, gradients of loss 1 with respect to `first`, of loss 2 to `second`) of `function() -> (1, 2, more)`.

    For a train step with two losses over one forward pass, as that of a GAN. first, second: lists of Keras variables;
    state: every variable that `function` may read or change. To be called inside `stateful_train_step`.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            loss_1, loss_2, more = function()
        return more, *(
            tape.gradient(loss, [variable.value for variable in variables])
            for loss, variables in ((loss_1, first), (loss_2, second))
        )
    import jax

    now = [(variable, variable.value) for variable in state]

    def pure(*values):
        with keras.StatelessScope([*now, *zip([*first, *second], values, strict=True)]) as scope:
            loss_1, loss_2, more = function()
        return (loss_1, loss_2), (more, [scope.get_current_value(variable) for variable in state])

    values = [variable.value for variable in (*first, *second)]
    (loss_1, loss_2), gradients_of, (more, changed) = jax.vjp(pure, *values, has_aux=True)
    one, none = (jax.numpy.full_like(loss_1, share) for share in (1, 0))
    for variable, new in zip(state, changed, strict=True):
        variable.assign(new)
    return more, list(gradients_of((one, none))[: len(first)]), list(gradients_of((none, one))[len(first) :])


def stateful_train_step(step):
    """Make `step(model, data) -> logs`, which assigns to variables, the `train_step` of a Keras model on any backend.

    On TensorFlow it is that already. On JAX Keras wants a function of (state, data), and hands over the values of all
    variables: here they stand for the variables while `step` runs.
    """
    if keras.backend.backend() == "tensorflow":
        return step

    @functools.wraps(step)
    def train_step(model, state, data):
        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        mapping = [
            pair for group, values in zip(groups, state, strict=True) for pair in zip(group, values, strict=True)
        ]
        with keras.StatelessScope(mapping) as scope:
            logs = step(model, data)
        return logs, tuple([scope.get_current_value(variable) for variable in group] for group in groups)

    return train_step
