"""Commands that speak the OpenAPI: to a Mooring, and to any other cloud that speaks it.

They use the client library and nothing of the server. Which cloud, and as whom, comes from the environment or from a
profile; data goes to standard output, talk to standard error.
"""
