/** Returns a moment as the local time of this process (`TZ`), without a zone: `2026-01-31T12:00:00.000`. */
export function localTime(milliseconds: number): string {
  const ahead = -new Date(milliseconds).getTimezoneOffset() * 60_000;
  return new Date(milliseconds + ahead).toISOString().slice(0, -1);
}

/** Matches a local time, with or without milliseconds. */
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?$/;

/** Returns a local time with milliseconds; `undefined` for anything else. It doesn't know whether clocks ever show that time. */
export function readLocalTime(text: string): string | undefined {
  if (!LOCAL_TIME.test(text)) return undefined;
  const full = text.includes('.') ? text : `${text}.000`;
  const date = new Date(`${full}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString() === `${full}Z` ? full : undefined;
}
