"""The computers that an agent measures and repairs."""
