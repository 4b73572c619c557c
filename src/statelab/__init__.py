"""statelab: does a recurrent network have to carry state on your sequences?

One trainer and three arrays: which samples each lane of each batch reads, where
the state is set to zero, and what counts in the loss. Stateless training is the
same trainer with a reset before every sample.
"""

__version__ = "0.1.0"
