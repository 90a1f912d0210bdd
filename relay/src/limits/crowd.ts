/**
 * A crowd that waits at the door, in groups: who came from where. It knows who goes when there is one too many: the one
 * that has waited longest, of the largest group. So whoever comes alone gets in, however many come from elsewhere, and a
 * flood only ever displaces itself. All of it in constant time, since a flood is when it matters.
 */
export class Crowd<T> {
  /** Members by their group. */
  readonly #members = new Map<T, string>();
  /** Groups, each in the order of arrival. */
  readonly #groups = new Map<string, Set<T>>();
  /** Groups by their size, each in the order in which they came to it. */
  readonly #sizes = new Map<number, Set<string>>();
  #largest = 0;

  get size(): number {
    return this.#members.size;
  }

  has(member: T): boolean {
    return this.#members.has(member);
  }

  /** Nothing happens when it is there already. */
  enter(member: T, group: string): void {
    if (this.#members.has(member)) return;
    this.#members.set(member, group);
    const members = this.#groups.get(group) ?? new Set();
    members.add(member);
    this.#groups.set(group, members);
    this.#resize(group, members.size - 1, members.size);
  }

  /** Nothing happens when it is not there. */
  leave(member: T): void {
    const group = this.#members.get(member);
    if (group === undefined) return;
    this.#members.delete(member);
    const members = this.#groups.get(group);
    if (!members) return;
    members.delete(member);
    if (members.size === 0) this.#groups.delete(group);
    this.#resize(group, members.size + 1, members.size);
  }

  /** Takes out the one that goes; undefined: nobody is there. */
  displace(): T | undefined {
    const [group = ''] = this.#sizes.get(this.#largest) ?? [];
    const [member] = this.#groups.get(group) ?? [];
    if (member !== undefined) this.leave(member);
    return member;
  }

  #resize(group: string, from: number, to: number): void {
    const before = this.#sizes.get(from);
    before?.delete(group);
    if (before?.size === 0) this.#sizes.delete(from);
    if (to > 0) {
      const after = this.#sizes.get(to) ?? new Set();
      after.add(group);
      this.#sizes.set(to, after);
    }
    // It moves by one, so there is no search.
    if (to > this.#largest || (from === this.#largest && !this.#sizes.has(from))) this.#largest = to;
  }
}
