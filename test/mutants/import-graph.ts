import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const TEST_FILE = /\.spec\.ts$|\/(testing|contract|behaviour|simulation)\/|^(test|bench)\//;
/** The specs of Jest's project `unit`. */
const UNIT_SPEC = /^(apps|libs|dev|bench|test\/chaos|test\/mutants)\/.*\.spec\.ts$/;
const GENERATED = /^\/\/ Written by `npm run /;

/**
 * Which file of a project imports which at run time. Jest's `--findRelatedTests` follows relative imports only: it resolves
 * `#orders/…` and `@orders-pipeline/…` without the conditions that lead to the sources.
 */
export class ImportGraph {
  private readonly sources = new Map<string, ts.SourceFile>();
  private readonly importers = new Map<string, Set<string>>();

  constructor(directory: string) {
    const { config } = ts.readConfigFile(join(directory, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
    const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, directory);
    const cache = ts.createModuleResolutionCache(directory, (name) => name, options);
    const files = globSync('{apps,libs,dev,test,bench}/**/*.ts', {
      cwd: directory,
      exclude: (path) => /(^|\/)(dist|node_modules)$|\.d\.ts$/.test(path),
    });
    for (const file of files) {
      const path = join(directory, file);
      const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2024, true);
      this.sources.set(file, source);
      for (const name of runtimeImports(source)) {
        const { resolvedModule } = ts.resolveModuleName(
          name,
          path,
          options,
          ts.sys,
          cache,
          undefined,
          ts.ModuleKind.ESNext,
        );
        if (resolvedModule === undefined || resolvedModule.resolvedFileName.includes('/node_modules/')) continue;
        const imported = relative(directory, resolvedModule.resolvedFileName);
        this.importers.set(imported, (this.importers.get(imported) ?? new Set()).add(file));
      }
    }
  }

  /** Returns the TypeScript files of the product with their sources: no entry `main.ts`, no generated file, nothing that only tests import. */
  productFiles(): [string, ts.SourceFile][] {
    return [...this.sources].filter(
      ([file, { text }]) => this.isProduct(file) && !file.endsWith('/main.ts') && !GENERATED.test(text),
    );
  }

  /** Returns the unit specs that import a file, directly or through others, the nearest first. */
  specsOf(file: string): string[] {
    const found = new Set([file]);
    for (const at of found) for (const importer of this.importers.get(at) ?? []) found.add(importer);
    return [...found].filter((path) => UNIT_SPEC.test(path));
  }

  private isProduct(file: string): boolean {
    if (TEST_FILE.test(file)) return false;
    const importers = this.importers.get(file);
    return importers === undefined || [...importers].some((importer) => this.isProduct(importer));
  }
}

/** Returns what a file imports, without imports of types. */
function runtimeImports(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const add = (specifier: ts.Node | undefined): void => {
    if (specifier !== undefined && ts.isStringLiteral(specifier)) found.push(specifier.text);
  };
  const addDynamic = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0]);
    ts.forEachChild(node, addDynamic);
  };
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) && statement.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword)
      add(statement.moduleSpecifier);
    if (ts.isExportDeclaration(statement) && !statement.isTypeOnly) add(statement.moduleSpecifier);
  }
  if (source.text.includes('import(')) addDynamic(source);
  return found;
}
