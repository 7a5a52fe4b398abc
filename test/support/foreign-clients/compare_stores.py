"""Compares what is on the topics with what is in MongoDB, with clients that share no code with the pipeline.

Arguments: the brokers, the address of the schema registry, and the connection string of MongoDB with the database.
Reads the orders topic and the dead-letter topic from their first record to their end, and the collection `orders`. Prints one JSON object
with counts, and with the first examples of what is wrong:

- lost: records whose order is neither stored, nor has another record that is stored, nor became a dead letter
- doubled: orders whose number or id another stored order has
- foreign: stored orders that are not what the record at their position says
- counter_low: the counter of order numbers is below the highest number of a stored order
"""

import datetime
import io
import json
import sys
import urllib.request

import fastavro
import pymongo
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

TOPIC = "orders.v1"
DEAD_LETTERS = "orders.v1.dead-letter"
TIMEOUT_S = 30
EXAMPLES = 5
HEADER_BYTES = 5


def records_of(brokers, topic):
    """Yields all records of a topic, from the first to the one before its end."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "foreign-reader", "enable.auto.commit": False})
    metadata = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    left = {}
    for partition in metadata.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        if low < high:
            left[partition] = high
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in left])
    while left:
        message = consumer.poll(TIMEOUT_S)
        if message is None:
            raise RuntimeError(f"{topic} has ended before {left}")
        if message.error() is not None:
            raise RuntimeError(str(message.error()))
        yield message
        if message.offset() + 1 >= left[message.partition()]:
            del left[message.partition()]
    consumer.close()


class Decoder:
    """Decodes record values in Confluent's wire format."""

    def __init__(self, registry):
        self.registry = registry
        self.schemas = {}

    def decode(self, value):
        """Returns the order; None if the value is none."""
        if value is None or len(value) < HEADER_BYTES or value[0] != 0:
            return None
        schema = self.schema(int.from_bytes(value[1:HEADER_BYTES], "big"))
        if schema is None:
            return None
        body = io.BytesIO(value[HEADER_BYTES:])
        try:
            order = fastavro.schemaless_reader(body, schema, None)
        except Exception:  # pylint: disable=broad-except
            return None
        return order if body.read(1) == b"" else None

    def schema(self, schema_id):
        if schema_id not in self.schemas:
            self.schemas[schema_id] = self.fetch(schema_id)
        return self.schemas[schema_id]

    def fetch(self, schema_id):
        try:
            with urllib.request.urlopen(f"{self.registry}/schemas/ids/{schema_id}", timeout=TIMEOUT_S) as response:
                return fastavro.parse_schema(json.loads(json.load(response)["schema"]))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def content_on_topic(order):
    legacy = order["legacy"]
    return (
        str(order["id"]),
        order["accountId"],
        order["side"],
        order["symbol"],
        order["quantity"],
        order["price"],
        order["amount"],
        order["currency"],
        order["createdAt"],
        None if legacy is None else (legacy["number"], tuple(legacy["filled"])),
    )


def content_in_mongodb(order):
    legacy = order.get("legacy")
    return (
        str(order["_id"]),
        order["accountId"],
        order["side"],
        order["symbol"],
        order["quantity"],
        order["price"].to_decimal(),
        order["amount"].to_decimal(),
        order["currency"],
        order["createdAt"],
        None if legacy is None else (legacy["number"], tuple(legacy["filled"])),
    )


class Stored:
    """The stored orders: number, place and a hash of the content, by id."""

    def __init__(self, database):
        self.by_id = {}
        self.numbers = {}
        self.doubled = []
        for order in database["orders"].find({}, batch_size=10_000):
            content = content_in_mongodb(order)
            ingest = order["ingest"]
            if content[0] in self.by_id or order["number"] in self.numbers:
                self.doubled.append(content[0])
            self.numbers[order["number"]] = content[0]
            place = (ingest["partition"], int(ingest["offset"]))
            self.by_id[content[0]] = (order["number"], place, hash(content))


class Comparison:
    def __init__(self, stored, dead):
        self.stored = stored
        self.dead = dead
        self.records = 0
        self.undecodable = 0
        self.lost = []
        self.proven = set()

    def note(self, message, order):
        self.records += 1
        place = (message.partition(), message.offset())
        if order is None:
            self.undecodable += 1
            if place not in self.dead:
                self.lost.append(f"{place}: undecodable, and no dead letter")
            return
        content = content_on_topic(order)
        found = self.stored.by_id.get(content[0])
        if found is not None and found[2] == hash(content):
            # The number of a repeated order is that of the record that was saved first.
            if found[1] == place and found[0] == order["number"]:
                self.proven.add(content[0])
            return
        if place not in self.dead and not self.is_repeat(found, message):
            self.lost.append(f"{place}: order {content[0]}, number {order['number']}")

    @staticmethod
    def is_repeat(found, message):
        """A repeated request has another time, if the intake has assigned it."""
        assigned = any(name == "created-at-assigned" for name, _ in message.headers() or [])
        return found is not None and assigned

    @property
    def foreign(self):
        return [key for key in self.stored.by_id if key not in self.proven]


def main():
    brokers, registry, uri = sys.argv[1:4]
    client = pymongo.MongoClient(uri, tz_aware=True, tzinfo=datetime.timezone.utc, uuidRepresentation="standard")
    database = client.get_default_database()
    stored = Stored(database)
    dead = set()
    for message in records_of(brokers, DEAD_LETTERS):
        headers = dict(message.headers() or [])
        if headers.get("dead-letter-origin-topic") == TOPIC.encode():
            dead.add((int(headers["dead-letter-origin-partition"]), int(headers["dead-letter-origin-offset"])))
    decoder = Decoder(registry)
    comparison = Comparison(stored, dead)
    for message in records_of(brokers, TOPIC):
        comparison.note(message, decoder.decode(message.value()))
    counter = database["counters"].find_one({"_id": "order-numbers"}) or {}
    highest = max(stored.numbers, default=0)
    print(
        json.dumps(
            {
                "records": comparison.records,
                "undecodable": comparison.undecodable,
                "deadLetters": len(dead),
                "stored": len(stored.by_id),
                "lost": len(comparison.lost),
                "doubled": len(stored.doubled),
                "foreign": len(comparison.foreign),
                "counterLow": int(counter.get("value", 0)) < highest,
                "examples": comparison.lost[:EXAMPLES] + stored.doubled[:EXAMPLES] + comparison.foreign[:EXAMPLES],
            }
        )
    )


if __name__ == "__main__":
    main()
