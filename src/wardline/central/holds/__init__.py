"""Holds: what flapped and is left alone, as the appliances tell it, and how a person clears one."""
