"""Displays: pictures of networks, training and searches, drawn with matplotlib."""
