"""The truth about the simulated manufacturer: one consistent world, from which every system's view is derived.

Belongs here: products, structures, changes, suppliers, orders, stock, events. Doesn't belong here: what a system
knows of it and when (`held`), and what goes wrong (`defects`).

The world is a function of the options; a later horizon adds to it and changes nothing that was there.
"""
