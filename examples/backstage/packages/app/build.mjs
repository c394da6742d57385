// Bundles the frontend into dist/static. Backstage's own CLI does the same with
// a few hundred packages more.
import { builtinModules } from 'node:module';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = name => fileURLToPath(new URL(name, import.meta.url));

// The AsyncAPI viewer imports modules of Node that it never calls in a browser.
const builtins = {
  name: 'node-builtins',
  setup({ onResolve, onLoad }) {
    const names = builtinModules.filter(name => name !== 'buffer').join('|');
    onResolve({ filter: new RegExp(`^(node:.*|(${names})(/.*)?)$`) }, ({ path }) => ({
      path,
      namespace: 'node-builtin',
    }));
    onLoad({ filter: /.*/, namespace: 'node-builtin' }, () => ({
      contents: 'module.exports = new Proxy(class {}, { get: (target, key) => target[key] ?? class {} });',
    }));
  },
};

await rm(here('dist'), { recursive: true, force: true });
await build({
  entryPoints: [here('src/index.tsx')],
  outdir: here('dist/static'),
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  minify: true,
  logLevel: 'warning',
  loader: Object.fromEntries(['svg', 'png', 'woff', 'woff2', 'ttf', 'eot'].map(type => [`.${type}`, 'dataurl'])),
  define: {
    'process.env.NODE_ENV': '"production"',
    'process.env.APP_CONFIG': 'undefined',
    'process.env.HAS_REACT_DOM_CLIENT': 'true',
    global: 'globalThis',
  },
  inject: [here('node.mjs')],
  plugins: [builtins],
});
