/** What snippets print. */
import { valueText } from '../text.ts';
import { byId, element } from './dom.ts';

/** Lines that are kept. */
const KEPT = 1000;

export type Tone = 'plain' | 'note' | 'bad';

export class OutputView {
  readonly #log = byId('output', HTMLDivElement);

  constructor() {
    byId('clear-output', HTMLButtonElement).addEventListener('click', () => this.#log.replaceChildren());
  }

  /** One line; strings as they are, other values as a programmer would write them. */
  print(tone: Tone, ...values: readonly unknown[]): void {
    const text = values.map((value) => (typeof value === 'string' ? value : valueText(value))).join(' ');
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 8;
    this.#log.append(element('div', tone, text));
    while (this.#log.childElementCount > KEPT) this.#log.firstElementChild?.remove();
    // Follows the output unless somebody has scrolled up to read.
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }
}
