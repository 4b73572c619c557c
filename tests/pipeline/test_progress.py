import os
import pty
import subprocess
import sys

import pandas as pd

from statelab.pipeline.progress import Progress

FOLLOW = """
import time
import pandas as pd
from statelab.pipeline.progress import Progress
progress = Progress("train_stateful", 3)
for epoch in (1, 2, 3):
    progress.batches(10 * epoch, 90)
    losses = [0.0625 / epoch, 0.1875 / epoch]
    lines = pd.DataFrame({"seed": [3, 4], "epoch": epoch, "loss": losses})
    progress.epoch(epoch, lines)
progress.done()
"""


def test_progress_prints_plain_lines_where_there_is_no_terminal():
    shown = subprocess.run(
        [sys.executable, "-c", FOLLOW], capture_output=True, text=True, check=True
    )
    assert shown.stdout == ""
    assert shown.stderr.splitlines() == [
        "train_stateful: epoch 1/3: loss 0.125",
        "train_stateful: epoch 3/3: loss 0.04167",
    ]


def test_progress_draws_a_bar_below_the_lines_on_a_terminal():
    reader, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}
    training = [sys.executable, "-c", FOLLOW.replace("(10", "(time.sleep(0.2) or 10")]
    with subprocess.Popen(training, stderr=terminal, env=environment):
        os.close(terminal)
        drawn = b""
        try:
            while part := os.read(reader, 10_000):
                drawn += part
        except OSError:  # as Linux says that nobody writes any more
            pass
    shown = drawn.decode()
    assert "train_stateful: epoch 1/3: loss 0.125\r\n" in shown
    assert "train_stateful: epoch 3/3: loss 0.04167\r\n" in shown
    assert "20/90 batches" in shown and "epoch 1/3, loss 0.125" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")  # the cursor is there


def test_progress_says_how_far_a_long_epoch_is(capsys):
    progress = Progress("train_stateless", 2)
    progress._last_line -= 60  # as if the last line were a minute old
    progress.batches(1500, 40000)
    progress.batches(1600, 40000)
    said = capsys.readouterr().err.splitlines()
    assert said == ["train_stateless: 1,500 of 40,000 batches"]


def test_progress_says_where_training_goes_on(capsys):
    progress = Progress("train_stateful", 9)
    progress.resumed(7, 12345, 132345)
    progress.batches(132400, 180000)
    progress.epoch(7, pd.DataFrame({"seed": [3], "epoch": 7, "loss": [0.125]}))
    progress.done()
    assert capsys.readouterr().err.splitlines() == [
        "train_stateful: goes on from epoch 7, batch 12,345",
        "train_stateful: epoch 7/9: loss 0.125",
    ]
