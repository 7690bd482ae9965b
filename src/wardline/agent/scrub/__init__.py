"""Takes health data and secrets out of what a host says, before anything is written or sent."""
