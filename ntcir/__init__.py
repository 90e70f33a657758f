"""ntcir: dense retrieval between lifelog photographs and sensor readings, for the NTCIR Transfer task."""

__version__ = "0.1.0"
