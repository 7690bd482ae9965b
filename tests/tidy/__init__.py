"""Rules of the house that a program can check, each with the reason it exists."""
