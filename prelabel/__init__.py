"""Model-assisted pre-labelling with active learning for object detection."""
