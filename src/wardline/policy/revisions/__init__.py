"""The history of a policy: its revisions, what differs between them, and the way back to one."""
