"""Whether a difference is one: intervals, tests, and which topics belong together. Without torch and pandas."""
