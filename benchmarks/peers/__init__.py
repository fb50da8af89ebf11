"""The same ten steps that do nothing, on other engines, each in a process and a store of its own.

Each file is a program: `python FILE FOLDER RUNS AT_ONCE`, run by the Python that has the peer. It keeps its store in
FOLDER, drives RUNS runs of ten steps, AT_ONCE of them at a time, and prints one JSON object: steps, seconds, store.
"""
