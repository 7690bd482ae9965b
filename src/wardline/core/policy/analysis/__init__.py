"""What can be said of rules before anybody asks: flaws that the finite domains make certain."""
