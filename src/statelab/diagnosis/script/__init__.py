"""Probes of a training script, which is run and recorded."""
