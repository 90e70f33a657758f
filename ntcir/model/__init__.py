"""A trained model: its towers, the folder that it is saved in, and the log of its training."""
