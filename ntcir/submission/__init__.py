"""Official submissions: the organisers' JSON in, their CSV out, and the box it runs in."""
