"""The SQL of learning: runs, patterns, promotions."""
