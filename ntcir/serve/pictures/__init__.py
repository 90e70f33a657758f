"""Photographs small and large, uploads, and which are blurred or dark."""
