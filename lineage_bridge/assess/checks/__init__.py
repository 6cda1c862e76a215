"""Checks of what is in a dataset version: an open list of small definitions, all always reported.

Facts of a version, a policy and the versions before it come in; a result for each check goes out:
passed, failed, or skipped with the reason. A version is compared, by each check, with the last one
that passed this very check: so a lasting alarm neither hides in itself nor blinds the others.
"""
