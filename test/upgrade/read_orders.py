"""Reads a topic to its end with librdkafka, and prints one JSON line per record, without any code of the pipeline.

Arguments: brokers, topic. A line is {"partition", "offset", "id", "number", "fault"}; id and number are null if the value does not
begin as Confluent's framing of an order: 5 bytes, then Avro with the id (a string of 36 characters) and the number (a long).
"""

import json
import sys
import uuid

from confluent_kafka import Consumer, TopicPartition

TIMEOUT_S = 30


def order_of(value):
    if value is None or len(value) < 43 or value[0] != 0 or value[5] != 72:
        return None, None
    number = 0
    for shift, byte in enumerate(value[42:52]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            break
    return value[6:42].decode("ascii", "replace"), (number >> 1) ^ -(number & 1)


def main():
    brokers, topic = sys.argv[1:3]
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": str(uuid.uuid4()), "enable.auto.commit": False, "log_level": 0})
    partitions = consumer.list_topics(topic, TIMEOUT_S).topics[topic].partitions
    left = {}
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT_S)
        if high > low:
            left[partition] = high
    consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
    while left:
        message = consumer.poll(TIMEOUT_S)
        if message is None:
            raise TimeoutError(f"partitions {sorted(left)} were not read to their end")
        if message.error():
            raise RuntimeError(str(message.error()))
        headers = dict(message.headers() or [])
        identifier, number = order_of(message.value())
        record = {"partition": message.partition(), "offset": message.offset(), "id": identifier, "number": number}
        record["fault"] = headers["fault"].decode() if "fault" in headers else None
        print(json.dumps(record))
        if message.offset() + 1 >= left.get(message.partition(), float("inf")):
            del left[message.partition()]
    consumer.close()


main()
