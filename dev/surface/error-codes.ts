import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { PROJECT_DIRECTORY } from '../project-directory.js';

/** Tests and their tools, and the console's page, which only shows the codes of the services. */
const OTHERS = /\.spec\.ts$|\/(testing|contract|behaviour|simulation)\/|^(test|bench|examples)\//;

/**
 * Returns the error codes of each app, library and tool: every text that the compiler knows for a property or a parameter named `code`. Those of
 * problem details, of errors and of dead letters are passed on by this name. Not among them are codes that are computed from data, and the names
 * that Node.js and Kafka give to their errors, which are in capitals.
 */
export function listErrorCodes(): string {
  const program = programOf('tsconfig.json');
  const checker = program.getTypeChecker();
  const codes = new Map<string, Set<string>>();
  for (const source of program.getSourceFiles()) {
    const file = relative(PROJECT_DIRECTORY, source.fileName);
    if (source.isDeclarationFile || OTHERS.test(file)) continue;
    const area = /^(?:(?:apps|libs)\/)?[^/]+/.exec(file)?.[0] ?? file;
    const found = codes.get(area) ?? new Set();
    codes.set(area, found);
    visit(source);

    function visit(node: ts.Node): void {
      for (const code of codesOf(node, checker)) if (/^[a-z]/.test(code)) found.add(code);
      ts.forEachChild(node, visit);
    }
  }
  return [...codes]
    .filter(([, found]) => found.size > 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([area, found]) => `# ${area}\n\n${[...found].toSorted().join('\n')}\n`)
    .join('\n');
}

function programOf(configuration: string): ts.Program {
  const path = join(PROJECT_DIRECTORY, configuration);
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: object };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path));
  return ts.createProgram(
    fileNames.filter((file) => !OTHERS.test(relative(PROJECT_DIRECTORY, file))),
    { ...options, noResolve: true, types: [] },
  );
}

function codesOf(node: ts.Node, checker: ts.TypeChecker): string[] {
  if (ts.isCallOrNewExpression(node)) {
    if (!node.arguments?.some(mayBeCode)) return [];
    const at = checker.getResolvedSignature(node)?.parameters.findIndex(({ name }) => name === 'code') ?? -1;
    const given = node.arguments?.[at];
    return given === undefined ? [] : textsIn(checker.getTypeAtLocation(given));
  }
  const isNamed =
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isParameter(node) ||
    ts.isPropertyAssignment(node);
  if (!isNamed || !ts.isIdentifier(node.name) || node.name.text !== 'code') return [];
  return textsIn(checker.getTypeAtLocation(ts.isPropertyAssignment(node) ? node.initializer : node));
}

function textsIn(type: ts.Type): string[] {
  if (type.isUnion()) return type.types.flatMap(textsIn);
  return type.isStringLiteral() ? [type.value] : [];
}

/** Keeps the compiler from checking most calls, which takes most of the time. */
function mayBeCode(argument: ts.Expression): boolean {
  return ts.isStringLiteral(argument) || ts.isConditionalExpression(argument) || /\bcode$/.test(argument.getText());
}
