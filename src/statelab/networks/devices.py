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
        """Whether it is a card."""
        return self.memory is not None


@functools.cache
def current() -> Device:
    """Return the device that trains here, the same for a whole process.

    On a GPU products are calculated in float32, as on a processor: TensorFlow would
    shorten their operands to TF32.
    """
    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        return Device("CPU", None)
    from tensorflow.python.client import device_lib

    limits = [
        each.memory_limit
        for each in device_lib.list_local_devices()
        if each.device_type == "GPU"
    ]
    if not limits:  # TensorFlow sees a card, and cannot use it
        return Device("CPU", None)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    details = tf.config.experimental.get_device_details(cards[0])
    return Device(f"GPU, {details.get('device_name', 'unnamed')}", limits[0])


def share_cores(trainings: int) -> None:
    """Give one core to each of the trainings that a process runs side by side."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(trainings)
