"""What is shown in a browser: style, pictures, and reports as files of their own."""
