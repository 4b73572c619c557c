"""The command `statelab`."""
