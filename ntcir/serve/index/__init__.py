"""What is known of a corpus, on disk: a catalogue of items, their vectors, and what can be narrowed by."""
