/** What has come on a stream whose client hands out messages as they come. Counts bytes; the ones themselves are nobody's here. */

/** Bytes unread above which the sender is held up, where the client can. */
const HIGH = 1 << 20;

export class Inbox {
  #unread = 0;
  #wanted = 0;
  /** @type {((error?: Error) => void) | null} */
  #waiter = null;
  /** @type {Error | null} */
  #ended = null;
  #held = false;
  /** @type {(held: boolean) => void} */
  #hold;

  /** @param {(held: boolean) => void} [hold] Holds the sender up, or lets it go on. */
  constructor(hold = () => {}) {
    this.#hold = hold;
  }

  /** @param {number} bytes */
  put(bytes) {
    this.#unread += bytes;
    if (this.#waiter !== null && this.#unread >= this.#wanted) {
      const waiter = this.#waiter;
      this.#waiter = null;
      this.#unread -= this.#wanted;
      waiter();
    }
    if (this.#unread > HIGH && !this.#held) {
      this.#held = true;
      this.#hold(true);
    }
  }

  /** @param {string} why */
  end(why) {
    this.#ended ??= new Error(why);
    this.#waiter?.(this.#ended);
    this.#waiter = null;
  }

  /** One reader at a time. @param {number} size @returns {Promise<undefined>} */
  read(size) {
    if (this.#unread >= size) {
      this.#unread -= size;
      if (this.#held && this.#unread <= HIGH) {
        this.#held = false;
        this.#hold(false);
      }
      return DONE;
    }
    if (this.#ended !== null) return Promise.reject(this.#ended);
    this.#wanted = size;
    return new Promise((resolve, reject) => {
      this.#waiter = (error) => (error ? reject(error) : resolve(undefined));
      if (this.#held) {
        this.#held = false;
        this.#hold(false);
      }
    });
  }
}

/** @type {Promise<undefined>} */
const DONE = Promise.resolve(undefined);

/** Datagrams that have come; sizes only. */
export class Letterbox {
  /** @type {number[]} */
  #sizes = [];
  #next = 0;
  /** @type {{ resolve: (size: number) => void, reject: (error: Error) => void } | null} */
  #waiter = null;
  /** @type {Error | null} */
  #ended = null;

  /** @param {number} size */
  put(size) {
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter) waiter.resolve(size);
    else this.#sizes.push(size);
  }

  /** @param {string} why */
  end(why) {
    this.#ended ??= new Error(why);
    this.#waiter?.reject(this.#ended);
    this.#waiter = null;
  }

  /** @returns {Promise<number>} */
  receive() {
    const size = this.#sizes[this.#next];
    if (size !== undefined) {
      this.#next++;
      return Promise.resolve(size);
    }
    this.#sizes.length = 0;
    this.#next = 0;
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }
}
