"""Exact search for the most similar vectors, in bounded memory: every ranking and all mining goes through here."""
