"""What people read: tables and pictures of results."""
