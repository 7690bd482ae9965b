"""Evidence as it is received: verified, appended to the site's log, read back, exported."""
