/** What snippets print: the newest at the bottom, a limited number of lines. */
import { printedText } from '../text.ts';
import { byId, element, scheduled } from './dom.ts';

/** Lines that are kept. */
const KEPT = 1000;

export type Tone = 'plain' | 'note' | 'bad';

export class OutputView {
  readonly #log = byId('output', HTMLDivElement);
  readonly #draw = scheduled(() => this.#flush());
  #new: HTMLElement[] = [];

  constructor() {
    byId('clear-output', HTMLButtonElement).addEventListener('click', () => {
      this.#new = [];
      this.#log.replaceChildren();
    });
  }

  /** One line; strings as they are, other values as a programmer would write them. */
  print(tone: Tone, ...values: readonly unknown[]): void {
    // As text at once: the snippet may change its objects.
    this.#new.push(element('div', tone, printedText(values)));
    if (this.#new.length > KEPT) this.#new.shift();
    this.#draw();
  }

  #flush(): void {
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 8;
    this.#log.append(...this.#new);
    this.#new = [];
    while (this.#log.childElementCount > KEPT) this.#log.firstElementChild?.remove();
    // Follows the output unless somebody has scrolled up to read.
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }
}
