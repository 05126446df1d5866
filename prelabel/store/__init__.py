"""Where frames, label versions, rounds and events are kept."""
