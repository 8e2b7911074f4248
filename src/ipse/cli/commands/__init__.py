"""The commands that are no tasks: one file each, whose function ``command`` is its signature and its help."""
