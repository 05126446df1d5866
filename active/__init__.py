"""Which frames to label next, what labelling them costs, and the loop that finds out."""
