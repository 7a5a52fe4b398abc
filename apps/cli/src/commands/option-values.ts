import { InvalidArgumentError } from 'commander';

// Only the form is checked here. What is allowed the producer knows, and it names each field that isn't.

/** @throws InvalidArgumentError, which commander tells with the option's name */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It takes a whole number, in digits only.');
}

/** @throws InvalidArgumentError */
export function decimalNumber(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a number such as 2000 or 0.05.');
}

/** @throws InvalidArgumentError */
export function operationId(text: string): string {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('It takes the id of an operation, a UUID: `npm run orders -- operations` lists them.');
}

/** @throws InvalidArgumentError */
export function letterId(text: string): string {
  if (/^[\w.-]+\/\d+\/\d+$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It takes the id of a dead letter, such as orders.v1/3/4711: `npm run orders -- dead-letters --list` lists them.',
  );
}
