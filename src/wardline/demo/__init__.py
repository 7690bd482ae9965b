"""A clinic to look at: hosts as file trees, and what makes their settings drift."""
