"""The topics of the doorbell, built and taken apart."""

import pytest
from gantry_protocol import topics


def test_a_topic_is_taken_apart_as_it_was_put_together():
    assert topics.parse("gantry/readonly/red/ada") == topics.Topic(
        "gantry", "readonly", "red", "ada"
    )
    for namespace in ("gantry", "prod/gantry"):
        topic = topics.parse(topics.writeonly(namespace, "red", "ada"))
        assert topic == topics.Topic(namespace, "writeonly", "red", "ada")


@pytest.mark.parametrize("part", ["", "a/b", "+", "#", "a#", "a\0"])
def test_a_topic_is_not_built_from_parts_that_would_name_another(part: str):
    for build_topic in (topics.readonly, topics.writeonly):
        for parts in (("gantry", part, "ada"), ("gantry", "red", part)):
            with pytest.raises(topics.BadTopic):
                build_topic(*parts)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gantry/readonly/red",
        "readonly/red/ada",
        "/readonly/red/ada",
        "gantry/sideways/red/ada",
        "gantry/readonly/red/+",
        "gantry/readonly//ada",
        "$SYS/readonly/red/ada",
    ],
)
def test_what_is_not_a_topic_of_the_doorbell_is_not_parsed(topic: str):
    with pytest.raises(topics.BadTopic):
        topics.parse(topic)
