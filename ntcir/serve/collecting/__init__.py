"""What a person puts aside, and files made of it."""
