/** The table of sockets. */
import type { SocketRow, SocketTable } from '../socket-table.ts';
import { byId, element, setText } from './dom.ts';

const number = new Intl.NumberFormat('en');

export class SocketsView {
  readonly #body = byId('sockets', HTMLTableSectionElement);
  readonly #none = byId('no-sockets', HTMLParagraphElement);
  readonly #rows = new Map<number, HTMLElement[]>();

  /** Shows the table as it is now; rows that stay are kept, so that nothing jumps. */
  draw(table: SocketTable, showClosed: boolean): void {
    const wanted = new Set<number>();
    for (const row of table.rows) {
      if (row.state === 'closed' && !showClosed) continue;
      wanted.add(row.id);
      this.#fill(this.#rows.get(row.id) ?? this.#add(row.id), row);
    }
    for (const [id, cells] of this.#rows) {
      if (wanted.has(id)) continue;
      cells[0]?.parentElement?.remove();
      this.#rows.delete(id);
    }
    this.#none.hidden = wanted.size > 0;
  }

  #add(id: number): HTMLElement[] {
    const cells = ['', '', '', '', '', 'number', 'number'].map((name) => element('td', name));
    this.#rows.set(id, cells);
    this.#body.append(element('tr', '', ...cells));
    return cells;
  }

  #fill(cells: readonly HTMLElement[], row: SocketRow): void {
    const state = row.error === '' ? row.state : `${row.state} (${row.error})`;
    const texts = [
      `${row.id}`,
      row.kind,
      state,
      row.local,
      row.peer,
      number.format(row.received),
      number.format(row.sent),
    ];
    for (const [index, cell] of cells.entries()) setText(cell, texts[index] ?? '');
    const line = cells[0]?.parentElement;
    if (line) line.dataset.state = row.state;
  }
}
