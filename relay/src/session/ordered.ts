/**
 * Keeps what is asked of one socket in order while a look-up that one of the requests needs is under way: that one
 * waits, and later ones with it (PROTOCOL.md, section 4). Usually nothing waits, and a task runs at once.
 */

export interface Task {
  /** What must be settled before; null: nothing. It never rejects. */
  readonly ready: Promise<void> | null;
  run(): void;
  /** The socket was closed before the task's turn came. */
  cancel(): void;
}

export class Ordered {
  #tasks: Task[] = [];
  #closed = false;

  /** Whether a task added now would have to wait. */
  get waiting(): boolean {
    return this.#tasks.length > 0;
  }

  add(task: Task): void {
    if (this.#tasks.length > 0) {
      this.#tasks.push(task);
    } else if (task.ready === null) {
      task.run();
    } else {
      this.#tasks.push(task);
      this.#await(task);
    }
  }

  close(): void {
    this.#closed = true;
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task.cancel();
  }

  #await(task: Task): void {
    void task.ready?.then(() => this.#proceed());
  }

  /** The first task's look-up is settled: runs it, and those behind it as far as they need not wait. */
  #proceed(): void {
    let first = true;
    while (!this.#closed) {
      const task = this.#tasks[0];
      if (!task) return;
      if (!first && task.ready !== null) {
        this.#await(task);
        return;
      }
      first = false;
      this.#tasks.shift();
      task.run();
    }
  }
}
