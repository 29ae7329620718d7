"""The benchmark: how close Mooring comes to the same HTTP server that answers constant bytes.

`make bench` (`python -m bench`) measures OpenAPI operations in alternation with constant bytes of the same size, in
one run on one machine, so the ratios hold where the absolute figures do not. `--idle` measures start and memory,
`--servers` compares ASGI servers. Results are printed and written to `bench/results/`.

Reading order: `operations` (what is asked), `dataset` (of which cloud), `processes`, `load`, `rounds` (how), `ratios`
(the measurement), `checks` (that every call measured was a success), `report`.
"""
