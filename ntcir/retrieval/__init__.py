"""A trained model and a corpus: topics answered, splits evaluated."""
