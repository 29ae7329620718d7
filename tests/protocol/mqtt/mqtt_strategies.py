"""Hypothesis strategies for MQTT: packets that can be encoded."""

from hypothesis import strategies as st

from mooring.protocol.mqtt import GRANT_REFUSED, Will, packets
from mooring.protocol.mqtt.packets import Packet, filter_fault

ids = st.integers(1, 65535)
qos = st.integers(0, 2)
payloads = st.binary(max_size=300)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=12)
filters = st.one_of(
    topics,
    st.lists(st.sampled_from(["a", "", "+", "#", "b c"]), min_size=1, max_size=5)
    .map("/".join)
    .filter(lambda text: filter_fault(text) is None),
)
wills = st.builds(Will, topics, st.binary(max_size=20), qos, st.booleans())
connects = st.builds(
    packets.Connect,
    texts.filter(bool),
    st.none() | texts,
    st.none() | st.binary(max_size=40),
    st.integers(0, 65535),
    st.booleans(),
    st.none() | wills,
)
publishes = st.one_of(
    st.builds(packets.Publish, topics, payloads, st.just(0), st.just(0), st.just(False), st.booleans()),
    st.builds(packets.Publish, topics, payloads, st.integers(1, 2), ids, st.booleans(), st.booleans()),
)
subscribes = st.builds(packets.Subscribe, ids, st.lists(st.tuples(filters, qos), min_size=1, max_size=4).map(tuple))
unsubscribes = st.builds(packets.Unsubscribe, ids, st.lists(filters, min_size=1, max_size=4).map(tuple))
pings = st.just(packets.Pingreq())

# What a client may send in an open session, apart from DISCONNECT.
from_client: st.SearchStrategy[Packet] = st.one_of(
    publishes, subscribes, unsubscribes, pings, ids.map(packets.Puback), ids.map(packets.Pubrel)
)
any_packet: st.SearchStrategy[Packet] = st.one_of(
    from_client,
    connects,
    st.sampled_from([packets.Disconnect(), packets.Pingresp(), packets.Connack(0, True)]),
    st.integers(0, 5).map(packets.Connack),
    ids.map(packets.Pubrec),
    ids.map(packets.Pubcomp),
    ids.map(packets.Unsuback),
    st.builds(packets.Suback, ids, st.lists(st.sampled_from([0, 1, 2, GRANT_REFUSED]), min_size=1).map(tuple)),
)
