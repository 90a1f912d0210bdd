/** The pump's worker, but it dies when it is told to: without a word, as a crashed thread does. */
import './client/pump.js';

new BroadcastChannel('mortal-pump').onmessage = () => close();
