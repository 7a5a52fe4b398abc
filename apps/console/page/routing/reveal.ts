import { keepInView } from './keep-in-view.js';

/**
 * Scrolls to a section and moves the focus there, unless the user is in it already.
 * @param isFirst the page was just opened, and its parts still load
 */
export function reveal(id: string, page: Element, isFirst: boolean): void {
  const section = page.querySelector(`#${id}`);
  if (section === null || section.contains(document.activeElement)) return;
  if (isFirst) keepInView(section, page);
  else section.scrollIntoView();
  section.querySelector('h2')?.focus({ preventScroll: true });
}
