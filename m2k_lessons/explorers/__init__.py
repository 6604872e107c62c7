"""Explorers: controls that move, a picture that follows. One module for each chapter."""
