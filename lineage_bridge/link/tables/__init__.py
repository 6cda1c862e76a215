"""What tools tell of tables: how they were made, and what was found in them."""
