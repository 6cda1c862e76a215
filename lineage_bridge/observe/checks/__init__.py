"""What checks ask of files: the facts of each, and which of them are versions of one dataset."""
