"""Official submissions: the organisers' JSON in, their CSV out, and the image that runs it."""
