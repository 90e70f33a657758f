"""The addresses of the page: a router a file, each of a ``Site``."""
