"""A simulated manufacturer: a world, what each of its systems holds, what is wrong in that, and the extracts.

Belongs here: nothing but the package. `simulation` puts the steps together, `score` compares what was found with the
truth.
"""
