"""Writes records with librdkafka, like another team's client would.

Reads one JSON request per line from stdin, and writes one JSON response per line to stdout: {"offsets": [...]} or {"error": "..."}.
Requests: {"do": "produce", "topic", "codec", "records"}, {"do": "begin", "producer"},
{"do": "send", "producer", "topic", "records"}, {"do": "commit", "producer"}, {"do": "abort", "producer"}.
A record is {"partition", "key", "value", "headers": [[name, value]]}; bytes are base64, null stays null.
The only argument is the list of brokers.
"""

import base64
import json
import sys

from confluent_kafka import Producer

# A hang guard: the machine may be slow.
TIMEOUT_S = 600
MAX_RECORD_BYTES = 8 * 1024 * 1024


class Writer:
    def __init__(self, brokers):
        self.brokers = brokers
        self.transactional = {}

    def handle(self, request):
        action = request["do"]
        if action == "produce":
            return self.produce(request)
        if action == "begin":
            return self.begin(request["producer"])
        producer = self.transactional[request["producer"]]
        if action == "send":
            return write(producer, request["topic"], request["records"])
        if action == "commit":
            producer.commit_transaction(TIMEOUT_S)
            return []
        if action == "abort":
            producer.abort_transaction(TIMEOUT_S)
            return []
        raise ValueError(f"do must be produce, begin, send, commit or abort, got {action}")

    def produce(self, request):
        # The linger makes all records of a request one batch for each partition.
        settings = {"compression.type": request["codec"], "enable.idempotence": True, "linger.ms": 100}
        return write(self.connect(settings), request["topic"], request["records"])

    def begin(self, name):
        if name not in self.transactional:
            producer = self.connect({"transactional.id": name})
            producer.init_transactions(TIMEOUT_S)
            self.transactional[name] = producer
        self.transactional[name].begin_transaction()
        return []

    def connect(self, settings):
        # librdkafka's log is off: messages about a broker that loads its transactions or stops before this process are irrelevant.
        common = {"bootstrap.servers": self.brokers, "message.max.bytes": MAX_RECORD_BYTES, "log_level": 0}
        return Producer({**common, **settings})


def write(producer, topic, records):
    """Writes the records and waits for their acknowledgements: an abort purges what is still queued."""
    offsets = [None] * len(records)
    failures = []

    def delivered(index):
        def on_delivery(error, message):
            if error is None:
                offsets[index] = message.offset()
            else:
                failures.append(str(error))

        return on_delivery

    for index, record in enumerate(records):
        producer.produce(
            topic,
            partition=record["partition"],
            key=to_bytes(record["key"]),
            value=to_bytes(record["value"]),
            headers=[(name, to_bytes(value)) for name, value in record["headers"]],
            on_delivery=delivered(index),
        )
    left = producer.flush(TIMEOUT_S)
    if failures:
        raise RuntimeError(failures[0])
    if left > 0:
        raise TimeoutError(f"{left} records were not acknowledged within {TIMEOUT_S} s")
    return offsets


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def main():
    writer = Writer(sys.argv[1])
    for line in sys.stdin:
        try:
            response = {"offsets": writer.handle(json.loads(line))}
        except Exception as error:
            response = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(response), flush=True)


main()
