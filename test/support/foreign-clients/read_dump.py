"""Reads a backup as a dump of MongoDB's own tools, with pymongo's BSON library, and compares it with a database.

Arguments: the folder of the database in the backup, the connection string of the database to compare with, and the names of collections.
Prints one JSON object: for each collection the documents in the dump, and whether the database has exactly the same bytes, and for each
metadata file its options and the names of its indexes.
"""

import gzip
import json
import os
import sys

import bson
import pymongo
from bson import json_util
from bson.raw_bson import RawBSONDocument


def opened(folder, name):
    plain = os.path.join(folder, name)
    return open(plain, "rb") if os.path.exists(plain) else gzip.open(f"{plain}.gz", "rb")


def main():
    folder, uri, *names = sys.argv[1:]
    client = pymongo.MongoClient(uri, document_class=RawBSONDocument)
    database = client.get_default_database()
    found = {}
    for name in names:
        with opened(folder, f"{name}.bson") as dump:
            documents = sorted(bson.encode(document) for document in bson.decode_file_iter(dump))
        with opened(folder, f"{name}.bson") as dump:
            content = dump.read()
        with opened(folder, f"{name}.metadata.json") as file:
            metadata = json_util.loads(file.read())
        stored = [document.raw for document in database[name].find()]
        found[name] = {
            "documents": len(documents),
            "sameBytes": sorted(stored) == sorted(split(content)),
            "options": metadata["options"],
            "indexes": sorted(index["name"] for index in metadata["indexes"]),
        }
    print(json_util.dumps(found))


def split(content):
    """Yields the documents of a dump: each begins with its length."""
    at = 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        yield content[at : at + length]
        at += length


if __name__ == "__main__":
    main()
