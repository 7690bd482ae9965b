"""The part of CEL (cel.dev, the Common Expression Language) that a rule's condition may use."""
