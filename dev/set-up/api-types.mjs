// Writes the types of the services' requests and responses into dist/api/, from the documents in docs/openapi/, with a type by the name of
// each schema. Plain JavaScript, because it runs before the sources are compiled.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';

const DOCUMENTS = fileURLToPath(new URL('../../docs/openapi/', import.meta.url));
const OUT = fileURLToPath(new URL('../../dist/api/', import.meta.url));
const SERVICES = ['producer', 'query-api', 'console', 'facade'];

await mkdir(OUT, { recursive: true });
await Promise.all(
  SERVICES.map(async (service) => {
    const document = JSON.parse(await readFile(`${DOCUMENTS}${service}.json`, 'utf8'));
    await writeFile(`${OUT}${service}.d.ts`, astToString(await schemaTypes(document)));
  }),
);

/** The callers send their requests themselves: they need no types of the paths. A default makes a member of a request optional. */
async function schemaTypes({ openapi, info, components: { schemas } }) {
  const options = { rootTypes: true, rootTypesNoSchemaPrefix: true, defaultNonNullable: false };
  return openapiTypescript({ openapi, info, paths: {}, components: { schemas } }, options);
}
