"""Prints one JSON schema of Kubernetes with all that it refers to: kubernetes_schema.py FOLDER FILE."""

import json
import os
import sys


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


class Resolver:
    def __init__(self, folder):
        self.folder = folder
        self.files = {}

    def resolve(self, schema, name):
        """Replaces each reference by what it refers to."""
        if isinstance(schema, list):
            return [self.resolve(each, name) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(schema.get("$ref"), str):
            file, _, pointer = schema["$ref"].partition("#")
            # They name a file by a path of the server that they come from.
            target = os.path.basename(file) or name
            return self.resolve(self.at(target, pointer), target)
        return {key: self.resolve(value, name) for key, value in schema.items()}

    def at(self, name, pointer):
        if name not in self.files:
            self.files[name] = load(self.folder, name)
        found = self.files[name]
        for step in filter(None, pointer.split("/")):
            found = found[step]
        return found


def main(folder, name):
    print(json.dumps(Resolver(folder).resolve(load(folder, name), name)))


main(*sys.argv[1:])
