"""Probes that look for leaks of state."""
