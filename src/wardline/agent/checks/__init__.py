"""The measurements, one file per check."""
