"""Hosts over SSH: the line, files by SFTP, programs and changes by exactly framed scripts."""
