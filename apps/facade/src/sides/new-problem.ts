import { z } from 'zod';
import type { WriteOutcome } from './side.js';
import type { WholeAnswer } from './side-connection.js';

const ProblemSchema = z.looseObject({
  code: z.string().default('refused'),
  detail: z.string().default(''),
  errors: z.array(z.looseObject({ pointer: z.string().default(''), detail: z.string().default('') })).default([]),
});

const SHOWN_CHARACTERS = 200;
/** The first segment of a JSON pointer (RFC 6901) into an array. */
const PLACE = /^\/(\d{1,6})(?:\/(.*))?$/;

type Refusal = Extract<WriteOutcome, { result: 'refused' }>;

/** Why the new side refused a request: the problem details of its answer, or the beginning of any other text. */
export class NewProblem {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: readonly { readonly pointer: string; readonly detail: string }[],
  ) {}

  /** Returns the refusal of an order of the array: the errors of its fields, or the whole problem. */
  refusalOf(place: number): Refusal {
    const own = this.errors.flatMap(({ pointer, detail }) => {
      const [, index, field] = PLACE.exec(pointer) ?? [];
      return Number(index) === place ? [`${field ?? 'the order'} ${detail}`] : [];
    });
    const message = own.length === 0 ? this.detail : own.join('; ');
    return { result: 'refused', code: this.code, message, status: this.status };
  }
}

export function problemIn({ status, bytes }: WholeAnswer): NewProblem {
  const text = new TextDecoder().decode(bytes);
  const parsed = ProblemSchema.safeParse(jsonIn(text));
  if (!parsed.success) return new NewProblem(status, 'refused', text.slice(0, SHOWN_CHARACTERS), []);
  const { code, detail, errors } = parsed.data;
  return new NewProblem(status, code, detail, errors);
}

/** Returns the refusals by the place of their order in the array that was sent; none if the problem names no place. */
export function refusedPlaces(problem: NewProblem, count: number): Map<number, Refusal> {
  const places = problem.errors.map(({ pointer }) => Number(PLACE.exec(pointer)?.[1] ?? Number.NaN));
  return new Map(places.filter((at) => at < count).map((at) => [at, problem.refusalOf(at)]));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
