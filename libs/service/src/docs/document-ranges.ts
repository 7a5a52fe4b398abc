import type { OpenAPIObject } from '@nestjs/swagger';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: Schema;
}

/**
 * Tells of a query parameter that is an object as what is sent: `number[gte]`, `number[lt]` and so on, each by itself. As one object
 * (`deepObject`) Swagger UI sends an example of all its ends at once, unless each is deleted by hand.
 */
export function documentRanges(document: OpenAPIObject): void {
  for (const item of Object.values(document.paths))
    for (const operation of [item.get, item.post])
      if (operation?.parameters !== undefined)
        operation.parameters = (operation.parameters as Parameter[]).flatMap(flattened) as never;
}

function flattened(parameter: Parameter): object[] {
  const { name, schema } = parameter;
  if (parameter.in !== 'query' || schema?.properties === undefined) return [parameter];
  return Object.entries(schema.properties).map(([end, endSchema]) => ({
    name: `${name}[${end}]`,
    in: 'query',
    required: false,
    description: endSchema.description ?? '',
    schema: endSchema,
  }));
}
