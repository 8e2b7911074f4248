"""Classical estimates: shown at once, guide of the fit, and the floor that no result may fall below.

One pilot a file, found by its module's exact name; modules with a leading underscore are what pilots share.
"""
