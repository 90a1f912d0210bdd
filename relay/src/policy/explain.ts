/** A denial in words for a developer. What is said here names hosts: it is for the client that asked, never for the log. */
import type { Endpoint } from '@luasocket-web/shared/address';
import { denialText } from '@luasocket-web/shared/denial';
import type { Operation } from './policy.ts';

export function explain(operation: Operation, reason: string): string {
  return denialText({ operation: operation.name, target: targetOf(operation), reason });
}

function targetOf(operation: Operation): string | null {
  switch (operation.name) {
    case 'bind':
    case 'connect':
    case 'sendto':
    case 'listen':
    case 'accept':
      return place(operation.at);
    case 'join':
      return operation.group;
    case 'option':
      return String(operation.option);
    case 'resolve':
      return operation.host === null ? null : String(operation.host);
    case 'answer':
    case 'reverse':
      return operation.address;
    case 'open':
      return operation.kind;
  }
}

function place({ family, address, port }: Endpoint): string {
  return family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}
