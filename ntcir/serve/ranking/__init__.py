"""From what is asked to hits in exact order."""
