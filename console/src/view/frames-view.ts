/** The log of frames: the newest at the top, a limited number of them. */
import type { FrameEvent } from 'luasocket-web';
import { fieldsText } from '../text.ts';
import { byId, element, scheduled } from './dom.ts';

/** Frames that are kept; more would make the page slow, and nobody reads that far. */
const KEPT = 400;

interface Line {
  readonly direction: string;
  readonly clock: string;
  readonly type: string;
  readonly fields: string;
  readonly bytes: string;
}

/** A frame as text, made at once: its payload is only good for as long as the listener runs. */
function lineOf({ direction, time, bytes, frame }: FrameEvent): Line {
  const clock = new Date(time * 1000).toISOString().slice(11, 23);
  return { direction, clock, type: frame.type.toUpperCase(), fields: fieldsText(frame), bytes: `${bytes}` };
}

export class FramesView {
  readonly #body = byId('frames', HTMLTableSectionElement);
  readonly #filter = byId('filter', HTMLInputElement);
  readonly #pause = byId('pause', HTMLInputElement);
  readonly #draw = scheduled(() => this.#flush());
  #new: Line[] = [];

  constructor() {
    this.#filter.addEventListener('input', () => this.#show());
    byId('clear-frames', HTMLButtonElement).addEventListener('click', () => this.clear());
  }

  add(event: FrameEvent): void {
    if (this.#pause.checked) return;
    this.#new.push(lineOf(event));
    if (this.#new.length > KEPT) this.#new.shift();
    this.#draw();
  }

  clear(): void {
    this.#new = [];
    this.#body.replaceChildren();
  }

  #flush(): void {
    const lines = this.#new.map((line) => this.#element(line)).reverse();
    this.#new = [];
    this.#body.prepend(...lines);
    while (this.#body.childElementCount > KEPT) this.#body.lastElementChild?.remove();
  }

  #element({ direction, clock, type, fields, bytes }: Line): HTMLElement {
    const arrow = element('td', direction, direction === 'sent' ? '→' : '←');
    arrow.setAttribute('aria-label', direction);
    const cells = [element('td', 'dim', clock), arrow, element('td', 'name', type)];
    const line = element('tr', '', ...cells, element('td', '', fields), element('td', 'number', bytes));
    line.hidden = !this.#matches(line);
    return line;
  }

  #show(): void {
    for (const line of this.#body.rows) line.hidden = !this.#matches(line);
  }

  #matches(line: HTMLElement): boolean {
    const wanted = this.#filter.value.trim().toLowerCase();
    return wanted === '' || (line.textContent ?? '').toLowerCase().includes(wanted);
  }
}
