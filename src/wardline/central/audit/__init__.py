"""The audit log read back: searched, proved, exported."""
