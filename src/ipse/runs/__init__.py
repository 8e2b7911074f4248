"""file ↦ file: jobs with their inputs and outputs, receipts, checkpoints and plans."""
