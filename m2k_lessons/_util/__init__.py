"""What every package shares: checks of arguments, series in and out, compiled loops, pictures."""
