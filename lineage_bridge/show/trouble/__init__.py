"""What is wrong, why and who is hit: in words, tables and JSON shapes."""
