/** Finding and making elements. Text only ever goes in as text. */

/** The element with an id; the page is ours, so it is there, and of this class. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} called ${id}.`);
}

export function element(tag: string, className: string, ...children: ReadonlyArray<Node | string>): HTMLElement {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** Sets the text only when it changes, so that a selection in it survives. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Runs `draw` once before the next frame is painted, however often it is asked to. */
export function scheduled(draw: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
