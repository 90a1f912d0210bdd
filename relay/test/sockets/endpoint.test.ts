import { expect, test } from 'vitest';
import { loadSystem } from '../../src/os/libc.ts';
import { addressText, endpointOf, nowhere } from '../../src/sockets/endpoint.ts';

test.each([
  ['with system calls', loadSystem()],
  ['with Node alone', null],
])('an endpoint becomes text and comes back, %s', (_, system) => {
  expect(endpointOf(system, '192.0.2.7', 5)).toEqual({ family: 4, address: '192.0.2.7', port: 5 });
  expect(endpointOf(system, '::1', 6)).toEqual({ family: 6, address: '::1', port: 6 });
  expect(addressText(system, { family: 6, address: '::1', port: 6 })).toBe('::1');
  // No interface has this number, so its name is the number.
  const far = { family: 6, address: 'fe80::1', port: 7, scope: 987_654 } as const;
  expect(endpointOf(system, addressText(system, far), 7)).toEqual(far);
  expect(nowhere(6)).toEqual({ family: 6, address: '::', port: 0 });
});

test('a zone is the name of an interface', () => {
  const system = loadSystem();
  const local = { family: 6, address: 'fe80::1', port: 7, scope: 1 } as const;
  expect(addressText(system, local)).toBe('fe80::1%lo');
  expect(endpointOf(system, 'fe80::1%lo', 7)).toEqual(local);
});
