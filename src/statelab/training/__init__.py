"""Training: epoch by epoch, in the compiled program or by Keras's fit."""
