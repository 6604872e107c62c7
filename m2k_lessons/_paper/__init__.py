"""What `m2k_lessons.paper` is made of."""
