"""What is learnt of each modality: from features to unit vectors in the shared space."""
