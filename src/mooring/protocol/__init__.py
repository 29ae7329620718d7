"""Codecs of the wire contract, without I/O.

Rules of this room: bytes or text in, values out. No sockets, no clocks, no storage, no logging; time and
secrets are arguments. What a peer sent wrongly is an error value that names the part at fault and never
repeats what was sent, so that it may be logged. Every size is bounded by a named constant.
"""
