"""Pilots: classical first estimates, shown immediately, which guide the fit and are the lower bound of its quality.

One pilot per file; modules with a leading underscore contain shared code.
"""
