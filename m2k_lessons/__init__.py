"""Helper package of the M2K course."""
