import type { OpenAPIObject } from '@nestjs/swagger';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

/**
 * Documents a query parameter that is an object as separate parameters: `number[gte]`, `number[lt]` and so on. As one object
 * (`deepObject`), Swagger UI would send the examples of all bounds at once, unless the user deletes each. Descriptions that a parameter
 * shares with its schema stand only once.
 */
export function documentRanges(document: OpenAPIObject): void {
  for (const item of Object.values(document.paths))
    for (const operation of [item.get, item.post])
      if (operation?.parameters !== undefined)
        operation.parameters = (operation.parameters as Parameter[]).flatMap(flattened) as never;
}

function flattened(parameter: Parameter): object[] {
  const { name, schema } = parameter;
  // A value, or a range of values.
  if (parameter.in === 'query' && schema?.anyOf !== undefined)
    return schema.anyOf.flatMap((either) => flattened({ name, in: 'query', required: false, schema: either }));
  if (parameter.in !== 'query' || schema?.properties === undefined) return [described(parameter)];
  return Object.entries(schema.properties).map(([bound, boundSchema]) =>
    described({ name: `${name}[${bound}]`, in: 'query', required: false, schema: boundSchema }),
  );
}

/**
 * Moves the description of the schema to the parameter. Omits the expression of a query parameter: Swagger UI would answer a wrong value
 * with it, instead of sending the request, whose problem explains in a sentence what is allowed.
 */
function described({ schema = {}, ...parameter }: Parameter): Parameter {
  const { description, pattern: _expression, ...rest } = schema;
  return { ...parameter, ...(description !== undefined && { description }), schema: rest };
}
