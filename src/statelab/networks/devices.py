"""Which device trains networks: the first GPU that TensorFlow sees, or the processor.

CUDA_VISIBLE_DEVICES says which cards TensorFlow sees: `CUDA_VISIBLE_DEVICES=1` is the
second one, and -1 hides them all. Training on a GPU has not been tried yet.
"""

import functools
from typing import NamedTuple

import tensorflow as tf


class Device(NamedTuple):
    """What a population is trained on."""

    name: str  # as users read it
    memory: int | None  # bytes of a card that TensorFlow may use; None: not a card

    @property
    def is_gpu(self) -> bool:
        """Whether it is a card, on which one program trains at a time."""
        return self.memory is not None


@functools.cache
def current() -> Device:
    """Return the device that trains here, the same for a whole process."""
    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        return Device("CPU", None)
    from tensorflow.python.client import device_lib

    details = tf.config.experimental.get_device_details(cards[0])
    limits = [
        each.memory_limit
        for each in device_lib.list_local_devices()
        if each.device_type == "GPU"
    ]
    return Device(f"GPU, {details.get('device_name', 'unnamed')}", limits[0])


def share_cores(trainings: int) -> None:
    """Give one core to each of the trainings that a process runs side by side."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(trainings)
