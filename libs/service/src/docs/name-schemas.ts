import type { OpenAPIObject } from '@nestjs/swagger';

type Json = Readonly<Record<string, unknown>>;

/** The titled schemas of one document, by name. */
class NamedSchemas {
  readonly byName = new Map<string, Json>();

  /** Replaces each titled schema within a value by a reference, the inner ones first. */
  replace(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.replace(item));
    if (typeof value !== 'object' || value === null) return value;
    const replaced = Object.fromEntries(
      // An example is data: it is kept as it is.
      Object.entries(value).map(([key, inner]) => [key, key === 'example' ? inner : this.replace(inner)]),
    );
    return isTitledSchema(replaced) ? this.referenceTo(replaced) : replaced;
  }

  private referenceTo({ title, ...schema }: Json & { readonly title: string }): Json {
    const known = this.byName.get(title);
    if (known === undefined) this.byName.set(title, schema);
    else if (shapeOf(known) !== shapeOf(schema))
      throw new Error(`two schemas have the title ${title}, but other fields`);
    const { description } = schema;
    // OpenAPI 3.1 allows a description beside a reference: a field may be described differently than its schema.
    const own = known !== undefined && description !== known['description'] ? { description } : {};
    return { $ref: `#/components/schemas/${title}`, ...own };
  }
}

/**
 * Moves every schema with a title to `components.schemas`, so that it has one name in the document and in generated clients. Without it,
 * a generator invents a name for each place where a schema is used.
 * @throws Error if two different schemas have the same title
 */
export function nameSchemas(document: OpenAPIObject): void {
  const named = new NamedSchemas();
  document.paths = named.replace(document.paths) as OpenAPIObject['paths'];
  const schemas = [...Object.entries(document.components?.schemas ?? {}), ...named.byName];
  document.components = {
    ...document.components,
    schemas: Object.fromEntries(schemas.toSorted(([a], [b]) => (a < b ? -1 : 1))) as never,
  };
}

function isTitledSchema(value: Json): value is Json & { readonly title: string } {
  return typeof value['title'] === 'string' && ('type' in value || 'anyOf' in value || 'enum' in value);
}

function shapeOf({ description: _text, ...shape }: Json): string {
  return JSON.stringify(shape);
}
