/** The process of one contender's client: takes the names of cases, measures, answers with a sample each. node client.mjs CONTENDER PLACE */
import { measureOf } from './cases/node.mjs';
import { resident } from './cases/resident.mjs';
import { withClients } from './cases/sample.mjs';
import { nodeDial } from './clients/node.mjs';
import { costOf } from './lib/cost.mjs';

const [contender = '', json = ''] = process.argv.slice(2);
/** @type {import('./types.ts').Place} */
const place = JSON.parse(json);
const dial = await nodeDial(contender, place.root);
const moveIn = resident();

/** @param {{ name: string, seconds: number }} order @returns {Promise<import('./types.ts').Sample>} */
async function sample({ name, seconds }) {
  const about = { place, seconds, contender, cost: async () => costOf(place.pid) };
  try {
    await moveIn(dial, place, name);
    return { figures: await withClients(about, dial, measureOf(name)) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', async (order) => {
  process.send?.(await sample(/** @type {{ name: string, seconds: number }} */ (order)));
});
process.on('disconnect', () => process.exit(0));
