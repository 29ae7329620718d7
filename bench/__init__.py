"""The benchmark: how close Mooring comes to programs that do less.

`make bench` (`python -m bench`) measures, in one run on one machine, so that the ratios hold where the absolute figures
do not:

- OpenAPI operations beside the same HTTP server answering constant bytes of the same size;
- uplink of devices, decoded and committed, beside brokers that accept and discard;
- commands, from the call to the stored answer, beside a message there and back through a broker;
- memory of devices that are connected and silent;
- pages of a long data log beside those of a short one.

`--idle` measures start and memory, `--servers` compares ASGI servers. Results are printed and written to
`bench/results/`.

Reading order: `processes` and `rounds` (how things are compared), `dataset` and `devices` (of which clouds). OpenAPI:
`operations`, `load`, `ratios`, `checks` (that every call measured was a success). Devices: `brokers`, `player`,
`device_load` and `uplink`, `round_trip_load` and `commands`, `connections`, `history`. All: `report`.
"""
