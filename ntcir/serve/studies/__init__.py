"""Topics and the runs that answered them."""
