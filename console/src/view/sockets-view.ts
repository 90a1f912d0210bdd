/** The table of sockets. */
import type { SocketRow } from '../socket-history.ts';
import { byId, element, setText } from './dom.ts';

const number = new Intl.NumberFormat('en');

export class SocketsView {
  readonly #body = byId('sockets', HTMLTableSectionElement);
  readonly #none = byId('no-sockets', HTMLParagraphElement);
  readonly #rows = new Map<number, HTMLElement[]>();

  /** Shows these sockets; rows that stay are kept, so that nothing jumps. */
  draw(rows: readonly SocketRow[]): void {
    const wanted = new Set(rows.map((row) => row.id));
    for (const [index, row] of rows.entries()) {
      const cells = this.#rows.get(row.id) ?? this.#add(row.id);
      this.#fill(cells, row);
      const line = cells[0]?.parentElement;
      const there = this.#body.children[index];
      if (line && line !== there) this.#body.insertBefore(line, there ?? null);
    }
    for (const [id, cells] of this.#rows) {
      if (wanted.has(id)) continue;
      cells[0]?.parentElement?.remove();
      this.#rows.delete(id);
    }
    this.#none.hidden = wanted.size > 0;
  }

  #add(id: number): HTMLElement[] {
    const cells = ['', '', '', '', '', 'number', 'number', 'number'].map((name) => element('td', name));
    this.#rows.set(id, cells);
    this.#body.append(element('tr', '', ...cells));
    return cells;
  }

  #fill(cells: readonly HTMLElement[], row: SocketRow): void {
    const { id, kind, state, local, peer, received, sent, queued } = row;
    const counters = [received, sent, queued].map((count) => number.format(count));
    const texts = [`${id}`, kind, state, local ?? '', peer ?? '', ...counters];
    for (const [index, cell] of cells.entries()) setText(cell, texts[index] ?? '');
    const line = cells[0]?.parentElement;
    if (line) line.dataset.state = row.state;
  }
}
