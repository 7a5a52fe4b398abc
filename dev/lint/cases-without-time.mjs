// Rules for specs that oxlint lacks. Its other rules against time in tests are in .oxlintrc.json.

/** The number of arguments of a case or a hook without a time limit. */
const ARGUMENTS = new Map([
  ['it', 2],
  ['test', 2],
  ['beforeAll', 1],
  ['beforeEach', 1],
  ['afterAll', 1],
  ['afterEach', 1],
]);
/** The places of texts that a process has logged or printed. */
const LOGS = new Set(['log', 'logs', 'logged', 'output', 'prints', 'writtenTexts']);

/** Refuses the time limit of a case or a hook. */
const noLimit = {
  create: (context) => ({
    CallExpression({ callee, arguments: given }) {
      const limit = given[ARGUMENTS.get(nameOf(callee)) ?? Infinity];
      if (limit === undefined) return;
      const message = 'A time limit depends on the speed of the machine: test/support/hang-guard.mjs ends what hangs.';
      context.report({ node: limit, message });
    },
  }),
};

/** Refuses to await the text of a log. */
const noAwaitedLog = {
  create(context) {
    let waits = 0;
    return {
      CallExpression(node) {
        if (isWait(node)) waits += 1;
      },
      'CallExpression:exit'(node) {
        if (isWait(node)) waits -= 1;
      },
      MemberExpression({ object, property }) {
        if (waits === 0 || object.name === 'console' || !LOGS.has(property.name)) return;
        const message = 'Wait for what clients or MongoDB see: the text of a log may change, and may be late.';
        context.report({ node: property, message });
      },
    };
  },
};

function isWait({ callee }) {
  return callee.name === 'eventually';
}

/** Returns `it` for `it(…)`, `it.only(…)` and `it.each(…)(…)`. */
function nameOf(callee) {
  if (callee.type === 'CallExpression') return nameOf(callee.callee);
  return callee.type === 'MemberExpression' ? callee.object.name : callee.name;
}

export default { meta: { name: 'cases' }, rules: { 'no-limit': noLimit, 'no-awaited-log': noAwaitedLog } };
