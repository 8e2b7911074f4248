"""file ↦ file: a job, its input and output, and all that is written beside the output."""
