"""What frozen networks say of the pictures: computed once, kept on disk."""
