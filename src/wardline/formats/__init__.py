"""The files that leave the house, read and written the same everywhere."""
