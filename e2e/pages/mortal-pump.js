/** The pump's worker, but when it is told to it dies without a word, as a crashed thread does, or fails. */
import './client/pump.js';

new BroadcastChannel('mortal-pump').onmessage = ({ data }) => {
  if (data === 'die') close();
  else throw new Error('the pump fails');
};
// Meant to happen: nothing for the console.
addEventListener('error', (event) => event.preventDefault());
