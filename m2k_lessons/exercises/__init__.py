"""Exercises that answer back. One module for each chapter."""
