import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import { icons } from './plugins/icons.mjs';
import { shell } from './plugins/shell.mjs';

const here = import.meta.dirname;

// Pages are served by trassa itself under a strict content security policy: no inline script, nothing from outside.
export default defineConfig({
  root: here,
  base: '/',
  plugins: [icons(), shell()],
  build: {
    target: 'es2022',
    outDir: process.env.TRASSA_STATIC ?? resolve(here, '../src/trassa/live/web/static'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      input: {
        index: resolve(here, 'index.html'),
        drive: resolve(here, 'drive.html'),
        'drive-sw': resolve(here, 'src/drive/shell_worker.ts'),
      },
      output: {
        // the service worker keeps one name: its scope and its updates hang on it
        entryFileNames: (chunk) => (chunk.name === 'drive-sw' ? 'drive-sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    proxy: { '/api': { target: 'http://127.0.0.1:8100', ws: true } },
  },
});
