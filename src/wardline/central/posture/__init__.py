"""What the fleet measures: results over time, the latest of each, the score."""
