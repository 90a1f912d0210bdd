/**
 * One end's half of the link: which sequenced frames the peer may still lack, and how many of the peer's have come.
 *
 * A pure state machine (PROTOCOL.md, section 6): it knows no transport, reads no clock and encodes nothing. What is
 * sent is remembered until acknowledged, so that a new WebSocket can go on where the old one broke off.
 */
import { ProtocolError } from './errors.ts';
import { FRAMES, type FrameName } from './frames.ts';
import { ACK_BYTES, ACK_FRAMES, ACK_MILLISECONDS } from './limits.ts';

/** Whether frames of this type are counted, acknowledged and sent again after a resume. */
export function isSequenced(type: FrameName): boolean {
  // Most are DATA, and a look-up by type costs several times as much.
  return type === 'data' || FRAMES[type].sequenced;
}

/** Acknowledged entries at the front of the buffer before it is moved up, so that moving costs little per frame. */
const COMPACT_FRAMES = 1024;

export class Link {
  /** Sent and perhaps not received; those before #head are acknowledged. */
  #frames: (Uint8Array | null)[] = [];
  #head = 0;
  #unacknowledgedBytes = 0;
  #acknowledged = 0;

  #received = 0;
  /** Received since the last ACK told. */
  #untoldFrames = 0;
  #untoldBytes = 0;
  #ackAt = Number.POSITIVE_INFINITY;
  readonly #forgotten: ((encoded: Uint8Array) => void) | null;

  /** `forgotten` is called for each frame that is kept no longer. */
  constructor(forgotten: ((encoded: Uint8Array) => void) | null = null) {
    this.#forgotten = forgotten;
  }

  /** Sequenced frames received in all, over every WebSocket of the session. */
  get receivedCount(): number {
    return this.#received;
  }

  /** Bytes and frames that are kept for a replay. The owner bounds them: a peer that never acknowledges is at fault. */
  get unacknowledgedBytes(): number {
    return this.#unacknowledgedBytes;
  }
  get unacknowledgedFrames(): number {
    return this.#frames.length - this.#head;
  }

  /** A sequenced frame is being sent, or would be if there were a WebSocket. `encoded` is kept, not copied. */
  sent(encoded: Uint8Array): void {
    this.#frames.push(encoded);
    this.#unacknowledgedBytes += encoded.length;
  }

  /** A sequenced frame of `bytes` bytes has come in. */
  received(bytes: number): void {
    this.#received++;
    this.#untoldFrames++;
    this.#untoldBytes += bytes;
  }

  /**
   * The peer's ACK: it has received that many in all. Repeating an earlier one is harmless.
   * @throws ProtocolError `unexpected` when it goes back, or acknowledges what was never sent.
   */
  acknowledged(received: number): void {
    if (!this.#canStandAt(received)) {
      const sent = this.#acknowledged + this.unacknowledgedFrames;
      throw new ProtocolError('unexpected', `ACK of ${received} after ${this.#acknowledged}, ${sent} sent`);
    }
    this.#forget(received);
  }

  /**
   * Whether an ACK should be sent now (`nowMs`: milliseconds on any monotonic clock). To be asked after each message
   * received and at `ackAt`: the ACK_MILLISECONDS run from the first time it is asked with something to tell.
   */
  ackDue(nowMs: number): boolean {
    if (this.#untoldFrames === 0) return false;
    if (this.#ackAt === Number.POSITIVE_INFINITY) this.#ackAt = nowMs + ACK_MILLISECONDS;
    return this.#untoldFrames >= ACK_FRAMES || this.#untoldBytes >= ACK_BYTES || nowMs >= this.#ackAt;
  }

  /** When the next ACK is due at the latest, in milliseconds on `ackDue`'s clock; Infinity when there is none to send. */
  ackAt(): number {
    return this.#ackAt;
  }

  /** The number to put into ACK, RESUME or RESUMED; the peer counts as told. */
  takeAck(): number {
    this.#untoldFrames = 0;
    this.#untoldBytes = 0;
    this.#ackAt = Number.POSITIVE_INFINITY;
    return this.#received;
  }

  /**
   * What to send again, in order, on the next WebSocket, to a peer that has received `peerReceived` frames in all.
   * They stay remembered until acknowledged, so a second break is no different from the first.
   * @throws ProtocolError `not_resumable` when the peer lacks what is no longer here, or has what was never sent.
   */
  replay(peerReceived: number): Uint8Array[] {
    if (!this.#canStandAt(peerReceived)) {
      throw new ProtocolError('not_resumable', 'the session cannot be resumed');
    }
    this.#forget(peerReceived);
    const again: Uint8Array[] = [];
    for (let i = this.#head; i < this.#frames.length; i++) {
      const frame = this.#frames[i];
      if (frame) again.push(frame);
    }
    return again;
  }

  #canStandAt(received: number): boolean {
    return (
      Number.isSafeInteger(received) &&
      received >= this.#acknowledged &&
      received <= this.#acknowledged + this.unacknowledgedFrames
    );
  }

  #forget(received: number): void {
    const head = this.#head + received - this.#acknowledged;
    for (let i = this.#head; i < head; i++) {
      const frame = this.#frames[i];
      if (!frame) continue;
      this.#unacknowledgedBytes -= frame.length;
      this.#frames[i] = null;
      this.#forgotten?.(frame);
    }
    this.#head = head;
    this.#acknowledged = received;
    if (head === this.#frames.length) {
      this.#frames.length = 0;
      this.#head = 0;
    } else if (head >= COMPACT_FRAMES && head * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(head);
      this.#head = 0;
    }
  }
}
