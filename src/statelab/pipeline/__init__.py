"""What surrounds a stage: its paths, its workspace, DVC and progress."""
