"""Recordings: frames that follow each other, and what is known of one from its neighbours."""
