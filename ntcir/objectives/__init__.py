"""What training minimises: small functions of a batch's embeddings."""
