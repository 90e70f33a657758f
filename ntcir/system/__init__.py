"""The ground: errors, files that appear whole, locks, signals, processes, progress, the machine."""
