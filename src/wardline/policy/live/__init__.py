"""What changed, told to sockets while it happens: queue, frames, place in the log, the socket."""
