import { CONNECTED, finishSome, type Program } from './program.js';

/** The programs that classify errors. */
export const CLASSIFIERS: Readonly<Record<string, Program>> = {
  'Classify failures': {
    before: '',
    after: `console.log(classify(new SyntaxError('no JSON')), classify(new Error('503')));`,
    prints: /^poison environment$/m,
  },
  MongoDB: {
    before: '',
    after: `
const failures = [{ code: 121 }, { code: 112 }, { name: 'MongoTopologyClosedError' }];
console.log(failures.map((failure) => classifyMongo(Object.assign(new Error('failed'), failure))).join(' '));`,
    prints: /^poison retriable environment$/m,
  },
  PostgreSQL: {
    before: '',
    after: `
const failures = ['23514', '40P01', '57P01', 'ECONNREFUSED', '22P02'].map((code) => Object.assign(new Error('failed'), { code }));
console.log(failures.map(classifyPostgres).join(' '));`,
    prints: /^poison retriable environment environment poison$/m,
  },
};

/** The programs that read and redrive dead letters. */
export const DEAD_LETTERS: Readonly<Record<string, Program>> = {
  'Dead letters': {
    before: CONNECTED,
    after: finishSome('letters'),
    prints: /^payments\.v1, partition 1, offset \d+: RangeError: payment 1 has no amount: \{"id":"1","amount":0\}$/m,
  },
  'Send dead letters again': {
    before: CONNECTED,
    after: `${finishSome('redrive')} await producer.close();`,
    prints: /^sent again: partition 1, offset 0$/m,
  },
};
