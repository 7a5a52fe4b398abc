import { z } from 'zod';

const DEVELOPMENT = 'cdx:npm:package:development';

const PropertySchema = z.looseObject({ name: z.string() });
/** The parts of a CycloneDX document that are read; the others are kept. */
const BillSchema = z.looseObject({
  components: z.array(z.looseObject({ 'bom-ref': z.string(), properties: z.array(PropertySchema).default([]) })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});
export type Bill = z.infer<typeof BillSchema>;

const LockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ name: z.string(), version: z.string(), dev: z.boolean(), link: z.boolean() }).partial(),
  ),
});

/**
 * Returns the bill of materials without the packages that only development needs, by package-lock.json. npm 11.19 can't say which these are:
 * `npm sbom --omit dev` also drops packages that both need (73 of 258 here), and a package that is installed twice is marked by one of both.
 * @param bill the output of `npm sbom --sbom-format cyclonedx` @param lock the content of package-lock.json
 */
export function productionBill(bill: string, lock: string): Bill {
  const parsed = BillSchema.parse(JSON.parse(bill));
  const production = productionPackages(lock);
  const isProduction = (ref: string): boolean => production.has(ref);
  return {
    ...parsed,
    components: parsed.components
      .filter((component) => isProduction(component['bom-ref']))
      .map((component) =>
        Object.assign(component, { properties: component.properties.filter(({ name }) => name !== DEVELOPMENT) }),
      ),
    dependencies: parsed.dependencies
      .filter(({ ref }) => isProduction(ref))
      .map((each) => Object.assign(each, { dependsOn: each.dependsOn.filter(isProduction) })),
  };
}

/** Returns name and version of each package that production needs, with the project and its workspaces. */
export function productionPackages(lock: string): Set<string> {
  const { packages } = LockSchema.parse(JSON.parse(lock));
  return new Set(
    Object.entries(packages).flatMap(
      ([path, { name = path.split('node_modules/').at(-1) ?? path, version, dev, link }]) =>
        dev === true || link === true || version === undefined ? [] : [`${name}@${version}`],
    ),
  );
}
