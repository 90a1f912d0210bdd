/** Where an inspector looks on: at frames as they pass, and at what the relay says of them. */
import type { Denial } from '@luasocket-web/shared/denial';
import type { Frame } from '@luasocket-web/shared/frames';

export interface FrameTap {
  /** Asked before each frame: nothing else is done while nobody listens. */
  readonly listening: boolean;
  /** `bytes`: the length of the frame on the WebSocket, where the caller has it at hand. */
  frame(direction: 'sent' | 'received', frame: Frame, bytes?: number): void;
}

export interface SessionTap extends FrameTap {
  /** The relay has told why it denied something. */
  denied(denial: Denial): void;
}
