"""The client that awaits. `_sync` is made of these modules by `tools/generate_sync.py`; change them, not those."""
