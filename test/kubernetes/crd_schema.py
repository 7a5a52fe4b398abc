"""Prints the JSON schema of a custom resource, from its definition: crd_schema.py CRD_FILE VERSION. Unknown fields are rejected."""

import json
import sys

import yaml


def closed(schema):
    """Closes each object whose fields are listed."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(value) for name, value in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields", False)
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema and not is_open:
        result["additionalProperties"] = False
    return result


def main(path, version):
    with open(path, encoding="utf-8") as file:
        versions = yaml.safe_load(file)["spec"]["versions"]
    schema = next(each["schema"]["openAPIV3Schema"] for each in versions if each["name"] == version)
    # A definition leaves them out: the API server adds them.
    schema["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}, "labels": {"type": "object"}, "annotations": {"type": "object"}}}
    print(json.dumps(closed(schema)))


main(*sys.argv[1:])
