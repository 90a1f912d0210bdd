/** What a case is given, and what it leaves open closed again: in a process of Node and in a page alike. */

/**
 * @param {Omit<import('../types.ts').Bench, 'dial'>} about
 * @param {import('../types.ts').Dial} dial
 * @param {(bench: import('../types.ts').Bench) => Promise<import('../types.ts').Figures>} measure
 */
export async function withClients(about, dial, measure) {
  /** @type {import('../types.ts').Client[]} */
  const clients = [];
  const dialed = async (/** @type {string | undefined} */ url) => {
    const client = await dial(about.place, url);
    clients.push(client);
    return client;
  };
  try {
    return await measure({ ...about, dial: dialed });
  } finally {
    for (const client of clients) client.close();
  }
}
