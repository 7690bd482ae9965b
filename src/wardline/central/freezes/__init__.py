"""Freezes: everything of a partner or a site stopped by a person, who obeys, and who lifts it."""
