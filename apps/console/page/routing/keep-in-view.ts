/** Within this time the parts of a page that has just been opened have loaded, and the page has its height. */
const LOADED_WITHIN_MS = 10_000;
/** What shows that the user moves on their own. */
const USER_EVENTS = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

/**
 * Scrolls to an element, and again whenever the page changes its height: the parts above it load and grow after the page was opened with
 * its address. Ends when the user scrolls, clicks or types, and after ten seconds.
 * @param content the element whose height changes
 */
export function keepInView(element: Element, content: Element): void {
  const resized = new ResizeObserver(() => element.scrollIntoView());
  const ended = new AbortController();
  const { signal } = ended;
  const end = (): void => ended.abort();
  signal.addEventListener('abort', () => resized.disconnect());
  for (const event of USER_EVENTS) addEventListener(event, end, { signal, passive: true });
  setTimeout(end, LOADED_WITHIN_MS);
  // Also reports the size once at the start.
  resized.observe(content);
}
