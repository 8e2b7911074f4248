"""picture ↦ result, as a stream of events: one picture, or the parts of one."""
