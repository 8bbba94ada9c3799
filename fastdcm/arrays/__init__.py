"""Frames as arrays: what training needs of them."""
