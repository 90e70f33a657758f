"""What people read: tables and charts of results."""
