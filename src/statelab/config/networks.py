"""The cells, heads, optimizers and schedules that there are, with their names in Keras.

`networks.cells`, `networks.heads` and `networks.optimizers` compute them, each by a
function of the same name.
"""

from typing import NamedTuple


class Cell(NamedTuple):
    """A recurrent cell, and its sizes in units."""

    keras: str  # a class of keras.layers
    gates: int  # blocks of columns of its kernels
    biases: int  # rows of biases; of two, the second is added to what h gives alone
    states: int  # vectors that are its state, h among them


class Head(NamedTuple):
    """How predictions are made of the outputs, and what is counted of them."""

    activation: str  # in keras.activations
    loss: str  # in keras.losses
    score: str  # in keras.metrics; counted while training


class OptimizerRule(NamedTuple):
    """How weights are moved."""

    keras: str  # a class of keras.optimizers
    slots: int  # arrays that it remembers of each weight, of the same shape


CELLS = {
    "lstm": Cell("LSTM", gates=4, biases=1, states=2),
    "gru": Cell("GRU", gates=3, biases=2, states=1),
    "simple_rnn": Cell("SimpleRNN", gates=1, biases=1, states=1),
}
HEADS = {
    "binary": Head("sigmoid", "binary_crossentropy", "binary_accuracy"),
    "multiclass": Head(
        "softmax", "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
    ),
    "regression": Head("linear", "mean_squared_error", "mean_absolute_error"),
}
OPTIMIZERS = {
    "adam": OptimizerRule("Adam", slots=2),
    "rmsprop": OptimizerRule("RMSprop", slots=1),
    "sgd": OptimizerRule("SGD", slots=0),
}
SCHEDULES = {  # of the learning rate; a class of keras.optimizers.schedules
    "constant": None,
    "cosine": "CosineDecay",
}
