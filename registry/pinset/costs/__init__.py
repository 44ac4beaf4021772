"""Tokens and prices from packages that carry their data: the extra ``pinset[costs]``, and what stands in without it.

`offline.Offline` is what a registry is given; `nothing.Nothing` needs nothing and knows no price.
"""
