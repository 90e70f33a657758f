"""Which pairs meet in a batch, and which of them are positives of each other."""
