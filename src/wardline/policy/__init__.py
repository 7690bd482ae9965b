"""The policy manager: its contract over HTTP and sockets, whichever store the rules stand in."""
