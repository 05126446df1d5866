"""The review page's server: HTTP on top of the rules of people's work."""
