"""What is in data, and what has become of it, in words, tables and JSON shapes."""
