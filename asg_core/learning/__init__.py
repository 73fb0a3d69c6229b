"""What every trained part uses: optimiser, schedule, step, checkpoints and processes."""
