"""The policy manager on one policy file: its routes, who may ask, and the server around them."""
