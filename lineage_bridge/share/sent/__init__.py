"""What a Marquez was sent: read again, compared with what it holds, and sent once more."""
