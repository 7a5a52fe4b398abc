import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { PROJECT_DIRECTORY } from '../project-directory.js';

const PACKAGES = ['clock', 'parallel-consumer', 'nestjs-parallel-consumer'];
const PRINTER = ts.createPrinter({ removeComments: true });

/** An entry of a package, and its compiled declarations. */
interface Entry {
  readonly name: string;
  readonly file: string;
}

/** Returns the declaration of each export of the published packages, by entry, as the compiler of a user's project reads it; without comments. */
export function declareExports(): string {
  const files = globSync('libs/*/dist/**/*.d.ts', { cwd: PROJECT_DIRECTORY }).map((file) =>
    join(PROJECT_DIRECTORY, file),
  );
  // Declarations are printed as they are: what they import from elsewhere does not matter.
  const program = ts.createProgram(files, { module: ts.ModuleKind.NodeNext, noResolve: true, noLib: true, types: [] });
  const checker = program.getTypeChecker();
  return PACKAGES.flatMap(entriesOf)
    .map(({ name, file }) => {
      const source = program.getSourceFile(file);
      const module = source && checker.getSymbolAtLocation(source);
      if (module === undefined) throw new Error(`${file} exports nothing`);
      const symbols = checker.getExportsOfModule(module).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return `# ${name}\n\n${symbols.map((symbol) => declarationOf(symbol, checker)).join('\n\n')}\n`;
    })
    .join('\n');
}

function entriesOf(folder: string): Entry[] {
  const path = join(PROJECT_DIRECTORY, 'libs', folder);
  const { name, exports } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
    name: string;
    exports: Readonly<Record<string, { readonly types?: string }>>;
  };
  return Object.entries(exports).flatMap(([entry, { types }]) =>
    types === undefined ? [] : { name: join(name, entry), file: join(path, types) },
  );
}

function declarationOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const { flags } = symbol;
  const { declarations = [] } = flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return declarations
    .map((declaration) => {
      const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      return PRINTER.printNode(ts.EmitHint.Unspecified, withoutPrivate(node), declaration.getSourceFile());
    })
    .join('\n');
}

/** Drops the members of a class that no user can use. */
function withoutPrivate(node: ts.Node): ts.Node {
  if (!ts.isClassDeclaration(node)) return node;
  const members = node.members.filter((member) => !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private));
  const { modifiers, name, typeParameters, heritageClauses } = node;
  return ts.factory.updateClassDeclaration(node, modifiers, name, typeParameters, heritageClauses, members);
}
