"""What `up` and `collector` run beside themselves."""
