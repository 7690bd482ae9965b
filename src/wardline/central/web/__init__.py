"""What every request passes through: limits, headers, host check, error shape, the dashboard."""
