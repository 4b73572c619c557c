"""Runs a training script, and keeps what it hands to Keras."""
