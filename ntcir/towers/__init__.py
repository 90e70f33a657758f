"""What is trained: stems that know the rows, heads that lead to the shared space."""
