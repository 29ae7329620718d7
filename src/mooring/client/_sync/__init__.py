# Made of _async/__init__.py by tools/generate_sync.py; change that.
"""The client that blocks, made of `_async` by `tools/generate_sync.py`."""
