import { InvalidArgumentError } from 'commander';

// These functions check only the form of values. The producer checks the allowed ranges and names each invalid field.

/** @throws InvalidArgumentError, which commander prints with the name of the option */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be an integer, in digits only, such as 4 or 100000.');
}

/** @throws InvalidArgumentError */
export function decimalNumber(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number such as 2000 or 0.05.');
}

/** @throws InvalidArgumentError */
export function operationId(text: string): string {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError(
    'It must be the id of an operation, a UUID: `npm run orders -- operations` lists them.',
  );
}

/** @throws InvalidArgumentError */
export function letterId(text: string): string {
  if (/^[\w.-]+\/\d+\/\d+$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It must be the id of a dead letter, such as orders.v1/3/4711: `npm run orders -- dead-letters --list` lists them.',
  );
}
