import { createHash } from 'node:crypto';
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

/** One small change of one product file. */
export interface RandomMutation {
  /** Path in the project. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly operator: string;
  readonly from: number;
  readonly to: number;
  readonly by: string;
  /** Orders the mutations of a project at random; the same in two trees whose code around the mutation is the same. */
  readonly rank: string;
}

type Edit = Pick<RandomMutation, 'operator' | 'from' | 'to' | 'by'>;

const SWAPPED: Record<string, string> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
  '+': '-',
  '-': '+',
};

/** Returns all mutations of a file, each with the rank that the seed gives it. */
export function mutationsOf(file: string, source: ts.SourceFile, seed: string): RandomMutation[] {
  const found: RandomMutation[] = [];
  const occurrences = new Map<string, number>();
  const visit = (node: ts.Node): void => {
    for (const edit of editsOf(node, source)) {
      // Up to the end of the mutated text only: what follows, such as the body of an `if`, may differ between two trees.
      const context = source.text.slice(contextOf(node).getStart(source), edit.to);
      const key = JSON.stringify([seed, file, edit.operator, context]);
      const occurrence = (occurrences.get(key) ?? 0) + 1;
      occurrences.set(key, occurrence);
      const { line, character } = source.getLineAndCharacterOfPosition(edit.from);
      const rank = createHash('sha256').update(`${key}${occurrence}`).digest('hex');
      found.push({ ...edit, file, line: line + 1, column: character + 1, rank });
    }
    if (isDescription(node)) return;
    ts.forEachChild(node, (child) => {
      if (!isLeftAlone(child)) visit(child);
    });
  };
  visit(source);
  return found;
}

/** Types, imports, texts and documents of an API: changing them changes no behaviour that a unit spec should catch. */
function isLeftAlone(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isTemplateExpression(node) ||
    ts.isTaggedTemplateExpression(node) ||
    (ts.isDecorator(node) && /^@Api[A-Z]/.test(node.getText()))
  );
}

/** Matches `schema.meta(…)` and `schema.describe(…)` of zod. */
function isDescription(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  return ['meta', 'describe'].includes(node.expression.name.text);
}

/** Returns the nearest statement, or member of a class or of an object literal, around a mutated node. */
function contextOf(node: ts.Node): ts.Node {
  let at = node;
  while (!ts.isStatement(at) && !ts.isClassElement(at) && !ts.isPropertyAssignment(at) && !ts.isSourceFile(at))
    at = at.parent;
  return at;
}

function editsOf(node: ts.Node, source: ts.SourceFile): Edit[] {
  const replace = (operator: string, replaced: ts.Node, by: string): Edit[] => [
    { operator, from: replaced.getStart(source), to: replaced.end, by },
  ];
  const text = node.getText(source);
  if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node))
    return isNegatedElsewhere(node.expression)
      ? []
      : replace('negate condition', node.expression, `!(${node.expression.getText(source)})`);
  if (ts.isConditionalExpression(node))
    return isNegatedElsewhere(node.condition)
      ? []
      : replace('negate condition', node.condition, `!(${node.condition.getText(source)})`);
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.getText(source);
    const by = SWAPPED[operator];
    if (by === undefined || ('+-'.includes(operator) && joinsText(node))) return [];
    return replace(`${operator} to ${by}`, node.operatorToken, by);
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) return replace('true to false', node, 'false');
  if (node.kind === ts.SyntaxKind.FalseKeyword) return replace('false to true', node, 'true');
  if (ts.isNumericLiteral(node)) {
    if (ts.isPropertyAssignment(node.parent) && node.parent.name === node) return [];
    const by = String(Number(node.text) + 1);
    return replace(`${text} to ${by}`, node, by);
  }
  if (ts.isExpressionStatement(node) && isRemovable(node.expression)) return replace('remove statement', node, ';');
  if (ts.isReturnStatement(node) && node.expression !== undefined && node.expression.getText(source) !== 'undefined')
    return replace('return undefined', node.expression, 'undefined');
  if (ts.isArrayLiteralExpression(node) && node.elements.length > 1) {
    const [before, last] = node.elements.slice(-2);
    return [{ operator: 'remove last element', from: before?.end ?? 0, to: last?.end ?? 0, by: '' }];
  }
  return [];
}

/** Another operator makes the same change of this condition. */
function isNegatedElsewhere(condition: ts.Expression): boolean {
  if ([ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword].includes(condition.kind)) return true;
  return ts.isBinaryExpression(condition) && /^[!=]==$/.test(condition.operatorToken.getText());
}

/** @returns whether syntax shows that a sum, or one that it is a part of, has a string as an operand */
function joinsText(sum: ts.BinaryExpression): boolean {
  let top: ts.Node = sum;
  while (ts.isParenthesizedExpression(top.parent) || ts.isBinaryExpression(top.parent)) top = top.parent;
  const isText = (node: ts.Node): boolean =>
    ts.isStringLiteralLike(node) ||
    ts.isTemplateExpression(node) ||
    (ts.isParenthesizedExpression(node) && isText(node.expression)) ||
    (ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right)));
  return isText(top);
}

/** A call, an await of one, or an assignment. */
function isRemovable(expression: ts.Expression): boolean {
  if (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression)) return isRemovable(expression.expression);
  if (ts.isCallExpression(expression)) return expression.expression.kind !== ts.SyntaxKind.SuperKeyword;
  if (!ts.isBinaryExpression(expression)) return false;
  const { kind } = expression.operatorToken;
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}
