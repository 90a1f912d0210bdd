/**
 * The builds, one per mode: `vite build --mode client`. scripts/build.mjs runs them all and puts the results in place.
 *
 * shared/ has no package of its own: each end bundles what it uses of it. What a package depends on stays an import.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin, type UserConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The pages in a directory: name -> file. */
function pagesIn(directory: string): Record<string, string> {
  const pages = readdirSync(at(directory)).filter((file) => file.endsWith('.html'));
  return Object.fromEntries(pages.map((file) => [file.replace('.html', ''), at(`${directory}/${file}`)]));
}

/** Entry points of the client's package: name in dist/ -> source. Each needs a line in `exports` of client/package.json. */
const CLIENT_ENTRIES = {
  index: at('client/src/index.ts'),
  poll: at('client/src/poll.ts'),
  blocking: at('client/src/blocking.ts'),
  lua: at('client/src/lua.ts'),
  emscripten: at('client/src/emscripten.ts'),
};

/** Vite leaves an ES library its line breaks and blanks; the workers' files go to browsers as they are. */
const WHOLLY_MINIFIED = { output: { minify: true } };

/**
 * Keeps Vite here from bundling the workers of an entry, which are builds of their own, and lets the bundlers of users
 * see them: they look for the same words, and would heed the comment too. As many blanks keep the source map true.
 */
const IGNORED = '/* @vite-ignore */';
const workersForUsers: Plugin = {
  name: 'workers-for-users',
  renderChunk: (code) => ({ code: code.replaceAll(IGNORED, ' '.repeat(IGNORED.length)), map: null }),
};

const BUILDS: Readonly<Record<string, UserConfig>> = {
  client: {
    root: at('client'),
    plugins: [workersForUsers],
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'es2022',
      sourcemap: true,
      minify: false,
      lib: { entry: CLIENT_ENTRIES, formats: ['es'] },
      rolldownOptions: { output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' } },
    },
  },
  global: {
    root: at('client'),
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2022',
      sourcemap: true,
      lib: {
        entry: at('client/src/index.ts'),
        name: 'LuaSocketWeb',
        formats: ['iife'],
        fileName: () => 'luasocket-web.global.js',
      },
    },
  },
  // What a page with a game loads before it. Classic scripts run in order; modules would come after the game's own.
  emscripten: {
    root: at('client'),
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2022',
      sourcemap: true,
      lib: {
        entry: at('client/src/emscripten/script.entry.ts'),
        name: 'LuaSocketWebEmscripten',
        formats: ['iife'],
        fileName: () => 'luasocket-web.emscripten.js',
      },
    },
  },
  // What a Defold game runs in its page; scripts/lib/defold.mjs puts it into the library's Lua.
  defold: {
    root: at('client'),
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2022',
      lib: {
        entry: at('client/src/defold/script.entry.ts'),
        name: 'LuaSocketDefoldScript',
        formats: ['iife'],
        fileName: () => 'luasocket-web.defold.js',
      },
    },
  },
  // The worker of blocking.js. In one file: bundlers copy it as it is, and a page's server may have it anywhere.
  pump: {
    root: at('client'),
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2022',
      sourcemap: true,
      lib: { entry: at('client/src/workers/pump.entry.ts'), formats: ['es'], fileName: () => 'pump.js' },
      rolldownOptions: WHOLLY_MINIFIED,
    },
  },
  // The worker of lua.js, likewise; scripts/lib/build.mjs puts Lua's WebAssembly beside it.
  'lua-worker': {
    root: at('client'),
    plugins: [workersForUsers],
    // wasmoon asks lodash two questions, where we never come by; it would be most of the file.
    resolve: { alias: { lodash: at('client/src/lua/lodash.ts') } },
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2022',
      sourcemap: true,
      lib: { entry: at('client/src/lua/worker.entry.ts'), formats: ['es'], fileName: () => 'lua-worker.js' },
      rolldownOptions: WHOLLY_MINIFIED,
    },
  },
  relay: {
    root: at('relay'),
    ssr: { noExternal: [/^@luasocket-web\//] },
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'node20',
      sourcemap: true,
      minify: false,
      ssr: true,
      rolldownOptions: {
        input: { cli: at('relay/src/cli.ts'), index: at('relay/src/index.ts') },
        // Flat, so that `import.meta.url` means dist/ in every chunk.
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  console: {
    root: at('console'),
    base: './',
    // The longer names first: the shorter one begins them.
    resolve: {
      alias: {
        'luasocket-web/poll': at('client/src/poll.ts'),
        'luasocket-web/blocking': at('client/src/blocking.ts'),
        'luasocket-web/lua': at('client/src/lua.ts'),
        'luasocket-web/emscripten': at('client/src/emscripten.ts'),
        'luasocket-web': at('client/src/index.ts'),
      },
    },
    worker: { format: 'es' },
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'es2022',
      sourcemap: true,
      // A strict Content-Security-Policy allows neither data: URLs nor inline scripts.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: {
          index: at('console/index.html'),
          gallery: at('console/gallery/index.html'),
          ...pagesIn('console/faces'),
        },
      },
    },
  },
};

export default defineConfig(({ mode }) => {
  const build = BUILDS[mode];
  if (build === undefined)
    throw new Error(`vite.config.ts has no build called "${mode}": ${Object.keys(BUILDS).join(', ')}`);
  return build;
});
